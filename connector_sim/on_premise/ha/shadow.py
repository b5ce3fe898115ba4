"""The shadow's part of a pair: bind to the master, watch it, and take over when it is lost.

Pure: no clock and no sockets. Every call takes the time in seconds and returns what is to be done; ``next_at`` is when
``tick`` has to be called. Rules (SAP, "Master and Shadow Administration", failover process; facts, section 2.5):

- the master is lost after three check intervals without an answer, and the shadow waits for the take-over delay in case
  it comes back;
- then it tries to open the tunnels. If not one of them can be opened it stays a shadow, goes on asking for the master,
  and tries again.
"""

from __future__ import annotations

from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.ha.states import Do, ShadowState


class ShadowMachine:
    """One shadow; ``message`` says why it is where it is (``stateMessage``)."""

    def __init__(self, settings: HaSettings) -> None:
        self.settings = settings
        self.state = ShadowState.INITIAL
        self.message = ""
        self.has_taken_over = False
        self.missed_in_a_row = 0
        self._revision: int | None = None
        self._check_at: float | None = None
        self._take_over_at: float | None = None

    @property
    def next_at(self) -> float | None:
        """When to call ``tick``; None while an answer is awaited or there is nothing to do."""
        return min((each for each in (self._check_at, self._take_over_at) if each is not None), default=None)

    def connect(self) -> list[Do]:
        """Bind to the master (operation CONNECT)."""
        if self.state not in {ShadowState.INITIAL, ShadowState.DISCONNECTED}:
            return []
        self._enter(ShadowState.HANDSHAKE, "")
        return [Do.SHAKE_HANDS]

    def disconnect(self) -> list[Do]:
        """Leave the master (operation DISCONNECT)."""
        if self.state in {ShadowState.INITIAL, ShadowState.DISCONNECTED, ShadowState.DISCONNECTING}:
            return []
        self._enter(ShadowState.DISCONNECTING, "")
        return [Do.SAY_GOODBYE]

    def handshaken(self) -> list[Do]:
        """Take the master's consent."""
        if self.state is not ShadowState.HANDSHAKE:
            return []
        self._enter(ShadowState.INITSYNC, "")
        return [Do.SYNCHRONIZE]

    def failed(self, now: float, why: str) -> None:
        """Take a handshake or a first synchronization that did not succeed; it is tried again an interval later."""
        if self.state in {ShadowState.HANDSHAKE, ShadowState.INITSYNC}:
            self._enter(ShadowState.DISCONNECTED, why)
            self._check_at = now + self.settings.check_interval_s
        elif self.state is ShadowState.READY:
            self._revision = None  # what it has is old: fetched again with the next check
            self._check_at = now + self.settings.check_interval_s

    def synchronized(self, now: float, revision: int) -> None:
        """Take the master's configuration."""
        if self.state not in {ShadowState.INITSYNC, ShadowState.READY}:
            return
        self._revision = revision
        if self.state is ShadowState.INITSYNC:
            self._enter(ShadowState.READY, "")
        self._check_at = now + self.settings.check_interval_s

    def alive(self, now: float, revision: int) -> list[Do]:
        """Take a sign of life; a master whose configuration has changed is synchronized with."""
        if self.state not in {ShadowState.READY, ShadowState.LOST}:
            return []
        if self.state is ShadowState.LOST:
            self._enter(ShadowState.READY, "the master is back")
        self.missed_in_a_row = 0
        self._check_at = now + self.settings.check_interval_s
        if revision == self._revision:
            return []
        self._check_at = None
        return [Do.SYNCHRONIZE]

    def missed(self, now: float, why: str) -> None:
        """Take a check without an answer."""
        if self.state not in {ShadowState.READY, ShadowState.LOST}:
            return
        self.missed_in_a_row += 1
        if self.state is ShadowState.READY and self.missed_in_a_row >= self.settings.missed_checks:
            self._enter(ShadowState.LOST, why)
            self._take_over_at = now + self.settings.takeover_delay_s
        self._check_at = now + self.settings.check_interval_s

    def rebind(self) -> list[Do]:
        """Take the news that the master does not know this shadow: it was started anew, or has given it up."""
        if self.state not in {ShadowState.READY, ShadowState.LOST}:
            return []
        self._enter(ShadowState.HANDSHAKE, "")
        return [Do.SHAKE_HANDS]

    def tick(self, now: float) -> list[Do]:
        """Do what is due."""
        if self._take_over_at is not None and now >= self._take_over_at:
            self._take_over_at = self._check_at = None
            return [Do.TAKE_OVER]
        if self._check_at is not None and now >= self._check_at:
            self._check_at = None
            return self.connect() if self.state is ShadowState.DISCONNECTED else [Do.CHECK]
        return []

    def asked_to_take_over(self) -> list[Do]:
        """Take the master's wish to switch roles; only a shadow that is READY can."""
        if self.state is not ShadowState.READY:
            return []
        self._check_at = None
        return [Do.TAKE_OVER]

    def taken_over(self) -> None:
        """Become master; this machine is done with."""
        self.has_taken_over = True
        self._check_at = self._take_over_at = None

    def not_taken_over(self, now: float, why: str) -> None:
        """Stay a shadow, because not one tunnel could be opened."""
        self.message = why
        self._check_at = now + self.settings.check_interval_s
        if self.state is ShadowState.LOST:
            self._take_over_at = now + max(self.settings.takeover_delay_s, self.settings.check_interval_s)

    def gone(self) -> None:
        """Take the end of the goodbye, however it went."""
        if self.state is ShadowState.DISCONNECTING:
            self._enter(ShadowState.DISCONNECTED, "")

    def reset(self) -> bool:
        """Forget the master; only while not connected to it ("Reset", and the REST API's DELETE)."""
        if self.state not in {ShadowState.INITIAL, ShadowState.DISCONNECTED}:
            return False
        self._enter(ShadowState.INITIAL, "")
        self._revision = None
        return True

    def _enter(self, state: ShadowState, message: str) -> None:
        self.state = state
        self.message = message
        self._check_at = self._take_over_at = None
        if state is not ShadowState.LOST:
            self.missed_in_a_row = 0

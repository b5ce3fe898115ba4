"""The master's part of a pair: let one shadow bind, hear its checks, and find out when both are master.

Pure: no clock and no sockets, as the shadow's machine. Rules (SAP, "Master and Shadow Administration"):

- "Only one shadow instance is supported": any other is declined until the first is lost, which it is when nothing was
  heard of it for three check intervals;
- a shadow that took over while the network was broken is found out when it recovers: the former master "will then
  automatically relinquish its master role and assume the shadow role".
"""

from __future__ import annotations

from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.ha.states import Do, MasterState


class MasterMachine:
    """One master; ``shadow`` is the name of the one that is bound."""

    def __init__(self, settings: HaSettings) -> None:
        self.settings = settings
        self.state = MasterState.ALONE
        self.shadow = ""
        self._lost_at: float | None = None
        self._ask_at: float | None = None

    @property
    def next_at(self) -> float | None:
        """When to call ``tick``; None while there is nothing to do."""
        return self._ask_at if self.state is MasterState.BROKEN else self._lost_at

    def bind(self, now: float, shadow: str) -> bool:
        """Let a shadow bind; False if another one is bound and not lost."""
        if self.state in {MasterState.BINDING, MasterState.CONNECTED} and shadow != self.shadow:
            return False
        self.state, self.shadow = MasterState.BINDING, shadow
        self._heard(now)
        return True

    def synchronized(self, now: float, shadow: str) -> bool:
        """Take the news that the shadow has fetched the configuration; False if it is not bound."""
        if shadow != self.shadow or self.state is MasterState.ALONE:
            return False
        self.state = MasterState.CONNECTED
        self._heard(now)
        return True

    def checked(self, now: float, shadow: str) -> bool:
        """Take a check; False if the one that checks is not bound."""
        if shadow != self.shadow or self.state in {MasterState.ALONE, MasterState.BINDING}:
            return False
        self.state = MasterState.CONNECTED
        self._heard(now)
        return True

    def left(self, shadow: str) -> None:
        """Take the goodbye of the shadow."""
        if shadow == self.shadow:
            self.reset()

    def reset(self) -> None:
        """Forget the shadow (the REST API's DELETE)."""
        self.state, self.shadow = MasterState.ALONE, ""
        self._lost_at = self._ask_at = None

    def tick(self, now: float) -> list[Do]:
        """Do what is due: note that the shadow is lost, then ask it for its role once an interval."""
        due = self.next_at
        if due is None or now < due:
            return []
        self.state = MasterState.BROKEN
        self._lost_at = None
        self._ask_at = now + self.settings.check_interval_s
        return [Do.ASK_ROLE]

    def _heard(self, now: float) -> None:
        self._ask_at = None
        self._lost_at = now + self.settings.missed_checks * self.settings.check_interval_s

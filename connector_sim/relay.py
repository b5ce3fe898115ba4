"""Copy bytes between MaCo's side and the mail server's side of one connection until both directions have ended.

Ends are passed on as they came: an orderly end as an end of that direction, a reset as a reset. Two cases differ,
because TLS cannot end one direction alone without losing what the peer still sends (design, section 4): towards a TLS
back end MaCo's end is held until the back end ends too or nothing moves for ``half_closed_s``; and a back end that ends
without close_notify is told to MaCo as a reset, since bytes may be missing. ``RelaySettings`` has the other choices.

A side that takes no more may have said something before: what it sent is still passed on.

A relay is no task: it lives in the callbacks of its two sides, so an idle connection costs a few objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_sim.direction import Direction
from connector_sim.passage import Watcher
from maco_net.errors import NetError, PeerAlert, PeerTruncated
from maco_net.side import Side
from maco_wire.observation import Problem, StreamClosed

EndedBy: TypeAlias = Literal["end", "reset", "truncated", "timeout", "shutdown"]
OnEnd: TypeAlias = Callable[["Relay", "RelayEnd"], None]


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How ends are passed on; ``half_closed_s`` is how long a connection with one ended direction may stand still.

    The same limit has one whose source was reset, while its sink does not take the bytes before that.
    ``maco_end_to_tls``: "hold" keeps MaCo's end back from a TLS back end, "close" ends the whole connection there.
    ``truncated_as``: what MaCo sees when a TLS back end ends without close_notify.
    """

    half_closed_s: float = 30.0
    maco_end_to_tls: Literal["hold", "close"] = "hold"
    truncated_as: Literal["reset", "end"] = "reset"


@dataclass(frozen=True, slots=True)
class RelayEnd:
    """How a relayed connection ended, and the payload bytes of each direction."""

    to_mail_server: int
    to_maco: int
    ended_by: EndedBy


@dataclass(frozen=True, slots=True)
class Passed:
    """The payload bytes of each direction of a connection that is being relayed."""

    trace_id: str
    to_mail_server: int
    to_maco: int


DEFAULT_SETTINGS = RelaySettings()


class Relay:
    """One connection being relayed: ``start`` it, or ``run`` it to its end. Both sides are closed when it is over."""

    __slots__ = (
        "_down",
        "_is_truncated",
        "_maco_side",
        "_mail_side",
        "_moved_at",
        "_on_end",
        "_send_failure",
        "_settings",
        "_timer",
        "_trace_id",
        "_up",
        "_watcher",
        "is_ending",
        "is_over",
    )

    def __init__(
        self,
        maco_side: Side,
        mail_side: Side,
        watcher: Watcher,
        trace_id: str,
        settings: RelaySettings = DEFAULT_SETTINGS,
    ) -> None:
        self._maco_side = maco_side
        self._mail_side = mail_side
        self._watcher = watcher
        self._trace_id = trace_id
        self._settings = settings
        self._up = Direction(maco_side, mail_side, watcher.passage("to_mail_server", trace_id), self)
        self._down = Direction(mail_side, maco_side, watcher.passage("to_maco", trace_id), self)
        self._send_failure: NetError | None = None
        self._is_truncated = False
        self._timer: asyncio.TimerHandle | None = None
        self._moved_at = 0.0
        self._on_end: OnEnd | None = None
        self.is_ending = False
        """Whether one direction has ended, or is about to; from then on standing still has a limit."""
        self.is_over = False

    def start(self, on_end: OnEnd, *, early_to_maco: bytes = b"", early_to_mail_server: bytes = b"") -> None:
        """Copy until both directions have ended, then call ``on_end``.

        The early bytes arrived glued to the messages before the payload: they come before all that the sides hold.
        """
        self._on_end = on_end
        if early_to_maco:
            self._down.push_early(early_to_maco)
        if early_to_mail_server:
            self._up.push_early(early_to_mail_server)
        self._maco_side.begin(self._up, self._down)
        if not self.is_over:
            self._mail_side.begin(self._down, self._up)

    async def run(self, *, early_to_maco: bytes = b"", early_to_mail_server: bytes = b"") -> RelayEnd:
        """Copy until both directions have ended; when cancelled, reset both sides."""
        ended: asyncio.Future[RelayEnd] = asyncio.get_running_loop().create_future()

        def tell(_: Relay, end: RelayEnd) -> None:
            if not ended.done():
                ended.set_result(end)

        self.start(tell, early_to_maco=early_to_maco, early_to_mail_server=early_to_mail_server)
        try:
            return await ended
        except asyncio.CancelledError:
            self.cut()
            raise

    def cancel(self) -> None:
        """End both sides without having relayed anything: the way was open, but MaCo was gone."""
        self._finish("reset")

    def cut(self) -> None:
        """Reset both sides, because the party that relays shuts down."""
        self._finish("shutdown")

    @property
    def passed(self) -> Passed:
        """What has passed so far."""
        return Passed(self._trace_id, self._up.count, self._down.count)

    # What the directions tell

    def passes_as_end(self, error: NetError) -> bool:
        """See Ends."""
        if not isinstance(error, PeerTruncated) or self._settings.truncated_as == "reset":
            return False
        self._is_truncated = True
        return True

    def moved(self) -> None:
        """Let the half that is still open live on; a connection with both halves open has no deadline."""
        self._moved_at = asyncio.get_running_loop().time()

    def source_ends(self) -> None:
        """See Ends; a sink that takes nothing would otherwise keep the connection for ever."""
        self._limit_stillness()

    def direction_ended(self, direction: Direction) -> None:
        """See Ends."""
        if direction is self._up and self._settings.maco_end_to_tls == "close" and not self._mail_side.can_send_eof:
            self._finish("end")
        else:
            self._one_is_over()

    def source_failed(self, error: NetError) -> None:
        """See Ends."""
        self._report_alert(error)
        self._finish("truncated" if isinstance(error, PeerTruncated) else "reset")

    def sink_failed(self, error: NetError) -> None:
        """See Ends."""
        if self._send_failure is None:
            self._send_failure = error
            self._report_alert(error)
        self._one_is_over()

    def _one_is_over(self) -> None:
        if self._up.is_over and self._down.is_over:
            self._finish("reset" if self._send_failure else "truncated" if self._is_truncated else "end")
        else:
            self._limit_stillness()

    def _limit_stillness(self) -> None:
        if not (self.is_ending or self.is_over):
            self.is_ending = True
            self.moved()
            self._watch_stillness(self._settings.half_closed_s)

    def _watch_stillness(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look_for_stillness)

    def _look_for_stillness(self) -> None:
        left = self._moved_at + self._settings.half_closed_s - asyncio.get_running_loop().time()
        if left <= 0:
            self._finish("timeout")
        else:
            self._watch_stillness(left)

    def _finish(self, ended_by: EndedBy) -> None:
        if self.is_over:
            return
        self.is_over = self._up.is_over = self._down.is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        told, self._on_end = self._on_end, None
        try:
            self._end_sides(in_order=ended_by == "end" or (ended_by == "truncated" and self._is_truncated))
            self._report(ended_by)
        finally:
            if told is not None:
                told(self, RelayEnd(self._up.count, self._down.count, ended_by))

    def _end_sides(self, *, in_order: bool) -> None:
        for side in (self._maco_side, self._mail_side):
            if in_order:
                side.close()
            else:
                side.abort()

    def _report(self, ended_by: EndedBy) -> None:
        self._watcher.record(
            StreamClosed(
                self._watcher.party, self._up.count, self._down.count, ended_by=ended_by, trace_id=self._trace_id
            )
        )

    def _report_alert(self, error: NetError) -> None:
        """Name an alert: in TLS 1.3 a refused or missing client certificate shows only behind the handshake."""
        if not isinstance(error, PeerAlert):
            return
        self._watcher.record(
            Problem(
                self._watcher.party,
                f"the back end ended TLS with the alert {error.alert}",
                trace_id=self._trace_id,
                local=self._mail_side.local_address,
                peer=self._mail_side.peer_address,
            )
        )

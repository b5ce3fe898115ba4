"""Copy bytes between MaCo's side and the mail server's side of one connection until both directions have ended.

Ends are passed on as they came: an orderly end as an end of that direction, a reset as a reset. Two cases differ,
because TLS cannot end one direction alone without losing what the peer still sends (design, section 4): towards a TLS
back end MaCo's end is held until the back end ends too or nothing moves for ``half_closed_s``; and a back end that ends
without close_notify is told to MaCo as a reset, since bytes may be missing. ``RelaySettings`` has the other choices.

A side that takes no more may have said something before: what it sent is still passed on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_sim.passage import Passage, Watcher
from maco_net.errors import NetError, PeerAlert, PeerTruncated
from maco_net.streams import ByteStream
from maco_wire.observation import Problem, StreamClosed

EndedBy: TypeAlias = Literal["end", "reset", "truncated", "timeout"]


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How ends are passed on; ``half_closed_s`` is how long a connection with one ended direction may stand still.

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


class _MacoEnded(Exception):
    """MaCo has ended its direction, and that ends the whole connection."""


class Relay:
    """One connection being relayed. ``run`` returns when it is over; both streams are closed then."""

    def __init__(
        self,
        maco_side: ByteStream,
        mail_side: ByteStream,
        watcher: Watcher,
        trace_id: str,
        settings: RelaySettings | None = None,
    ) -> None:
        self._maco_side = maco_side
        self._mail_side = mail_side
        self._up = watcher.passage("to_mail_server", trace_id)
        self._down = watcher.passage("to_maco", trace_id)
        self._watcher = watcher
        self._trace_id = trace_id
        self._settings = settings or RelaySettings()
        self._ended_directions = 0
        self._send_failure: NetError | None = None
        self._deadline: asyncio.Timeout | None = None

    async def run(self, *, early_to_maco: bytes = b"", early_to_mail_server: bytes = b"") -> RelayEnd:
        """Copy until both directions have ended. The early bytes arrived glued to the messages before the payload."""
        try:
            ended_by = await self._copy_both(early_to_maco, early_to_mail_server)
        except BaseException:
            self._abort()
            self._report("shutdown")
            raise
        if ended_by == "end" or (ended_by == "truncated" and self._settings.truncated_as == "end"):
            await self._maco_side.aclose()
            await self._mail_side.aclose()
        else:
            self._abort()
        self._report(ended_by)
        return RelayEnd(self._up.count, self._down.count, ended_by)

    def cancel(self) -> None:
        """End both sides without having relayed anything: the way was open, but MaCo was gone."""
        self._abort()
        self._report("reset")

    async def _copy_both(self, early_to_maco: bytes, early_to_mail_server: bytes) -> EndedBy:
        ended_by: EndedBy = "end"
        try:
            async with asyncio.timeout(None) as self._deadline, asyncio.TaskGroup() as directions:
                directions.create_task(self._copy_up(early_to_mail_server))
                directions.create_task(self._copy(self._mail_side, self._maco_side, self._down, early_to_maco))
        except* _MacoEnded:
            pass
        except* PeerTruncated:
            ended_by = "truncated"
        except* NetError as failures:
            ended_by = "reset"
            self._send_failure = self._send_failure or _first(failures)
        except* TimeoutError:
            ended_by = "timeout"
        if isinstance(self._send_failure, PeerAlert):
            self._report_alert(self._send_failure)
        return "reset" if ended_by == "end" and self._send_failure else ended_by

    async def _copy_up(self, early: bytes) -> None:
        await self._copy(self._maco_side, self._mail_side, self._up, early)
        if self._settings.maco_end_to_tls == "close" and not self._mail_side.can_send_eof:
            raise _MacoEnded

    async def _copy(self, source: ByteStream, sink: ByteStream, passage: Passage, data: bytes) -> None:
        """Copy one direction to its end; raises the error with which ``source`` ended."""
        while True:
            if data:
                passage.see(data)
                try:
                    await sink.send(data)
                except NetError as error:
                    self._send_failure = error
                    break
                self._put_off_deadline()
            data = await source.receive()
            if not data:
                break
        self._ended_directions += 1
        self._put_off_deadline()
        if not data:
            await sink.send_eof()

    def _put_off_deadline(self) -> None:
        """Let the half that is still open live on; a connection with both halves open has no deadline."""
        if self._ended_directions and self._deadline and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._settings.half_closed_s)

    def _abort(self) -> None:
        self._maco_side.abort()
        self._mail_side.abort()

    def _report(self, ended_by: Literal["end", "reset", "truncated", "timeout", "shutdown"]) -> None:
        self._watcher.record(
            StreamClosed(
                self._watcher.party, self._up.count, self._down.count, ended_by=ended_by, trace_id=self._trace_id
            )
        )

    def _report_alert(self, error: PeerAlert) -> None:
        """Name the alert: in TLS 1.3 a refused or missing client certificate shows only behind the handshake."""
        text = f"the back end ended TLS with the alert {error.alert}"
        self._watcher.record(
            Problem(
                self._watcher.party,
                text,
                trace_id=self._trace_id,
                local=self._mail_side.local_address,
                peer=self._mail_side.peer_address,
            )
        )


def _first(failures: BaseExceptionGroup[NetError]) -> NetError | None:
    return next((each for each in failures.exceptions if isinstance(each, NetError)), None)

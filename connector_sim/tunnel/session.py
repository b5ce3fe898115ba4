"""The tunnel's yamux session over one TLS connection: a thin shell around ``maco_wire.yamux``.

Both sides use it. The cloud side opens streams (yamux's client, although it accepted the TCP connection), the Cloud
Connector serves them. Nothing is queued without bound: a stream waits while the tunnel's own socket is behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_sim.tunnel.stream import TunnelStream
from maco_net.errors import NetError, PeerReset
from maco_net.streams import ByteStream
from maco_wire import yamux
from maco_wire.exceptions import RemoteProtocolError

READ_BYTES = 256 * 1024
QUEUE_LIMIT_BYTES = 256 * 1024
"""How much may wait for the tunnel's socket before streams have to wait too; as much again is on its way then."""
MAX_UNSENT_ACCEPTANCES = 16 * 1024
"""How many acceptances and rejections of streams may wait: beyond, the peer only asks and never reads."""

_log = logging.getLogger(__name__)

ServeStream: TypeAlias = Callable[[TunnelStream], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Deadlines of a tunnel in seconds, and its limits."""

    ping_interval_s: float = 30.0
    ping_timeout_s: float = 10.0
    max_streams: int = 4096
    go_away_s: float = 0.2
    """How long an orderly end may take to tell the peer."""


class TunnelFull(NetError):
    """The tunnel carries as many streams as it may."""


class TunnelSession:
    """One end of a tunnel. ``run`` lives as long as the tunnel does; streams can be opened while it does."""

    def __init__(
        self, carrier: ByteStream, role: Literal["client", "server"], settings: SessionSettings | None = None
    ) -> None:
        self._settings = settings or SessionSettings()
        self._carrier = carrier
        self._machine = yamux.YamuxSession(role, max_streams=self._settings.max_streams)
        self._streams: dict[int, TunnelStream] = {}
        self._to_write = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._queued = 0
        self._unsent_acceptances = 0
        self._serving = 0
        self._heard = asyncio.Event()
        self._is_running = False
        self._is_mid_write = False
        self._has_failed = False
        self._peer_goes_away = False
        self._we_go_away = False
        self._fewer_streams = asyncio.Event()
        self._ended: str | None = None
        self.local_address = carrier.local_address
        self.peer_address = carrier.peer_address

    @property
    def is_open(self) -> bool:
        """Tell whether new streams can be opened."""
        return self._is_running and self._ended is None and not (self._peer_goes_away or self._we_go_away)

    @property
    def open_streams(self) -> int:
        """How many streams are alive."""
        return len(self._streams)

    async def run(self, serve: ServeStream | None = None, *, early_bytes: bytes = b"") -> str:
        """Carry streams until the tunnel ends; return why it ended.

        ``serve`` gets each stream that the peer opens, in a task of its own. ``early_bytes`` are those that arrived
        glued behind the HTTP Upgrade. When cancelled, the peer is told by a go-away first.
        """
        self._is_running = True
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write())
                tasks.create_task(self._watch_peer())
                await self._read(tasks, serve, early_bytes)
        except* RemoteProtocolError as broken:
            self._has_failed = True
            self._ended = self._ended or str(broken.exceptions[0])
        except* NetError as lost:
            # A reason given by this side comes first: what its sockets say afterwards only follows from it.
            self._ended = self._ended or str(lost.exceptions[0])
        finally:
            await self._close()
        if (task := asyncio.current_task()) and task.cancelling():
            # It was cancelled at the moment when the tunnel broke: the TaskGroup then tells only of what broke.
            raise asyncio.CancelledError
        return self._ended or "closed"

    async def open_stream(self) -> TunnelStream:
        """Open a stream; raises PeerReset if the tunnel has ended, TunnelFull at its limit."""
        if not self.is_open:
            raise PeerReset("the tunnel is closed")
        if not self._machine.can_open_stream:
            raise TunnelFull("the tunnel carries as many streams as it may")
        return self._new_stream(self._machine.open_stream())

    async def drain(self, limit_s: float) -> bool:
        """Refuse new streams both ways and let those that run finish; tell whether none is left after ``limit_s``.

        The tunnel stays up: the caller aborts it then, or cancels ``run``.
        """
        if self._is_running and self._ended is None and not self._we_go_away:
            self._machine.go_away()
            self._to_write.set()
        self._we_go_away = True
        try:
            async with asyncio.timeout(limit_s):
                while self._streams or self._serving:
                    self._fewer_streams.clear()
                    await self._fewer_streams.wait()
        except TimeoutError:
            return False
        return True

    async def send_data(self, stream_id: int, data: memoryview) -> int:
        """See Carrier."""
        while not self._room.is_set():  # again: those who were woken before may have filled it
            await self._room.wait()
        if self._ended is not None or stream_id not in self._streams:
            return 0
        taken = self._machine.send_data(stream_id, data)
        self._queued += taken
        if self._queued >= QUEUE_LIMIT_BYTES:
            self._room.clear()
        self._to_write.set()
        return taken

    def consume(self, stream_id: int, count: int) -> None:
        """See Carrier."""
        if stream_id in self._streams:
            self._machine.consume(stream_id, count)
            self._to_write.set()

    def end_stream(self, stream_id: int) -> None:
        """See Carrier."""
        if stream_id in self._streams:
            self._machine.end_stream(stream_id)
            self._to_write.set()

    def reset_stream(self, stream_id: int) -> None:
        """See Carrier."""
        if self._streams.pop(stream_id, None):
            self._machine.reset_stream(stream_id)
            self._to_write.set()
            self._fewer_streams.set()

    def forget(self, stream_id: int) -> None:
        """See Carrier."""
        self._streams.pop(stream_id, None)
        self._fewer_streams.set()

    def abort(self, reason: str) -> None:
        """End the tunnel at once, as if the network had."""
        self._ended = self._ended or reason
        self._carrier.abort()

    def _new_stream(self, stream_id: int) -> TunnelStream:
        stream = TunnelStream(self, stream_id)
        self._streams[stream_id] = stream
        self._to_write.set()
        return stream

    async def _write(self) -> None:
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            data = self._machine.data_to_send()
            self._queued = self._unsent_acceptances = 0
            self._room.set()
            if data:
                self._is_mid_write = True
                await self._carrier.send(data)
                self._is_mid_write = False

    async def _read(self, tasks: asyncio.TaskGroup, serve: ServeStream | None, data: bytes) -> None:
        while True:
            for event in self._machine.receive_data(data) if data else ():
                self._dispatch(event, tasks, serve)
            self._to_write.set()
            data = await self._carrier.receive(READ_BYTES)
            self._heard.set()
            if not data:
                raise PeerReset("the peer closed the tunnel")

    def _dispatch(self, event: yamux.Event, tasks: asyncio.TaskGroup, serve: ServeStream | None) -> None:
        match event:
            case yamux.StreamOpened(stream_id):
                self._accept(stream_id, tasks, serve)
            case yamux.GoAwayReceived():
                self._peer_goes_away = True
            case yamux.DataReceived(stream_id, data) if stream := self._streams.get(stream_id):
                stream.feed(data)
            case yamux.StreamEnded(stream_id) if stream := self._streams.get(stream_id):
                stream.end_by_peer()
            case yamux.WindowOpened(stream_id) if stream := self._streams.get(stream_id):
                stream.open_window()
            case yamux.StreamReset(stream_id) if stream := self._streams.pop(stream_id, None):
                stream.fail(PeerReset("the other end of the tunnel reset the stream"))
                self._fewer_streams.set()
            case _:
                pass  # an event of a stream that this end has forgotten already

    def _accept(self, stream_id: int, tasks: asyncio.TaskGroup, serve: ServeStream | None) -> None:
        self._unsent_acceptances += 1
        if self._unsent_acceptances > MAX_UNSENT_ACCEPTANCES:
            raise RemoteProtocolError("tunnel", "a peer that reads what it is told", "streams opened without end")
        # A task may outlive its stream: one that was reset while its back end is being opened still counts.
        if serve is None or self._serving >= self._settings.max_streams:
            self._machine.reset_stream(stream_id)
            return
        self._machine.accept_stream(stream_id)
        self._serving += 1
        tasks.create_task(self._serve_one(stream_id, self._new_stream(stream_id), serve))

    async def _serve_one(self, stream_id: int, stream: TunnelStream, serve: ServeStream) -> None:
        try:
            await serve(stream)
        except NetError as error:
            _log.info("stream %d ended: %s", stream_id, error)
        except Exception:  # noqa: BLE001 - the last resort of one stream: logged, and the others go on
            _log.exception("a stream failed through a defect of this program")
            stream.abort()
        finally:
            self._serving -= 1
            await stream.aclose()
            self._fewer_streams.set()

    async def _watch_peer(self) -> None:
        """Ping the peer now and then; one that says nothing at all is taken for dead.

        Any byte counts, not the answer alone: behind a long queue on a slow line the answer may take its time.
        """
        value = 0
        while True:
            await asyncio.sleep(self._settings.ping_interval_s)
            value = (value + 1) & 0xFFFFFFFF
            self._heard.clear()
            self._machine.ping(value)
            self._to_write.set()
            try:
                async with asyncio.timeout(self._settings.ping_timeout_s):
                    await self._heard.wait()
            except TimeoutError:
                raise PeerReset(f"no answer to a ping within {self._settings.ping_timeout_s:g} s") from None

    async def _close(self) -> None:
        self._ended = self._ended or "closed"
        for stream in [*self._streams.values()]:
            stream.fail(PeerReset("the tunnel was lost"))
        self._streams.clear()
        self._fewer_streams.set()
        self._room.set()
        try:
            if not self._is_mid_write:  # else the go-away would stand in the middle of a frame
                async with asyncio.timeout(self._settings.go_away_s):
                    await self._carrier.send(self._last_words())
        except (NetError, TimeoutError):
            pass  # the peer is gone: nobody to tell
        finally:
            await self._carrier.aclose()

    def _last_words(self) -> bytes:
        if not self._has_failed:  # a failed machine has left its own go-away
            self._machine.go_away()
        return self._machine.data_to_send()

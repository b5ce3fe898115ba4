"""The tunnel's yamux session on one connection: a thin shell around ``maco_wire.yamux``, driven by callbacks.

Both sides use it. The cloud side opens streams (yamux's client, although it accepted the TCP connection), the Cloud
Connector serves them. What is read is parsed where it lies and handed to the streams as views; what is written is built
by ``Outbox`` in place. Nothing is queued without bound: a stream waits while the tunnel's own socket is behind.
"""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_sim.tunnel.outbox import Outbox
from connector_sim.tunnel.stream import TunnelStream
from maco_net.errors import NetError, PeerReset
from maco_net.socket_side import Channel
from maco_wire import yamux
from maco_wire.exceptions import RemoteProtocolError

READ_BYTES = 512 * 1024
"""How much is read before it is handed on: several TLS records, so that large frames stay whole."""
FAIR_SHARE_BYTES = 128 * 1024
"""The longest frame while others talk through the tunnel: they wait behind it."""
TURNS_AT_A_TIME = 16
"""How many waiting streams have their turn before the event loop has its own."""

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
    max_window_bytes: int = 4 * 1024 * 1024
    """How far the receive window of one fast stream may grow."""
    window_growth_bytes: int = 16 * 1024 * 1024
    """How far the receive windows of all streams together may grow beyond their initial 256 KiB."""


class TunnelFull(NetError):
    """The tunnel carries as many streams as it may."""


class TunnelSession:
    """One end of a tunnel. ``run`` lives as long as the tunnel does; streams can be opened while it does."""

    def __init__(
        self, channel: Channel, role: Literal["client", "server"], settings: SessionSettings | None = None
    ) -> None:
        self._settings = settings or SessionSettings()
        self._channel = channel
        self._machine = yamux.YamuxSession(
            role,
            max_streams=self._settings.max_streams,
            accept_backlog=self._settings.max_streams,  # none waits longer than the bytes it came with are being read
            max_window=self._settings.max_window_bytes,
            growth_budget=self._settings.window_growth_bytes,
        )
        self._outbox = Outbox(channel, on_room=self._wake_waiting, on_failure=self._fail)
        self._loop = asyncio.get_running_loop()
        self._inbox = memoryview(bytearray(READ_BYTES))
        self._streams: dict[int, TunnelStream] = {}
        self._waiting: collections.deque[TunnelStream] = collections.deque()
        self._serving_turn: TunnelStream | None = None
        self._served: TunnelStream | None = None
        self._comes_back = False
        self._has_accepted = False
        self._serving = 0
        self._serve: ServeStream | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._heard = asyncio.Event()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._emptied = asyncio.Event()
        self._written = asyncio.Event()
        self._has_failed = False
        self._goes_away = False
        self._peer_goes_away = False
        self._ended: str | None = None
        self.local_address = channel.local_address
        self.peer_address = channel.peer_address

    @property
    def is_open(self) -> bool:
        """Tell whether new streams can be opened."""
        return self._tasks is not None and self._ended is None and not (self._goes_away or self._peer_goes_away)

    @property
    def open_streams(self) -> int:
        """How many streams are alive."""
        return len(self._streams)

    async def run(self, serve: ServeStream | None = None, *, early_bytes: bytes = b"") -> str:
        """Carry streams until the tunnel ends; return why it ended.

        ``serve`` gets each stream that the peer opens, in a task of its own; a stream that it attaches to a relay
        lives on when it returns. ``early_bytes`` are those that arrived glued behind the HTTP Upgrade. When cancelled,
        the peer is told by a go-away first.
        """
        self._serve = serve
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_peer())
                await self._carry(tasks, early_bytes)
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
        stream = self._new_stream(self._machine.open_stream())
        self._loop.call_soon(self._flush_soon)  # not at once: the first data, if there is any, shall go with it
        return stream

    async def drain(self, limit_s: float) -> bool:
        """Say go-away, open and accept no more streams, and wait until none is left; False when ``limit_s`` is up."""
        if self._ended is None and not self._goes_away:
            self._goes_away = True
            self._machine.go_away()
            self._flush_soon()
        try:
            async with asyncio.timeout(limit_s):
                while (self._streams or self._serving) and self._ended is None:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            return False
        return True

    def abort(self, reason: str) -> None:
        """End the tunnel at once, as if the network had."""
        self._end(reason)
        self._outbox.close()
        self._channel.abort()

    # What a stream asks of its carrier

    def room(self, stream: TunnelStream, limit: int) -> memoryview | None:
        """See Carrier."""
        outbox = self._outbox
        if self._machine.has_data_to_send:
            outbox.put(self._machine.data_to_send())
        if stream is self._served:
            room, self._served = None, None  # it had its turn: the next one is behind those who wait
        else:
            room = outbox.room(min(limit, FAIR_SHARE_BYTES) if outbox.is_talked_through else limit)
        if room is None and not stream.is_waiting:
            stream.is_waiting = True
            self._waiting.append(stream)
        return room

    def commit(self, flow: yamux.Stream, count: int) -> None:
        """See Carrier."""
        outbox = self._outbox
        self._machine.place_data(flow, outbox.buffer, outbox.place, count)
        self._served = self._serving_turn
        outbox.commit(count)

    def consume(self, stream_id: int, count: int, waiting: int) -> None:
        """See Carrier."""
        self._machine.consume(stream_id, count, waiting=waiting)
        if self._machine.has_data_to_send:
            self._flush_soon()

    def end_stream(self, stream_id: int) -> None:
        """See Carrier."""
        if stream_id in self._streams:
            self._machine.end_stream(stream_id)
            self._flush_soon()

    def reset_stream(self, stream_id: int) -> None:
        """See Carrier."""
        if self._forget(stream_id):
            self._machine.reset_stream(stream_id)
            self._flush_soon()

    def forget(self, stream_id: int) -> None:
        """See Carrier."""
        self._forget(stream_id)

    # Reading

    async def _carry(self, tasks: asyncio.TaskGroup, early_bytes: bytes) -> None:
        """Read until the tunnel ends; always ends by an exception, so that the tasks of its streams end too."""
        self._tasks = tasks
        try:
            self._begin(early_bytes)
            await self._over
        finally:
            self._tasks = None
            self._channel.readiness.on_readable(None)
        raise PeerReset(self._ended)

    def _begin(self, early_bytes: bytes) -> None:
        self._channel.readiness.on_readable(self._readable)
        if early_bytes:
            self._take(memoryview(early_bytes))
        if self._channel.has_more:
            self._come_back()

    def _readable(self) -> None:
        if self._ended is not None:
            return
        try:
            count = self._channel.receive_into(self._inbox)
        except NetError as error:
            self._fail(error)
            return
        if count:
            self._heard.set()
            self._take(self._inbox[:count])
            if self._channel.has_more:
                self._come_back()
        elif count == 0:
            self._fail(PeerReset("the peer closed the tunnel"))
        elif self._channel.receives_when_writable:
            self._channel.readiness.on_writable(self._writable_for_reading)
        if self._outbox.is_blocked and self._channel.sends_when_readable:
            self._outbox.unblock()  # behind the reading, which may have taken what sending waited for

    def _come_back(self) -> None:
        """Read on the loop's next turn, once however often it is asked: others have theirs between."""
        if not self._comes_back:
            self._comes_back = True
            self._loop.call_soon(self._read_rest)

    def _read_rest(self) -> None:
        self._comes_back = False
        self._readable()

    def _writable_for_reading(self) -> None:
        self._channel.readiness.on_writable(self._outbox.unblock if self._outbox.is_blocked else None)
        self._readable()

    def _take(self, data: memoryview) -> None:
        try:
            for event in self._machine.receive_data(data):
                try:
                    if isinstance(event, yamux.DataReceived):
                        self._hand_on(event)
                    else:
                        self._dispatch(event)
                except Exception:  # noqa: BLE001 - the last resort of one stream: logged, and the others go on
                    self._lose(self._streams.get(getattr(event, "stream_id", 0)))
        except RemoteProtocolError as broken:
            self._has_failed = True
            self._fail(broken)
            return
        if self._has_accepted:
            # The tasks of the new streams come first: an answer that is there at once shall go with the acceptance.
            self._has_accepted = False
            self._loop.call_soon(self._flush_soon)
        elif self._machine.has_data_to_send:
            self._flush_soon()

    def _hand_on(self, event: yamux.DataReceived) -> None:
        stream_id, data = event
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.feed(data)

    def _lose(self, stream: TunnelStream | None) -> None:
        """Reset the stream that the exception in hand has hit: it may lack bytes now."""
        _log.exception("a stream failed through a defect of this program")
        if stream is not None:
            self.reset_stream(stream.stream_id)
            self._break(stream, NetError("a defect of this program"))

    def _break(self, stream: TunnelStream, reason: NetError) -> None:
        """Tell whoever reads or relays a stream that it is lost; a defect there is no reason to stop."""
        try:
            stream.fail(reason)
        except Exception:  # noqa: BLE001 - see _take
            _log.exception("the end of a stream failed through a defect of this program")

    def _dispatch(self, event: yamux.Event) -> None:
        """Hand an event on; one of a stream that this end has forgotten already has nobody to go to."""
        match event:
            case yamux.WindowOpened(stream_id) if stream := self._streams.get(stream_id):
                stream.open_window()
            case yamux.StreamOpened(stream_id):
                self._accept(stream_id)
            case yamux.StreamEnded(stream_id) if stream := self._streams.get(stream_id):
                stream.end_by_peer()
            case yamux.StreamReset(stream_id) if stream := self._forget(stream_id):
                stream.fail(PeerReset("the other end of the tunnel reset the stream"))
            case yamux.GoAwayReceived():
                self._peer_goes_away = True

    # Writing

    def _flush_soon(self) -> None:
        if self._machine.has_data_to_send:
            self._outbox.put(self._machine.data_to_send())
        self._outbox.flush_soon()

    def _wake_waiting(self) -> None:
        """Let those that waited for the socket go on in turns, until it is behind again or others need the loop.

        A stream that has more stays in the queue: telling the event loop about its socket and back, each time that the
        tunnel blocks, would cost more than the turn itself.
        """
        self._written.set()
        for _ in range(TURNS_AT_A_TIME):
            if self._outbox.is_blocked or not self._waiting:
                return
            stream = self._waiting.popleft()
            stream.is_waiting = False
            self._serving_turn = stream
            try:
                stream.open_window()
            except Exception:  # noqa: BLE001 - the last resort of one stream: logged, and the others have their turn
                self._lose(stream)
            self._serving_turn = self._served = None
        self._loop.call_soon(self._wake_waiting)

    # Streams

    def _new_stream(self, stream_id: int) -> TunnelStream:
        flow = self._machine.stream(stream_id)
        if flow is None:
            raise AssertionError(f"stream {stream_id} was opened a moment ago")
        stream = self._streams[stream_id] = TunnelStream(self, flow)
        return stream

    def _forget(self, stream_id: int) -> TunnelStream | None:
        stream = self._streams.pop(stream_id, None)
        if not self._streams:
            self._emptied.set()
        return stream

    def _accept(self, stream_id: int) -> None:
        # A task may outlive its stream: one that was reset while its back end is being opened still counts.
        if self._serve is None or self._tasks is None or self._serving >= self._settings.max_streams:
            self._machine.reset_stream(stream_id)
            return
        self._machine.accept_stream(stream_id)
        self._has_accepted = True
        self._serving += 1
        self._tasks.create_task(self._serve_one(self._new_stream(stream_id), self._serve))

    async def _serve_one(self, stream: TunnelStream, serve: ServeStream) -> None:
        try:
            await serve(stream)
        except NetError as error:
            _log.info("stream %d ended: %s", stream.stream_id, error)
        except Exception:  # noqa: BLE001 - the last resort of one stream: logged, and the others go on
            _log.exception("a stream failed through a defect of this program")
            stream.abort()
        finally:
            self._serving -= 1
            if not stream.is_relayed:
                await stream.aclose()
            if not self._serving:
                self._emptied.set()

    # Life and end

    async def _watch_peer(self) -> None:
        """Ping the peer now and then; one that says nothing at all is taken for dead.

        Any byte counts, not the answer alone: behind a long queue on a slow line the answer may take its time.
        """
        value = 0
        while True:
            await asyncio.sleep(self._settings.ping_interval_s)
            if self._ended is not None:
                return
            value = (value + 1) & 0xFFFFFFFF
            self._heard.clear()
            self._machine.ping(value)
            self._flush_soon()
            try:
                async with asyncio.timeout(self._settings.ping_timeout_s):
                    await self._heard.wait()
            except TimeoutError:
                raise PeerReset(f"no answer to a ping within {self._settings.ping_timeout_s:g} s") from None

    def _fail(self, error: NetError | RemoteProtocolError) -> None:
        self._end(str(error))

    def _end(self, reason: str) -> None:
        self._written.set()
        if self._ended is None:
            self._ended = reason
            self._channel.readiness.on_readable(None)
            self._emptied.set()
        if not self._over.done():
            self._over.set_result(None)

    async def _close(self) -> None:
        self._ended = self._ended or "closed"
        for stream in [*self._streams.values()]:
            self._break(stream, PeerReset("the tunnel was lost"))
        self._streams.clear()
        self._emptied.set()
        try:
            self._say_last_words()
            async with asyncio.timeout(self._settings.go_away_s):
                while self._outbox.waiting and not self._outbox.is_over:
                    self._written.clear()
                    await self._written.wait()
        except TimeoutError:
            pass  # the peer does not read
        finally:
            self._outbox.close()
            await self._channel.aclose()

    def _say_last_words(self) -> None:
        if not self._has_failed:  # a failed machine has left its own go-away
            self._machine.go_away()
        self._outbox.put(self._machine.data_to_send())
        self._outbox.flush()

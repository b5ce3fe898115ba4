"""One stream inside the tunnel: a byte stream while it is being opened, one side of a relay afterwards.

In both shapes the peer may send as much as its window allows, and gets more only for what has gone on: was read, or has
left at the other side of the relay. A reader that stops costs at most one window, and holds back only its own sender.
"""

from __future__ import annotations

import asyncio
import collections
from typing import Protocol

from maco_net.errors import NetError, PeerReset
from maco_net.side import Inlet, Outlet
from maco_net.streams import CHUNK_BYTES
from maco_wire import yamux
from maco_wire.observation import Address

LEAST_WINDOW_BYTES = 4 * 1024
"""What is left of a window below this waits until the peer gives more: RFC 1122, section 4.2.3.4, on silly windows.

The peer will: it has nearly a whole window of bytes that it gives back once it has consumed them.
"""


class Carrier(Protocol):
    """What a stream needs of the session that carries it."""

    local_address: Address
    peer_address: Address

    def room(self, stream: TunnelStream, limit: int) -> memoryview | None:
        """Return where the stream's next bytes go, ``limit`` at most; None, and ``open_window`` later, if not now."""

    def commit(self, flow: yamux.Stream, count: int) -> None:
        """Send the first ``count`` bytes of the room."""

    def consume(self, stream_id: int, count: int, waiting: int) -> None:
        """Tell the peer that ``count`` bytes were taken, while ``waiting`` more have to wait."""

    def end_stream(self, stream_id: int) -> None:
        """Send FIN."""

    def reset_stream(self, stream_id: int) -> None:
        """Send RST, unless the stream is over in both directions, and forget it."""

    def forget(self, stream_id: int) -> None:
        """Drop a stream whose two directions have ended."""


class TunnelStream:
    """A yamux stream: see ByteStream and Side. Once ``begin`` was called, only the methods of Side may be."""

    __slots__ = (
        "_carrier",
        "_ended_by_peer",
        "_ended_by_us",
        "_ends",
        "_failure",
        "_flow",
        "_inlet",
        "_outlet",
        "_received",
        "_unsent",
        "_waiter",
        "is_relayed",
        "is_waiting",
        "stream_id",
    )

    can_send_eof = True

    def __init__(self, carrier: Carrier, flow: yamux.Stream) -> None:
        """``flow`` is the stream's state in the carrier's yamux session."""
        self._carrier = carrier
        self._flow = flow
        self.stream_id = flow.stream_id
        self.is_relayed = False
        self.is_waiting = False
        """Whether this stream waits for the tunnel's socket; the carrier's note."""
        self._outlet: Outlet | None = None
        self._inlet: Inlet | None = None
        self._received: collections.deque[bytes] | None = None
        self._unsent: bytearray | None = None
        self._waiter: asyncio.Event | None = None
        self._ends = False
        self._ended_by_peer = False
        self._ended_by_us = False
        self._failure: NetError | None = None

    @property
    def local_address(self) -> Address:
        """See ByteStream; the tunnel's own socket."""
        return self._carrier.local_address

    @property
    def peer_address(self) -> Address:
        """See ByteStream; the tunnel's own socket."""
        return self._carrier.peer_address

    # As a byte stream

    @property
    def has_received(self) -> bool:
        """Whether ``receive`` would return at once."""
        return bool(self._received)

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream. What arrived before a reset, or before the tunnel was lost, is still returned first."""
        while not self._received:
            if self._ended_by_peer:
                return b""
            if self._failure:
                raise self._failure
            await self._wait()
        chunk = self._received.popleft()
        if len(chunk) > max_bytes:
            self._received.appendleft(chunk[max_bytes:])
            chunk = chunk[:max_bytes]
        if not self._failure:
            self._carrier.consume(self.stream_id, len(chunk), 0)
        return chunk

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """See ByteStream; waits while the peer's window is used up or the tunnel itself is full."""
        rest = memoryview(data)
        while rest:
            self._check_writable()
            taken = self._send_some(rest)
            rest = rest[taken:]
            if not taken:
                await self._wait()

    async def send_eof(self) -> None:
        """Send FIN; the other direction stays open."""
        self._end_now()

    async def aclose(self) -> None:
        """End both directions; a peer that still sends is reset."""
        self.close()

    async def _wait(self) -> None:
        """Wait for any news of this stream."""
        if self._waiter is None:
            self._waiter = asyncio.Event()
        self._waiter.clear()
        await self._waiter.wait()

    def _check_writable(self) -> None:
        if self._failure:
            raise self._failure
        if self._ended_by_us:
            raise PeerReset("this side has ended the stream")

    # As one side of a relay

    @property
    def waiting(self) -> int:
        """See Side."""
        return 0 if self._unsent is None else len(self._unsent)

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        """See Side; tells at once what has arrived already."""
        self._outlet, self._inlet = outlet, inlet
        self.is_relayed = True
        self._waiter = None
        received, self._received = self._received, None
        for chunk in received or ():
            self.feed(memoryview(chunk))
        if self._ended_by_peer:
            self._tell_end()
        if self._failure:
            self._tell_failure(self._failure)

    def resume(self) -> None:
        """See Side; the peer's window is all that holds it back."""

    def consumed(self, count: int, waiting: int) -> None:
        """See Side."""
        self._carrier.consume(self.stream_id, count, waiting)

    def stop(self) -> None:
        """See Side."""
        self._outlet = None

    def room(self) -> memoryview | None:
        """See Side."""
        window = self._flow.send_window
        if window < LEAST_WINDOW_BYTES or self._unsent is not None:
            return None
        return self._carrier.room(self, window)

    def commit(self, count: int) -> None:
        """See Side."""
        self._carrier.commit(self._flow, count)

    def write(self, data: memoryview) -> int:
        """See Side."""
        if self._failure is not None or self._ended_by_us:
            return len(data)
        taken = self._send_some(data) if self._unsent is None else 0
        if taken < len(data):
            self._unsent = self._unsent or bytearray()
            self._unsent += data[taken:]
        return taken

    def end(self) -> None:
        """See Side."""
        self._ends = True
        if self._unsent is None:
            self._end_now()

    def close(self) -> None:
        """See Side; a peer that still sends is reset."""
        if self._ended_by_peer and not self._failure:
            self._end_now()
            self._failure = PeerReset("the stream was closed")
            self._carrier.forget(self.stream_id)
        self.abort()

    def abort(self) -> None:
        """Send RST unless both directions have ended."""
        self._outlet = self._inlet = None
        if not self._failure:
            self._carrier.reset_stream(self.stream_id)
            self.fail(PeerReset("the stream was closed"))
        self._received = self._unsent = None

    def _end_now(self) -> None:
        if not (self._ended_by_us or self._failure):
            self._ended_by_us = True
            self._carrier.end_stream(self.stream_id)

    def _send_some(self, data: memoryview) -> int:
        """Send what window and tunnel allow; return how many bytes that were."""
        taken, size = 0, len(data)
        while taken < size and (window := self._flow.send_window):
            room = self._carrier.room(self, min(window, size - taken))
            if room is None:
                break
            count = len(room)
            room[:] = data[taken : taken + count]
            self._carrier.commit(self._flow, count)
            taken += count
        return taken

    def _send_unsent(self) -> None:
        unsent, self._unsent = self._unsent, None
        if not unsent:
            return
        taken = self._send_some(memoryview(unsent))
        if taken < len(unsent):
            self._unsent = unsent[taken:]
        elif self._ends:
            self._end_now()
        if self._inlet is not None and taken:
            self._inlet.taken(taken)
        if self._inlet is not None and self._unsent is None:
            self._inlet.emptied()

    # What the session tells

    def feed(self, data: memoryview) -> None:
        """Take bytes that arrived for this stream; the view is dead afterwards."""
        outlet = self._outlet
        if outlet is not None:
            outlet.push(data)
            return
        if self.is_relayed:
            return  # nobody listens any more
        if self._received is None:
            self._received = collections.deque()
        self._received.append(bytes(data))
        self._wake()

    def end_by_peer(self) -> None:
        """Take the peer's FIN."""
        self._ended_by_peer = True
        self._tell_end()

    def open_window(self) -> None:
        """Take the news that the peer, or the tunnel, accepts more bytes."""
        if self._unsent is not None:
            self._send_unsent()
        if self._inlet is not None:
            if self._unsent is None:
                self._inlet.has_room()
        else:
            self._wake()

    def fail(self, failure: NetError) -> None:
        """Take the peer's RST, or the end of the whole tunnel."""
        if self._failure is None:
            self._failure = failure
            self._tell_failure(failure)

    def _tell_end(self) -> None:
        if self._outlet is not None:
            self._outlet.ended()
        self._wake()

    def _tell_failure(self, failure: NetError) -> None:
        outlet, self._outlet = self._outlet, None
        if outlet is not None and not self._ended_by_peer:
            outlet.failed(failure)
        elif self._inlet is not None:
            self._inlet.send_failed(failure)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None:
            self._waiter.set()

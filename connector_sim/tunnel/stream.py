"""One stream inside the tunnel, in the shape of any other byte stream."""

from __future__ import annotations

import asyncio
import collections
from typing import Protocol

from maco_net.errors import NetError, PeerReset
from maco_net.streams import CHUNK_BYTES
from maco_wire.observation import Address


class Carrier(Protocol):
    """What a stream needs of the session that carries it."""

    local_address: Address
    peer_address: Address

    async def send_data(self, stream_id: int, data: memoryview) -> int:
        """Queue what the peer's window allows and return how many bytes that were, once the tunnel has room.

        0 means that the window is used up or that the stream is over.
        """

    def consume(self, stream_id: int, count: int) -> None:
        """Tell the peer that ``count`` bytes were taken by the reader."""

    def end_stream(self, stream_id: int) -> None:
        """Send FIN."""

    def reset_stream(self, stream_id: int) -> None:
        """Send RST, unless the stream is over in both directions, and forget it."""

    def forget(self, stream_id: int) -> None:
        """Drop a stream whose two directions have ended."""


class TunnelStream:
    """A yamux stream. A reader that stops costs at most one window, and holds back only its own sender."""

    can_send_eof = True

    def __init__(self, carrier: Carrier, stream_id: int) -> None:
        self._carrier = carrier
        self._id = stream_id
        self._received: collections.deque[bytes] = collections.deque()
        self._something = asyncio.Event()
        self._window = asyncio.Event()
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

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream. What arrived before a reset, or before the tunnel was lost, is still returned first."""
        while not self._received:
            if self._ended_by_peer:
                return b""
            if self._failure:
                raise self._failure
            self._something.clear()
            await self._something.wait()
        chunk = self._received.popleft()
        if len(chunk) > max_bytes:
            self._received.appendleft(chunk[max_bytes:])
            chunk = chunk[:max_bytes]
        if not self._failure:
            self._carrier.consume(self._id, len(chunk))
        return chunk

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """See ByteStream; waits while the peer's window is used up or the tunnel itself is full."""
        rest = memoryview(data)
        while rest:
            self._check_writable()
            self._window.clear()
            taken = await self._carrier.send_data(self._id, rest)
            rest = rest[taken:]
            if not taken:
                self._check_writable()
                await self._window.wait()

    async def send_eof(self) -> None:
        """Send FIN; the other direction stays open."""
        if not (self._ended_by_us or self._failure):
            self._ended_by_us = True
            self._carrier.end_stream(self._id)

    async def aclose(self) -> None:
        """End both directions; a peer that still sends is reset."""
        if self._ended_by_peer and not self._failure:
            await self.send_eof()
            self._failure = PeerReset("the stream was closed")
            self._carrier.forget(self._id)
        self.abort()

    def abort(self) -> None:
        """Send RST unless both directions have ended."""
        if not self._failure:
            self._carrier.reset_stream(self._id)
            self.fail(PeerReset("the stream was closed"))
        self._received.clear()

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived for this stream."""
        self._received.append(data)
        self._something.set()

    def end_by_peer(self) -> None:
        """Take the peer's FIN."""
        self._ended_by_peer = True
        self._something.set()

    def open_window(self) -> None:
        """Take the news that the peer accepts more bytes."""
        self._window.set()

    def fail(self, failure: NetError) -> None:
        """Take the peer's RST, or the end of the whole tunnel."""
        self._failure = self._failure or failure
        self._something.set()
        self._window.set()

    def _check_writable(self) -> None:
        if self._failure:
            raise self._failure
        if self._ended_by_us:
            raise PeerReset("this side has ended the stream")

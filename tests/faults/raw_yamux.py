"""A yamux peer of our own, from HashiCorp's spec.md and ``struct`` alone, at either end of the real tunnel."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from maco_net.background import in_background
from maco_net.errors import HandshakeError, NetError
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Address
from tests.connector_sim.landscape import DEADLINE_S, SUBACCOUNT, TUNNEL_HOST, endpoint_context, tunnel_context

DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)  # spec.md, "Type Field"
SYN, ACK, FIN, RST = 1, 2, 4, 8  # spec.md, "Flag Field"
WINDOW = 256 * 1024  # spec.md, "Flow Control"
PROTOCOL_ERROR = 1  # spec.md, "Session termination"

UPGRADE = (
    "GET /tunnel HTTP/1.1\r\nHost: t\r\nUpgrade: maco-lab-tunnel/1\r\nConnection: Upgrade\r\n"
    f"Subaccount: {SUBACCOUNT}\r\nLocation-Id: %s\r\nInstallation-Id: %s\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: maco-lab-tunnel/1\r\nConnection: Upgrade\r\n\r\n"


def frame(kind: int, flags: int, stream_id: int, length: int) -> bytes:
    return struct.pack(">BBHII", 0, kind, flags, stream_id, length)  # spec.md, "Framing"


def data(stream_id: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(DATA, flags, stream_id, len(payload)) + payload


@dataclass(frozen=True)
class Frame:
    """One frame as it came."""

    kind: int
    flags: int
    stream_id: int
    length: int
    payload: bytes = b""


class RawPeer:
    """The far end of a tunnel, frame by frame."""

    def __init__(self, stream: ByteStream, received: bytes = b"") -> None:
        self.stream = stream
        self._received = bytearray(received)

    async def send(self, written: bytes) -> None:
        await self.stream.send(written)

    async def read_frame(self) -> Frame | None:
        """Return the next frame; None once the peer has ended, in whichever way."""
        header = await self._take(12)
        if header is None:
            return None
        version, kind, flags, stream_id, length = struct.unpack(">BBHII", header)
        assert version == 0
        payload = await self._take(length) if kind == DATA else b""
        return None if payload is None else Frame(kind, flags, stream_id, length, payload)

    async def frames_until_the_end(self) -> list[Frame]:
        """Return all frames that still come."""
        frames = []
        async with asyncio.timeout(DEADLINE_S):
            while found := await self.read_frame():
                frames.append(found)
        return frames

    async def read_head(self) -> bytes:
        """Return an HTTP head, up to its empty line."""
        while b"\r\n\r\n" not in self._received:
            more = await self.stream.receive()
            assert more, f"the peer ended after {bytes(self._received)!r}"
            self._received += more
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self._received = bytearray(rest)
        return head

    async def _take(self, count: int) -> bytes | None:
        while len(self._received) < count:
            try:
                more = await self.stream.receive()
            except NetError:
                return None
            if not more:
                return None
            self._received += more
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken


@contextlib.asynccontextmanager
async def tls_to(address: Address) -> AsyncIterator[TlsStream]:
    """Dial the tunnel port as a connector does, up to TLS."""
    plain = await connect_tcp(*address, timeout_s=DEADLINE_S)
    tls = await start_tls(plain, tunnel_context(SUBACCOUNT), server_name=TUNNEL_HOST, timeout_s=DEADLINE_S)
    try:
        yield tls
    finally:
        tls.abort()


@contextlib.asynccontextmanager
async def raw_connector(
    address: Address, *, location_id: str = "WERK1", installation: str = "raw"
) -> AsyncIterator[RawPeer]:
    """Open a tunnel by hand, as the connector's end of it: yamux's server."""
    async with tls_to(address) as tls:
        peer = RawPeer(tls)
        await peer.send((UPGRADE % (location_id, installation)).encode())
        head = await peer.read_head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield peer


class RawCloud:
    """A cloud side by hand: ``scripts`` are played one after the other, one for each connection; then ``last`` for all.

    A script gets the TLS session of a connector that has sent nothing yet.
    """

    def __init__(self, *scripts: Callable[[TlsStream], Awaitable[None]]) -> None:
        self._listener = Listener("127.0.0.1", 0)
        self._context = endpoint_context()
        self._scripts = list(scripts)
        self.connections = 0

    @property
    def address(self) -> Address:
        return self._listener.address

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with in_background(self._listener.serve(self._serve)):
                yield
        finally:
            self._listener.close()

    async def _serve(self, stream: TcpStream) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        with contextlib.suppress(HandshakeError):
            tls = await start_tls(stream, self._context, server_side=True, timeout_s=DEADLINE_S)
            try:
                await script(tls)
            finally:
                await tls.aclose()


async def upgraded(tls: TlsStream) -> RawPeer:
    """Read the connector's Upgrade and accept it."""
    peer = RawPeer(tls)
    await peer.read_head()
    await peer.send(SWITCHING)
    return peer

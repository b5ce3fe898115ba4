"""The one shape of every byte stream: a TCP socket, a TLS session on it, or a stream inside the tunnel."""

from __future__ import annotations

import asyncio
from typing import Protocol

from maco_net.errors import NetError
from maco_wire.observation import Address

CHUNK_BYTES = 64 * 1024
"""How much one ``receive`` returns at most unless told otherwise."""
LINGER_S = 1.0
LINGER_READS = 64
"""How often a lingering close reads at most: 4 MiB are enough for what a peer had sent before it could know."""


class ByteStream(Protocol):
    """A bidirectional stream of bytes that never reads ahead of its caller."""

    @property
    def local_address(self) -> Address:
        """This end of the socket below."""

    @property
    def peer_address(self) -> Address:
        """The other end of the socket below."""

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """Return 1 to ``max_bytes`` bytes, or ``b""`` once the peer has ended its direction.

        Raises PeerReset, PeerTruncated, PeerAlert or PeerBrokeTls when the peer ended in any other way.
        """

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``; returns when the last byte is handed to the layer below.

        Raises PeerReset or PeerAlert when the peer takes no more.
        """

    async def send_eof(self) -> None:
        """End this direction; the other one stays open. A stream that cannot do that ignores the call."""

    @property
    def can_send_eof(self) -> bool:
        """Tell whether ``send_eof`` ends this direction alone."""

    async def aclose(self) -> None:
        """End both directions in the orderly way of the stream's protocol; never raises, may be called again.

        It does not wait for the peer's end (``close_gently`` does).
        """

    def abort(self) -> None:
        """End both directions at once, and let the peer see that it was not orderly (a reset)."""


async def close_gently(stream: ByteStream, *, linger_s: float = LINGER_S) -> None:
    """Close so that what was sent last arrives: end our direction, then read the peer's until it ends or time is up.

    RFC 1122, section 4.2.2.13: a host that closes "while received data is still pending in TCP, or if new data is
    received after CLOSE is called", sends a reset, and a reset may overtake the last answer. Never raises.
    """
    try:
        async with asyncio.timeout(linger_s):
            await stream.send_eof()
            for _ in range(LINGER_READS):
                if not await stream.receive():
                    break
    except (NetError, TimeoutError):
        pass
    finally:
        await stream.aclose()

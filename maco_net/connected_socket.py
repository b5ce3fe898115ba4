"""What a plain TCP connection and a TLS session on one have in common: a connected socket, and how it ends.

It neither receives nor sends: ``tcp`` and ``tls`` do that, each in its own way.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

from maco_net.readiness import Readiness
from maco_net.socket_bytes import SocketBytes, socket_bytes
from maco_wire.observation import Address

TCP_CORK: int | None = getattr(socket, "TCP_CORK", None)  # Linux alone has it
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds


class ConnectedSocket:
    """A connected, non-blocking socket."""

    __slots__ = ("_readiness", "_sock", "is_kept", "local_address", "peer_address", "when_closed")

    def __init__(self, sock: socket.socket, readiness: Readiness, addresses: tuple[Address, Address]) -> None:
        """Take over ``sock``; ``addresses`` are this end's and the other one's."""
        self._sock = sock
        self._readiness = readiness
        self.local_address, self.peer_address = addresses
        self.is_kept = False
        """Whether this connection outlives the task that accepted it (see Listener)."""
        self.when_closed: Callable[[Any], None] | None = None
        """Called once when the connection is closed here, in whatever way; its socket is still open then."""

    @property
    def is_open(self) -> bool:
        """Whether the connection still holds its socket."""
        return self._sock.fileno() >= 0

    @property
    def unacknowledged(self) -> int:
        """How many bytes the kernel has sent, or still has to, that the peer's has not acknowledged.

        0 where the system does not tell (outside Linux), and for a closed socket.
        """
        count = array.array("i", [0])
        with contextlib.suppress(OSError, ValueError):
            fcntl.ioctl(self._sock, termios.TIOCOUTQ, count)
        return count[0]

    @property
    def sock(self) -> socket.socket:
        """The socket itself, for whoever receives and sends without this stream; closing it stays this stream's."""
        return self._sock

    @property
    def readiness(self) -> Readiness:
        """Where callbacks for this socket are registered."""
        return self._readiness

    def carried(self) -> SocketBytes:
        """Return how many bytes the socket has carried, TLS and all."""
        return socket_bytes(self._sock)

    def cork(self, on: bool) -> None:
        """Hold back segments that are not full, or let them go; nothing where the system has no TCP_CORK."""
        if TCP_CORK is not None:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, TCP_CORK, on)

    def abort(self) -> None:
        """Close with RST, and without anything that a layer above would say at its end."""
        self._closed()
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._sock.close()

    def _close(self) -> None:
        self._closed()
        self._sock.close()

    def _closed(self) -> None:
        """Forget the descriptor before it is closed: its number may be another connection's a moment later."""
        self._readiness.close()
        self._tell_end()

    def _tell_end(self) -> None:
        told, self.when_closed = self.when_closed, None
        if told is not None:
            told(self)

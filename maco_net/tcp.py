"""A plain TCP connection as a byte stream, and the dialling of one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import TypeAlias

from maco_net.errors import ConnectError, ConnectFailure, PeerReset
from maco_net.readiness import Readiness
from maco_net.streams import CHUNK_BYTES
from maco_wire.observation import Address

TCP_CORK: int | None = getattr(socket, "TCP_CORK", None)  # Linux alone has it
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds
_SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _SocketAddress]
_KINDS: dict[int, ConnectFailure] = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}


class TcpStream:
    """A connected, non-blocking TCP socket."""

    __slots__ = ("_readiness", "_sock", "is_kept", "local_address", "peer_address", "when_closed")

    can_send_eof = True
    has_more = False
    """Whether bytes wait that no readiness will tell of; never so for plain TCP."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over ``sock``, which must be connected; raises PeerReset if its peer is gone already."""
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self.local_address: Address = sock.getsockname()[:2]
            self.peer_address: Address = sock.getpeername()[:2]
        except OSError as error:
            sock.close()
            raise PeerReset("connection is gone before it was used") from error
        self._sock = sock
        self._readiness = Readiness(sock)
        self.is_kept = False
        """Whether this connection outlives the task that accepted it (see Listener)."""
        self.when_closed: Callable[[], None] | None = None
        """Called once when the stream is closed here, in whatever way."""

    def receive_into(self, room: memoryview) -> int | None:
        """Receive into ``room`` what is there: how many bytes, 0 at the peer's end, None if nothing is there now.

        Raises PeerReset.
        """
        try:
            return self._sock.recv_into(room)
        except BlockingIOError:
            return None
        except OSError as error:
            raise PeerReset(_text(error)) from error

    def send_some(self, data: memoryview) -> int:
        """Send what the kernel takes now and return how many bytes that were; 0 means: when it is writable again.

        Raises PeerReset.
        """
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise PeerReset(_text(error)) from error

    @property
    def is_open(self) -> bool:
        """Whether the stream still holds its socket."""
        return self._sock.fileno() >= 0

    @property
    def readiness(self) -> Readiness:
        """Where callbacks for this socket are registered."""
        return self._readiness

    @property
    def sends_when_readable(self) -> bool:
        """Whether what was refused last is to be offered again once the socket is *readable*; TLS alone needs that."""
        return False

    @property
    def receives_when_writable(self) -> bool:
        """Whether the next bytes can be received once the socket is *writable*; TLS alone needs that."""
        return False

    def cork(self, on: bool) -> None:
        """Hold back segments that are not full, or let them go; nothing where the system has no TCP_CORK."""
        if TCP_CORK is not None:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, TCP_CORK, on)

    def close_now(self) -> bool:
        """Close in the orderly way at once; always possible here (see TlsStream)."""
        self._closed()
        self._sock.close()
        return True

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream."""
        if self._readiness.is_overdue():
            await asyncio.sleep(0)
        while True:
            try:
                return self._sock.recv(max_bytes)
            except BlockingIOError:
                await self._readiness.readable()
            except OSError as error:
                raise PeerReset(_text(error)) from error

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """See ByteStream."""
        rest = memoryview(data)
        if self._readiness.is_overdue():
            await asyncio.sleep(0)
        while rest:
            try:
                sent = self._sock.send(rest)
            except BlockingIOError:
                await self._readiness.writable()
            except OSError as error:
                raise PeerReset(_text(error)) from error
            else:
                rest = rest[sent:]

    async def send_eof(self) -> None:
        """Send FIN; what the peer still sends can be read."""
        self.end_sending()

    def end_sending(self) -> None:
        """Send FIN at once; see ``send_eof``."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close; the kernel goes on sending what it was given, unless bytes are unread (see ``close_gently``)."""
        self.close_now()

    def abort(self) -> None:
        """Close with RST."""
        self._closed()
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._sock.close()

    def detach(self) -> socket.socket:
        """Hand the socket to a layer above (TLS); this stream is of no use afterwards."""
        self._readiness.close()
        return self._sock

    def _closed(self) -> None:
        self._readiness.close()
        told, self.when_closed = self.when_closed, None
        if told is not None:
            told()


async def connect_tcp(host: str, port: int, *, timeout_s: float) -> TcpStream:
    """Connect to ``host``:``port``, trying every address of the name in turn; ``timeout_s`` is for all of it.

    Raises ConnectError.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _connect_to_any(host, port)
    except TimeoutError as error:
        raise ConnectError(host, port, "timeout", f"no connection within {timeout_s:g} s") from error


async def _connect_to_any(host: str, port: int) -> TcpStream:
    failure: OSError | PeerReset = OSError(errno.EHOSTUNREACH, "the name has no address")
    for family, kind, protocol, _, address in await _resolve(host, port):
        try:
            return await _connect_to(socket.socket(family, kind, protocol), address)
        except (OSError, PeerReset) as error:
            failure = error
    if isinstance(failure, PeerReset):
        raise ConnectError(host, port, "refused", str(failure)) from failure
    raise ConnectError(host, port, _KINDS.get(failure.errno or 0, "unreachable"), _text(failure)) from failure


async def _connect_to(sock: socket.socket, address: _SocketAddress) -> TcpStream:
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return TcpStream(sock)


async def _resolve(host: str, port: int) -> Sequence[_AddressInfo]:
    with contextlib.suppress(OSError, ValueError):
        # A numeric address needs no resolver: asking one would cost a thread, and a thread cannot be cancelled.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    try:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # ValueError: no host name at all, a label over 63 bytes for example
        raise ConnectError(host, port, "unresolvable", f"the name cannot be resolved ({error})") from error


def _text(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)

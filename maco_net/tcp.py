"""A plain TCP connection as a byte stream, and the dialling of one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from maco_net.connected_socket import ConnectedSocket
from maco_net.errors import ConnectError, ConnectFailure, PeerReset
from maco_net.readiness import Readiness
from maco_net.streams import CHUNK_BYTES

_SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _SocketAddress]
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR})
_KINDS: dict[int, ConnectFailure] = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}


class TcpStream(ConnectedSocket):
    """A plain TCP connection."""

    __slots__ = ("_reset",)

    can_send_eof = True
    has_more = False
    """Whether bytes wait that no readiness will tell of; never so for plain TCP."""
    sends_when_readable = False
    """Whether what was refused last is to be offered again once the socket is *readable*; TLS alone needs that."""
    receives_when_writable = False
    """Whether the next bytes can be received once the socket is *writable*; TLS alone needs that."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over ``sock``, which must be connected; raises PeerReset if its peer is gone already."""
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            addresses = sock.getsockname()[:2], sock.getpeername()[:2]
        except OSError as error:
            sock.close()
            raise PeerReset("connection is gone before it was used") from error
        super().__init__(sock, Readiness(sock), addresses)
        self._reset: PeerReset | None = None

    def receive_into(self, room: memoryview) -> int | None:
        """Receive into ``room`` what is there: how many bytes, 0 at the peer's end, None if nothing is there now.

        Raises PeerReset.
        """
        try:
            return self._sock.recv_into(room) or self._end()
        except BlockingIOError:
            return None
        except OSError as error:
            raise PeerReset(_text(error)) from error

    def send_some(self, data: bytes | memoryview) -> int:
        """Send what the kernel takes now and return how many bytes that were; 0 means: when it is writable again.

        Raises PeerReset.
        """
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._met_reset(error) from error

    def close_now(self) -> bool:
        """Close in the orderly way at once; always possible here (see TlsStream)."""
        self._close()
        return True

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream."""
        if self._readiness.is_overdue():
            await asyncio.sleep(0)
        while True:
            try:
                data = self._sock.recv(max_bytes)
            except BlockingIOError:
                await self._readiness.readable()
            except OSError as error:
                raise PeerReset(_text(error)) from error
            else:
                if not data:
                    self._end()
                return data

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
                raise self._met_reset(error) from error
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

    def detach(self) -> socket.socket:
        """Hand the socket to a layer above (TLS); this stream is of no use afterwards."""
        self._readiness.close()
        return self._sock

    def _met_reset(self, error: OSError) -> PeerReset:
        """Remember that sending met a reset: the kernel tells it once, and says "end" to whoever receives next."""
        self._reset = PeerReset(_text(error))
        return self._reset

    def _end(self) -> int:
        """Return 0 for the end of what is received, unless that was a reset."""
        if self._reset is not None:
            raise self._reset
        return 0


async def connect_tcp(host: str, port: int, *, timeout_s: float) -> TcpStream:
    """Connect to ``host``:``port``, trying every address of the name in turn; ``timeout_s`` is for all of it.

    Raises ConnectError.
    """
    try:
        begun = _begin(host, port)
        if begun is not None and begun.is_connected:
            return TcpStream(begun.sock)
        async with asyncio.timeout(timeout_s):
            return await (_connect_to_any(host, port) if begun is None else _finish(begun.sock))
    except TimeoutError as error:
        if error.errno is None:  # ours, not the kernel's
            raise ConnectError(host, port, "timeout", f"no connection within {timeout_s:g} s") from error
        raise _failure(host, port, error) from error
    except (OSError, PeerReset) as error:
        raise _failure(host, port, error) from error


class _Begun(NamedTuple):
    """A connection under way; on one machine it is mostly there at once."""

    sock: socket.socket
    is_connected: bool


def _begin(host: str, port: int) -> _Begun | None:
    """Begin to connect to a numeric IPv4 address; None for any other, which needs a resolver. Raises OSError.

    So what has happened at once needs no deadline, no task switch and no event loop: a third of the cost of opening.
    """
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return None
    return _begin_at(socket.socket(socket.AF_INET, socket.SOCK_STREAM), (host, port))


def _begin_at(sock: socket.socket, address: _SocketAddress) -> _Begun:
    try:
        sock.setblocking(False)
        number = sock.connect_ex(address)
        if number == errno.EINPROGRESS:
            # On the loop-back interface the handshake has happened by the time the call returns, but only a second
            # call tells so.
            number = sock.connect_ex(address)
        if number in _UNDER_WAY:
            return _Begun(sock, is_connected=False)
        _check(number)
    except BaseException:
        sock.close()
        raise
    return _Begun(sock, is_connected=True)


async def _finish(sock: socket.socket) -> TcpStream:
    readiness = Readiness(sock)
    try:
        await readiness.writable()
        _check(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    except BaseException:
        readiness.close()
        sock.close()
        raise
    return TcpStream(sock)


def _check(number: int) -> None:
    if number not in {0, errno.EISCONN}:
        raise OSError(number, os.strerror(number))


async def _connect_to_any(host: str, port: int) -> TcpStream:
    failure: OSError | PeerReset = OSError(errno.EHOSTUNREACH, "the name has no address")
    for family, kind, protocol, _, address in await _resolve(host, port):
        try:
            begun = _begin_at(socket.socket(family, kind, protocol), address)
            return TcpStream(begun.sock) if begun.is_connected else await _finish(begun.sock)
        except (OSError, PeerReset) as error:
            failure = error
    raise failure


def _failure(host: str, port: int, error: OSError | PeerReset) -> ConnectError:
    if isinstance(error, PeerReset):
        return ConnectError(host, port, "refused", str(error))
    return ConnectError(host, port, _KINDS.get(error.errno or 0, "unreachable"), _text(error))


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

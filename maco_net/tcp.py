"""A plain TCP connection as a byte stream, and the dialling of one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import TypeAlias

from maco_net.errors import ConnectError, ConnectFailure, PeerReset
from maco_net.readiness import Readiness
from maco_net.streams import CHUNK_BYTES
from maco_wire.observation import Address

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds
_SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _SocketAddress]
_KINDS: dict[int, ConnectFailure] = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}


class TcpStream:
    """A connected, non-blocking TCP socket."""

    can_send_eof = True

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
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close; the kernel goes on sending what it was given, unless bytes are unread (see ``close_gently``)."""
        self._readiness.close()
        self._sock.close()

    def abort(self) -> None:
        """Close with RST."""
        self._readiness.close()
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._sock.close()

    def detach(self) -> socket.socket:
        """Hand the socket to a layer above (TLS); this stream is of no use afterwards."""
        self._readiness.close()
        return self._sock


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

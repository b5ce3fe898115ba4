"""Accept connections and serve each in a task of its own; nothing slow happens inside accept."""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from maco_net.descriptors import is_out_of_descriptors, out_of_descriptors
from maco_net.errors import NetError, PeerReset
from maco_net.readiness import Readiness
from maco_net.seldom_log import SeldomLog
from maco_net.tcp import TcpStream
from maco_wire.observation import Address

BACKLOG = 512
OUT_OF_DESCRIPTORS_PAUSE_S = 0.1
# accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code"; they concern
# that connection alone.
_OF_ONE_CONNECTION = frozenset(
    {errno.ECONNABORTED, errno.EPERM, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN}
    | {errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.ETIMEDOUT, errno.EINTR}
)

Serve: TypeAlias = Callable[[TcpStream], Awaitable[None]]

_log = logging.getLogger(__name__)


class Listener:
    """A bound and listening TCP socket; port 0 takes a free one."""

    def __init__(self, host: str, port: int) -> None:
        """Bind and listen at once, so that a client may connect before ``serve`` runs. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._sock.bind((host, port))
            self._sock.listen(BACKLOG)
        except OSError:
            self._sock.close()
            raise
        self._sock.setblocking(False)
        self._readiness: Readiness | None = None
        self._connections: set[TcpStream] = set()
        self.address: Address = self._sock.getsockname()[:2]
        self._seldom_log = SeldomLog(_log)

    async def serve(self, serve: Serve, *, max_connections: int = 1024) -> None:
        """Serve until cancelled or closed; then every connection's task is cancelled too and all sockets are closed.

        A connection ends with its task, unless that has set ``is_kept`` on it: then it lives, and counts, until
        somebody closes it. A connection beyond ``max_connections`` waits in the kernel's backlog until another ends.
        """
        free = asyncio.Semaphore(max_connections)
        self._readiness = Readiness(self._sock)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await free.acquire()
                    stream = await self._accept(self._readiness)
                    if stream is None:
                        break
                    self._connections.add(stream)
                    tasks.create_task(self._guarded(serve, stream, free))
        finally:
            self.close()
            # those that were kept, and those whose task was cancelled before it began
            for stream in tuple(self._connections):
                stream.abort()
            self._connections.clear()

    def close(self) -> None:
        """Stop listening; connections that run go on."""
        if self._readiness:
            self._readiness.close()
        self._sock.close()

    async def _accept(self, readiness: Readiness) -> TcpStream | None:
        """Return the next connection; None once the listener is closed."""
        while self._sock.fileno() >= 0:
            if readiness.is_overdue():
                await asyncio.sleep(0)
            try:
                return TcpStream(self._sock.accept()[0])
            except BlockingIOError:
                await readiness.readable()
            except PeerReset:
                pass  # gone before it could be served
            except OSError as error:
                if is_out_of_descriptors(error):
                    host, port = self.address
                    self._seldom_log.warning(f"new connections to {host}:{port} wait: {out_of_descriptors()}")
                    await asyncio.sleep(OUT_OF_DESCRIPTORS_PAUSE_S)
                elif error.errno not in _OF_ONE_CONNECTION:
                    raise
        return None

    async def _guarded(self, serve: Serve, stream: TcpStream, free: asyncio.Semaphore) -> None:
        """Serve one connection so that whatever happens to it happens to it alone."""
        try:
            try:
                await serve(stream)
            finally:
                if not stream.is_kept:
                    await stream.aclose()
        except PeerReset:
            pass
        except NetError as error:
            _log.info("connection ended: %s", error)
        except Exception:  # noqa: BLE001 - the last resort of one connection: logged, and the others go on
            _log.exception("a connection failed through a defect of this program")
        finally:
            if stream.is_kept and stream.is_open:
                stream.when_closed = functools.partial(self._release, stream, free)
            else:
                self._release(stream, free)

    def _release(self, stream: TcpStream, free: asyncio.Semaphore) -> None:
        self._connections.discard(stream)
        free.release()

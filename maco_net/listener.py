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
ACCEPTS_A_TURN = 16
"""How many connections are accepted before other sockets have their turn."""
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
        self._is_watched = False
        self._free = 0
        self._over: asyncio.Future[None] | None = None
        self._emptied = asyncio.Event()
        self._start_task: Callable[[TcpStream], None] = TcpStream.abort
        self._when_closed = self._release  # one bound method for all of them
        self._connections: set[TcpStream] = set()
        self.address: Address = self._sock.getsockname()[:2]
        self._seldom_log = SeldomLog(_log)

    async def serve(self, serve: Serve, *, max_connections: int = 1024) -> None:
        """Serve until cancelled or closed; then every connection's task is cancelled too and all sockets are closed.

        A connection ends with its task, unless that has set ``is_kept`` on it: then it lives, and counts, until
        somebody closes it. A connection beyond ``max_connections`` waits in the kernel's backlog until another ends.
        """
        self._free = max_connections
        self._over = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._start_task = functools.partial(self._guard, tasks, serve)
                self._readiness = Readiness(self._sock)
                self._watch(True)
                self._accept_some()
                try:
                    await self._over
                finally:
                    self._watch(False)  # nobody comes in while those that are here are being ended
            while self._connections:  # closed in order: those that were kept go on
                self._emptied.clear()
                await self._emptied.wait()
        finally:
            self.close()
            # those that were kept, and those whose task was cancelled before it began
            for stream in tuple(self._connections):
                stream.abort()
            self._connections.clear()

    def close(self) -> None:
        """Stop listening; connections that run go on."""
        self._watch(False)
        self._sock.close()
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _watch(self, wanted: bool) -> None:
        if self._readiness is not None and wanted is not self._is_watched:
            self._is_watched = wanted
            self._readiness.on_readable(self._accept_some if wanted else None)

    def _accept_some(self) -> None:
        """Accept what is there, but let other sockets have their turn."""
        for _ in range(ACCEPTS_A_TURN):
            if self._free == 0:
                self._watch(False)
                return
            try:
                stream = TcpStream(self._sock.accept()[0])
            except BlockingIOError:
                return
            except PeerReset:
                continue  # gone before it could be served
            except OSError as error:
                if not self._goes_on_after(error):
                    return
            else:
                self._free -= 1
                self._connections.add(stream)
                self._start_task(stream)

    def _goes_on_after(self, error: OSError) -> bool:
        """Tell whether to accept more at once: not without descriptors, and never again where it cannot work."""
        if is_out_of_descriptors(error):
            host, port = self.address
            self._seldom_log.warning(f"new connections to {host}:{port} wait: {out_of_descriptors()}")
            self._watch(False)
            asyncio.get_running_loop().call_later(OUT_OF_DESCRIPTORS_PAUSE_S, self._resume)
            return False
        if error.errno in _OF_ONE_CONNECTION:
            return True
        self._watch(False)
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)
        return False

    def _resume(self) -> None:
        if self._over is not None and not self._over.done():
            self._watch(True)

    def _guard(self, tasks: asyncio.TaskGroup, serve: Serve, stream: TcpStream) -> None:
        tasks.create_task(self._guarded(serve, stream))

    async def _guarded(self, serve: Serve, stream: TcpStream) -> None:
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
                stream.when_closed = self._when_closed
            else:
                self._release(stream)

    def _release(self, stream: TcpStream) -> None:
        if stream in self._connections:
            self._connections.discard(stream)
            self._emptied.set()
            self._free += 1
            self._resume()

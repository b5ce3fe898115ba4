"""Wait until a non-blocking socket can be read or written.

One rule: several waiters may wait for the same side (TLS may want to write in order to read), and the event loop is
told about the socket only while somebody waits. So nothing here ever touches a descriptor on which nobody waits: it may
have been closed, and its number given to another connection.

A socket is waited for in one of two ways: by coroutines (``readable``, ``writable``), while a connection is being
opened, or by callbacks (``on_readable``, ``on_writable``), once it is relayed: then it costs no task.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeAlias

_Stop: TypeAlias = Callable[[], None]
Callback: TypeAlias = Callable[[], None]

LONGEST_RUN = 16
"""How many reads or writes a stream may do in a row without waiting before others get their turn."""


class Readiness:
    """Both sides of one socket. Call ``close`` before the socket is closed."""

    __slots__ = ("_fd", "_loop", "_readers", "_run", "_watches_reading", "_watches_writing", "_writers")

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = sock.fileno()
        self._readers: list[asyncio.Future[None]] | None = None
        self._writers: list[asyncio.Future[None]] | None = None
        self._watches_reading = False
        self._watches_writing = False
        self._run = 0

    def is_overdue(self) -> bool:
        """Count one more read or write; tell whether the caller should let others run first (``asyncio.sleep(0)``).

        A peer that is always ready would otherwise keep the event loop to itself, deadlines included.
        """
        self._run += 1
        if self._run <= LONGEST_RUN:
            return False
        self._run = 0
        return True

    async def readable(self) -> None:
        """Return once there is something to read, or an end or an error to be told."""
        if not self._readers:
            self._readers = []
            self._loop.add_reader(self._fd, self._wake_readers)
        await self._wait(self._readers, self._stop_reading)

    async def writable(self) -> None:
        """Return once the socket takes bytes again."""
        if not self._writers:
            self._writers = []
            self._loop.add_writer(self._fd, self._wake_writers)
        await self._wait(self._writers, self._stop_writing)

    def on_readable(self, callback: Callback | None) -> None:
        """Call ``callback`` whenever there is something to read; None ends that. No coroutine may wait meanwhile."""
        if callback is not None:
            self._loop.add_reader(self._fd, callback)
        elif self._watches_reading:
            self._stop_reading()
        self._watches_reading = callback is not None

    def on_writable(self, callback: Callback | None) -> None:
        """Call ``callback`` whenever the socket takes bytes; None ends that. No coroutine may wait meanwhile."""
        if callback is not None:
            self._loop.add_writer(self._fd, callback)
        elif self._watches_writing:
            self._stop_writing()
        self._watches_writing = callback is not None

    def close(self) -> None:
        """Forget the socket; whoever still waits is woken and meets the closed socket. May be called again."""
        self.on_readable(None)
        self.on_writable(None)
        if self._readers:
            self._wake_readers()
        if self._writers:
            self._wake_writers()

    async def _wait(self, waiters: list[asyncio.Future[None]], stop: _Stop) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        waiters.append(waiter)
        self._run = 0
        try:
            await waiter
        finally:
            with contextlib.suppress(ValueError):
                waiters.remove(waiter)
                if not waiters:
                    stop()

    def _wake_readers(self) -> None:
        self._stop_reading()
        _wake(self._readers)

    def _wake_writers(self) -> None:
        self._stop_writing()
        _wake(self._writers)

    def _stop_reading(self) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)

    def _stop_writing(self) -> None:
        if not self._loop.is_closed():
            self._loop.remove_writer(self._fd)


def _wake(waiters: list[asyncio.Future[None]] | None) -> None:
    woken = waiters[:] if waiters else []
    if waiters:
        waiters.clear()
    for waiter in woken:
        if not waiter.done():
            waiter.set_result(None)

"""A thread with one event loop of its own, for tests and programs that are not asyncio themselves.

Twisted's reactor is bound to the first loop of a process for life, so there is one such thread per process: take it
by ``background_loop()`` and keep it.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import functools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

START_S = 10.0


class BackgroundLoop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="maco-lab", daemon=True)
        self._thread.start()
        self._ready.wait(START_S)

    def start(self, coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start a coroutine on the loop; asyncio.wrap_future makes the result awaitable on another loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, _T], *, timeout_s: float | None = 60.0) -> _T:
        """Run a coroutine on the loop and return its result here; raises TimeoutError after ``timeout_s``.

        Raises RuntimeError in the loop's own thread, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("called in the lab's own thread, where it would wait for itself: await it instead")
        future = self.start(coroutine)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    @contextmanager
    def enter(self, manager: AbstractAsyncContextManager[_T], *, timeout_s: float = 60.0) -> Iterator[_T]:
        """Hold an asynchronous context on the loop; it is entered and left in one task, as TaskGroups want it."""
        held = _Held(manager)
        holding = asyncio.run_coroutine_threadsafe(held.hold(), self._loop)
        value = held.entered.result(timeout_s)
        try:
            yield value
        finally:
            self._loop.call_soon_threadsafe(held.leave.set)
            holding.result(timeout_s)

    def close(self) -> None:
        """Stop the loop and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()


class _Held(Generic[_T]):
    """One asynchronous context, entered and left in one task of the loop, for another thread."""

    def __init__(self, manager: AbstractAsyncContextManager[_T]) -> None:
        self._manager = manager
        self.entered: concurrent.futures.Future[_T] = concurrent.futures.Future()
        self.leave = asyncio.Event()

    async def hold(self) -> None:
        """Enter, tell, wait, leave. What entering raises is told too; what leaving raises is raised here."""
        try:
            async with self._manager as value:
                self.entered.set_result(value)
                await self.leave.wait()
        except BaseException as error:
            if not self.entered.done():
                self.entered.set_exception(error)
            else:
                raise


@functools.cache
def background_loop() -> BackgroundLoop:
    """Return the process's one background loop; it is closed when the process ends."""
    loop = BackgroundLoop()
    atexit.register(loop.close)
    return loop

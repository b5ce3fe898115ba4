"""How a test reaches the lab's thread, blocking or awaiting, and how what it left there is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from maco_lab.background import BackgroundLoop

_T = TypeVar("_T")

CANCEL_S = 5.0
"""How long cancelled work has to clean up."""


class LabThread:
    """Runs coroutines on the lab's loop and remembers those that run."""

    def __init__(self, loop: BackgroundLoop) -> None:
        self.loop = loop
        self._running: set[asyncio.Task[Any]] = set()

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run and block. Raises TimeoutError after a minute, RuntimeError in the lab's own thread."""
        try:
            return self.loop.run(self._remembered(coroutine))
        except RuntimeError:
            coroutine.close()  # it never began if this is the lab's own thread, and has ended otherwise
            raise

    async def run_async(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run while the caller's own loop goes on; cancelling the caller cancels it."""
        return await asyncio.wrap_future(self.loop.start(self._remembered(coroutine)))

    async def cancel_all(self) -> None:
        """End what a test has left behind. To be awaited on the lab's loop."""
        left = tuple(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CANCEL_S)

    async def _remembered(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.current_task()
        assert task is not None  # run_coroutine_threadsafe makes a task of every coroutine
        self._running.add(task)
        try:
            return await coroutine
        finally:
            self._running.discard(task)

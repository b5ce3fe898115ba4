"""The thread that writes all log files of one connector.

The loop hands items over and goes on. Items that wait are written together; what was written is brought to the disk as
soon as nothing more comes, a second later at the latest. So a process that is killed loses nothing that ``written`` has
returned for, and a machine that loses power loses the last second.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from maco_net.seldom_log import SeldomLog

MOST_WAITING = 10_000
"""Items that may wait for the disk; more are lost, and counted."""
MOST_WAITING_BYTES = 16 * 1024 * 1024
QUIET_S = 0.05
"""How long nothing has to come before what was written is brought to the disk."""
SYNC_AFTER_S = 1.0
END_S = 2.0
"""How long the end waits for the last items."""

_log = SeldomLog(logging.getLogger(__name__))


class Target(Protocol):
    """A log that items are written to, by the thread alone. Both methods may raise OSError."""

    def write(self, items: Sequence[Any], lost: int) -> None:
        """Write items in their order; before them, ``lost`` were lost."""

    def sync(self) -> None:
        """Bring everything to the disk, and keep no file open."""


_Handed: TypeAlias = tuple[Target, Any]


class _Asked(NamedTuple):
    """Somebody who waits until everything before is written, and for a job perhaps."""

    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    job: Callable[[], None] | None


class LogWriter:
    """Takes items from the loop, and gives them to their targets in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._news = threading.Condition()
        self._waiting: collections.deque[_Handed] = collections.deque()
        self._bytes = 0
        self._lost: collections.Counter[Target] = collections.Counter()
        self._asked: list[_Asked] = []
        self._unsynced: dict[Target, None] = {}
        self._ends = False
        self._is_running = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the block runs; what was handed over is written before it ends."""
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._ends, self._is_running = False, True
        thread.start()
        try:
            yield
        finally:
            self._is_running = False
            with self._news:
                self._ends = True
                self._news.notify()
            await asyncio.get_running_loop().run_in_executor(None, thread.join, END_S)

    def put(self, target: Target, item: Any, size: int = 0) -> None:
        """Hand an item over; it is lost if too many wait, or nobody writes."""
        with self._news:
            if not self._is_running:
                return
            if len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
                self._lost[target] += 1
                return
            self._waiting.append((target, item))
            self._bytes += size
            if len(self._waiting) == 1:
                self._news.notify()

    async def written(self) -> None:
        """Return once everything that was handed over has left this process."""
        await self._ask(None)

    async def run(self, job: Callable[[], None]) -> None:
        """Run a job in the thread once everything that was handed over is on the disk; raises what the job raises.

        The job sees files that nobody writes meanwhile. Nothing is run where nobody writes.
        """
        await self._ask(job)

    async def _ask(self, job: Callable[[], None] | None) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._news:
            if not self._is_running:
                return
            self._asked.append(_Asked(loop, done, job))
            self._news.notify()
        await done

    def _run(self) -> None:
        synced = time.monotonic()
        while True:
            batch, asked, ends = self._next()
            for target, items in _by_target(batch).items():
                self._write(target, items)
            self._answer(asked)
            if self._unsynced and (not batch or time.monotonic() - synced > SYNC_AFTER_S):
                self._sync()
                synced = time.monotonic()
            if ends and not batch:
                break

    def _next(self) -> tuple[list[_Handed], list[_Asked], bool]:
        with self._news:
            if not (self._waiting or self._asked or self._ends):
                self._news.wait(QUIET_S if self._unsynced else None)
            batch, asked = list(self._waiting), self._asked
            self._waiting.clear()
            self._bytes, self._asked = 0, []
            return batch, asked, self._ends

    def _write(self, target: Target, items: list[Any]) -> None:
        with self._news:
            lost = self._lost.pop(target, 0)
        try:
            target.write(items, lost)
            self._unsynced[target] = None
        except Exception as error:  # noqa: BLE001 - whatever it is, the other logs must go on
            _complain("written", error)
            with self._news:
                self._lost[target] += lost + len(items)

    def _answer(self, asked: list[_Asked]) -> None:
        if any(each.job for each in asked):
            self._sync()
        for each in asked:
            failure: Exception | None = None
            try:
                if each.job:
                    each.job()
            except Exception as error:  # noqa: BLE001 - it is raised where the job was given
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                each.loop.call_soon_threadsafe(_end, each.done, failure)

    def _sync(self) -> None:
        for target in self._unsynced:
            try:
                target.sync()
            except Exception as error:  # noqa: BLE001 - see above
                _complain("brought to the disk", error)
        self._unsynced.clear()


def _by_target(batch: list[_Handed]) -> dict[Target, list[Any]]:
    found: dict[Target, list[Any]] = {}
    for target, item in batch:
        found.setdefault(target, []).append(item)
    return found


def _complain(what: str, error: Exception) -> None:
    why = error.strerror if isinstance(error, OSError) else repr(error)
    _log.warning(f"log files cannot be {what}: {why}")


def _end(done: asyncio.Future[None], failure: Exception | None) -> None:
    if done.done():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)

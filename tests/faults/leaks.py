"""Count what a party could leave behind: tasks of the running loop, threads and descriptors of the process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.connector_sim.landscape import DEADLINE_S

ENDS_WITHIN_S = 5.0
"""More than what a closing connection waits for its peer."""
_DESCRIPTORS = next(folder for folder in (Path("/proc/self/fd"), Path("/dev/fd")) if folder.is_dir())


@dataclass(frozen=True)
class Held:
    """What is open at one moment."""

    tasks: int
    threads: int
    descriptors: int

    def is_within(self, before: Held) -> bool:
        """Tell whether nothing is more than before; less may be what an earlier test had left to the collector."""
        return self.tasks <= before.tasks and self.threads <= before.threads and self.descriptors <= before.descriptors


def held() -> Held:
    return Held(len(asyncio.all_tasks()), threading.active_count(), len(list(_DESCRIPTORS.iterdir())))


async def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Let the loop run until ``condition`` holds; TimeoutError if it does not within the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is many tasks' end, which sets no event
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if tasks, threads or descriptors are more behind the block than before it."""
    gc.collect()  # what earlier tests left to it must not go meanwhile
    before = held()
    yield
    after = held()
    assert after.is_within(before), f"{before} has become {after}"


@contextlib.asynccontextmanager
async def nothing_left_running() -> AsyncIterator[None]:
    """Fail unless all of it comes back, inside a running service, to what it was before the block."""
    gc.collect()  # what earlier tests left to it must not go meanwhile
    before = held()
    yield
    try:
        await until(lambda: held().is_within(before), ENDS_WITHIN_S)
    except TimeoutError:
        names = sorted(str(task.get_coro()) for task in asyncio.all_tasks())
        raise AssertionError(f"{before} has become {held()}; tasks: {names}") from None

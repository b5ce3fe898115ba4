"""The orderly end: what runs may finish up to a limit, and whoever is in a hurry says stop a second time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Drain: TypeAlias = tuple[Callable[[float], Awaitable[bool]], float]
"""What drains one party, and how many seconds it may take."""


class Draining:
    """One process's end. ``cut_short`` may be called before, during and after ``run``."""

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None
        self._is_cut_short = False

    async def run(self, *drains: Drain) -> bool:
        """Drain all at once, each up to its own limit; False if something was left."""
        if self._is_cut_short:
            return False
        try:
            async with asyncio.timeout(None) as self._scope, asyncio.TaskGroup() as tasks:
                drained = [tasks.create_task(_drain(*each)) for each in drains]
        except TimeoutError:
            return False
        finally:
            self._scope = None
        return all(each.result() for each in drained)

    def cut_short(self) -> None:
        """Wait no longer."""
        self._is_cut_short = True
        if self._scope and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())


async def _drain(drain: Callable[[float], Awaitable[bool]], limit_s: float) -> bool:
    return await drain(limit_s)


async def told_to_stop(draining: Draining) -> None:
    """Return at the first SIGINT or SIGTERM; each further one cuts the draining short."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            draining.cut_short()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told)
    await stop.wait()

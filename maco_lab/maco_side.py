"""MaCo in a running lab: polls its e-mail connections at once, then by schedule, and on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from maco_client.results import PollResult


class UnknownConnection(Exception):
    """There is no e-mail connection of this name; the text lists those that are there."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"found e-mail connection {name!r}, allowed: {', '.join(known) or 'none is defined'}")


class Polls(Protocol):
    """What polls one e-mail connection, in this process or in another one."""

    async def poll(self) -> PollResult:
        """Poll once."""


class MacoSide:
    """The e-mail connections of one MaCo tenant."""

    def __init__(self, pollers: Mapping[str, Polls], *, every_s: float) -> None:
        self._pollers = pollers
        self._every_s = every_s

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the e-mail connections, in the order of the lab file."""
        return tuple(self._pollers)

    def replace(self, pollers: Mapping[str, Polls]) -> Mapping[str, Polls]:
        """Poll by these from now on, which have the same names; return those before. What polls now goes on."""
        before, self._pollers = self._pollers, pollers
        return before

    async def poll(self, name: str) -> PollResult:
        """Poll one connection now. Raises UnknownConnection."""
        return await self._poller(name).poll()

    async def poll_all(self, names: Sequence[str] = ()) -> list[PollResult]:
        """Poll the named connections, or every one, side by side. Raises UnknownConnection."""
        pollers = [self._poller(name) for name in names or self.connections]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(poller.poll()) for poller in pollers]
        return [task.result() for task in running]

    async def run_schedule(self, report: Callable[[PollResult], None], first_round: Callable[[], None]) -> None:
        """Poll every connection at once and then each ``poll_every_s``, until cancelled.

        Each keeps a schedule of its own, so that a silent mail server holds up nobody else. ``report`` gets each
        result as it comes; ``first_round`` is called when every connection has been polled once.
        """
        waiting = set(self._pollers)
        if not waiting:
            first_round()
        async with asyncio.TaskGroup() as tasks:
            for name in self.connections:
                tasks.create_task(self._keep_polling(name, report, waiting, first_round))

    async def _keep_polling(
        self,
        name: str,
        report: Callable[[PollResult], None],
        waiting: set[str],
        first_round: Callable[[], None],
    ) -> None:
        while True:
            report(await self._pollers[name].poll())
            if name in waiting:
                waiting.remove(name)
                if not waiting:
                    first_round()
            await asyncio.sleep(self._every_s)

    def _poller(self, name: str) -> Polls:
        if name not in self._pollers:
            raise UnknownConnection(name, self.connections)
        return self._pollers[name]

"""MaCo in a running lab: polls its e-mail connections at once, then by schedule, and on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from maco_client.poller import Poller
from maco_client.results import PollResult


class UnknownConnection(Exception):
    """There is no e-mail connection of this name; the text lists those that are there."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"found e-mail connection {name!r}, allowed: {', '.join(known) or 'none is defined'}")


class MacoSide:
    """The e-mail connections of one MaCo tenant."""

    def __init__(self, pollers: Mapping[str, Poller], *, every_s: float) -> None:
        self._pollers = pollers
        self._every_s = every_s

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the e-mail connections, in the order of the lab file."""
        return tuple(self._pollers)

    async def poll(self, name: str) -> PollResult:
        """Poll one connection now. Raises UnknownConnection."""
        poller = self._pollers.get(name)
        if poller is None:
            raise UnknownConnection(name, self.connections)
        return await poller.poll()

    async def poll_all(self) -> list[PollResult]:
        """Poll every connection now, side by side; one that fails holds up none."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(poller.poll()) for poller in self._pollers.values()]
        return [task.result() for task in running]

    async def run_schedule(self, report: Callable[[PollResult], None]) -> None:
        """Poll every connection each ``poll_every_s`` until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            for result in await self.poll_all():
                report(result)

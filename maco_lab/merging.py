"""One journal from what several processes report, in the order of their clock.

Reports of two processes overtake each other on their pipes; who reads the journal relies on causes standing before
effects. Rule: a report is written down only after every process was asked, later than it was made, for what it had
reported before; each answers behind that. All processes are on one machine and share its clock.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from maco_lab.journal import Journal
from maco_wire.observation import Observation

Sync: TypeAlias = Callable[[], Awaitable[None]]
"""Returns once everything that a process had reported before was taken; bounded in time."""


class Merging:
    """Collects reports and writes them into the journal in order."""

    def __init__(
        self, journal: Journal, syncs: Callable[[], Sequence[Sync]], *, clock: Callable[[], float] = time.time
    ) -> None:
        """Write into ``journal``; ``syncs`` returns how to ask the processes that run at this moment."""
        self._journal = journal
        self._syncs = syncs
        self._clock = clock
        self._reports: list[tuple[float, int, Observation]] = []
        self._arrivals = itertools.count()
        self._news = asyncio.Event()
        self._round = asyncio.Lock()

    def take(self, at: float, observation: Observation) -> None:
        """Take a report that a process made at ``at`` (seconds since 1970).

        Nothing arrives before it was made; where it seems so, the clock was set back, and waiting for it would be long.
        """
        heapq.heappush(self._reports, (min(at, self._clock()), next(self._arrivals), observation))
        self._news.set()

    async def run(self) -> None:
        """Write down what comes until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.settle()
            if self._reports:
                self._news.set()

    async def settle(self) -> None:
        """Return once everything that was reported before this call stands in the journal."""
        async with self._round:
            until = self._clock()
            async with asyncio.TaskGroup() as tasks:
                for sync in self._syncs():
                    tasks.create_task(_awaited(sync))
            self._write_down(until)

    def finish(self) -> None:
        """Write down the rest: nobody reports any more."""
        self._write_down(float("inf"))

    def _write_down(self, until: float) -> None:
        while self._reports and self._reports[0][0] <= until:
            at, _, observation = heapq.heappop(self._reports)
            self._journal.record(observation, at=at)


async def _awaited(sync: Sync) -> None:
    await sync()

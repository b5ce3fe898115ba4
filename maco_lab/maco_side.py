"""MaCo in a running lab: polls its e-mail connections at once, then by schedule, and on demand."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from maco_client.configuration import EMAIL_CONNECTION, UnknownEntry
from maco_client.results import PollResult
from maco_client.settings import Schedule
from maco_lab.maco_model import MaCo

Report: TypeAlias = Callable[[PollResult], Awaitable[None]]
"""Told of each result as it comes; the next poll of the connection waits for it."""


class RunningMaco(Protocol):
    """One MaCo tenant, in this process or in another one. What is configured may change at any time."""

    @property
    def section(self) -> MaCo:
        """What is configured, as the section of a lab file."""

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """When each e-mail connection is polled, by its name."""

    async def poll(self, name: str) -> PollResult:
        """Poll one e-mail connection once. Raises UnknownEntry."""

    async def changed(self) -> None:
        """Return as soon as the configuration has changed."""

    async def aclose(self) -> None:
        """Close what stays open between polls."""


class MacoSide:
    """The e-mail connections of one MaCo tenant."""

    def __init__(self, maco: RunningMaco) -> None:
        self._maco = maco

    @property
    def section(self) -> MaCo:
        """What is configured now, as the section of a lab file."""
        return self._maco.section

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the e-mail connections, in the order in which they were added."""
        return tuple(self._maco.schedules)

    async def aclose(self) -> None:
        """Close the sessions that stay open between polls."""
        await self._maco.aclose()

    async def poll(self, name: str) -> PollResult:
        """Poll one connection now. Raises UnknownEntry."""
        return await self._maco.poll(name)

    async def poll_all(self, names: Sequence[str] = ()) -> list[PollResult]:
        """Poll the named connections, or every one, side by side. Raises UnknownEntry before any is polled."""
        for name in names:
            if name not in self.connections:
                raise UnknownEntry(EMAIL_CONNECTION, name, self.connections)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._maco.poll(name)) for name in names or self.connections]
        return [task.result() for task in running]

    async def run_schedule(self, report: Report, first_round: Callable[[], None]) -> None:
        """Poll every connection at once if its schedule allows it, and then by schedule, until cancelled.

        Each keeps a schedule of its own, so that a silent mail server holds up nobody else. ``report`` gets each
        result as it comes; ``first_round`` is called when all that begin at once have been polled. A connection that
        is added later is first polled when its schedule says so.
        """
        now = dt.datetime.now(dt.UTC)
        waiting = {name for name, schedule in self._maco.schedules.items() if schedule.allows(now)}
        at_once = frozenset(waiting)
        if not waiting:
            first_round()

        async def reported(result: PollResult) -> None:
            await report(result)
            if result.connection in waiting:
                waiting.remove(result.connection)
                if not waiting:
                    first_round()

        keepers: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                for name in self.connections:
                    if name not in keepers or keepers[name].done():
                        begins = name in at_once and name not in keepers
                        keepers[name] = tasks.create_task(self._keep_polling(name, reported, at_once=begins))
                await self._maco.changed()

    async def _keep_polling(self, name: str, report: Report, *, at_once: bool) -> None:
        """Poll one connection by its schedule, as it is now and as it will be, until it is gone."""
        if at_once:
            await self._poll_unless_gone(name, report)
        ended = dt.datetime.now(dt.UTC)
        while schedule := self._maco.schedules.get(name):
            if await self._changes_before(schedule.next_after(ended)):
                continue
            await self._poll_unless_gone(name, report)
            ended = dt.datetime.now(dt.UTC)

    async def _changes_before(self, due: dt.datetime | None) -> bool:
        """Wait until a poll is due, and return False; or True as soon as the configuration changes."""
        wait_s = (due - dt.datetime.now(dt.UTC)).total_seconds() if due else None
        try:
            async with asyncio.timeout(wait_s):
                await self._maco.changed()
        except TimeoutError:
            return False
        return True

    async def _poll_unless_gone(self, name: str, report: Report) -> None:
        with contextlib.suppress(UnknownEntry):
            await report(await self._maco.poll(name))

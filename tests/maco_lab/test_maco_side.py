from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping

import pytest

from maco_client.configuration import UnknownEntry
from maco_client.results import PollResult
from maco_client.settings import Schedule
from maco_lab.maco_model import MaCo
from maco_lab.maco_side import MacoSide

DEADLINE_S = 5.0
NEVER = Schedule(at="00:00", on_date=dt.date(2000, 1, 1))


class Prompt:
    """Polls at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.polls = 0
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True

    async def poll(self) -> PollResult:
        self.polls += 1
        return PollResult(self.name, succeeded=True, stage="done")


class Silent(Prompt):
    """Never comes back."""

    async def poll(self) -> PollResult:
        await asyncio.Event().wait()
        raise AssertionError


class Tenant:
    """Polls by these, and may be told to poll by others."""

    section = MaCo(client="maco")

    def __init__(self, pollers: Mapping[str, Prompt], schedules: Mapping[str, Schedule]) -> None:
        self.pollers = pollers
        self.schedules = schedules
        self._change = asyncio.Event()

    def configure(self, pollers: Mapping[str, Prompt], schedules: Mapping[str, Schedule]) -> None:
        self.pollers, self.schedules = pollers, schedules
        self._change.set()
        self._change = asyncio.Event()

    async def poll(self, name: str) -> PollResult:
        return await self.pollers[name].poll()

    async def changed(self) -> None:
        await self._change.wait()

    async def aclose(self) -> None:
        for poller in self.pollers.values():
            await poller.aclose()


def tenant(pollers: Mapping[str, Prompt], *, every_s: float) -> Tenant:
    return Tenant(pollers, dict.fromkeys(pollers, Schedule(every_s=every_s)))


def side(pollers: Mapping[str, Prompt], *, every_s: float) -> MacoSide:
    return MacoSide(tenant(pollers, every_s=every_s))


async def test_a_silent_mail_server_holds_up_no_other_connection() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    maco = side({"silent": Silent("silent"), "prompt": Prompt("prompt")}, every_s=0.001)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(results.put, lambda: None))
        told = [(await results.get()).connection for _ in range(3)]
        schedule.cancel()

    assert told == ["prompt"] * 3


async def test_the_first_round_is_over_when_every_connection_was_polled_once() -> None:
    over = asyncio.Event()
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    maco = side({name: Prompt(name) for name in ("a", "b")}, every_s=60)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(results.put, over.set))
        await over.wait()
        schedule.cancel()

    assert sorted(results.get_nowait().connection for _ in range(results.qsize())) == ["a", "b"]


async def test_a_lab_without_connections_has_had_its_first_round() -> None:
    over = asyncio.Event()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(side({}, every_s=60).run_schedule(asyncio.Queue[PollResult]().put, over.set))
        await over.wait()
        schedule.cancel()


async def test_named_connections_are_polled_and_no_other() -> None:
    pollers = {name: Prompt(name) for name in ("a", "b", "c")}

    results = await side(pollers, every_s=60).poll_all(["c", "a"])

    assert [each.connection for each in results] == ["c", "a"]
    assert pollers["b"].polls == 0


async def test_an_unknown_connection_is_told_with_those_that_are_there() -> None:
    with pytest.raises(UnknownEntry, match="'x', allowed: 'a'"):
        await side({"a": Prompt("a")}, every_s=60).poll_all(["x"])


async def test_a_poller_that_was_replaced_is_asked_no_more_and_the_schedule_goes_on_with_the_new_one() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    old, new = Prompt("a"), Prompt("a")
    maco = tenant({"a": old}, every_s=0.001)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(MacoSide(maco).run_schedule(results.put, lambda: None))
        await results.get()
        maco.configure({"a": new}, maco.schedules)
        polls = old.polls
        while not new.polls:
            await results.get()
        schedule.cancel()

    assert old.polls == polls


async def test_a_connection_that_is_added_is_polled_by_its_schedule_and_one_that_is_gone_no_more() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    old, new = Prompt("old"), Prompt("new")
    maco = tenant({"old": old}, every_s=0.001)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(MacoSide(maco).run_schedule(results.put, lambda: None))
        await results.get()
        maco.configure({"new": new}, {"new": Schedule(every_s=0.001)})
        polls = old.polls
        while new.polls < 3:
            await results.get()
        schedule.cancel()

    assert old.polls == polls


async def test_a_schedule_that_is_made_shorter_is_not_waited_out() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    poller = Prompt("a")
    maco = tenant({"a": poller}, every_s=3600)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(MacoSide(maco).run_schedule(results.put, lambda: None))
        await results.get()
        maco.configure({"a": poller}, {"a": Schedule(every_s=0.001)})
        await results.get()
        schedule.cancel()


async def test_a_connection_that_is_not_due_is_not_polled_at_the_start_and_nobody_waits_for_it() -> None:
    over = asyncio.Event()
    later, now = Prompt("later"), Prompt("now")
    maco = MacoSide(Tenant({"later": later, "now": now}, {"later": NEVER, "now": Schedule(every_s=60)}))
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(asyncio.Queue[PollResult]().put, over.set))
        await over.wait()
        schedule.cancel()

    assert (later.polls, now.polls) == (0, 1)


async def test_what_stays_open_between_polls_is_closed_with_macos_side() -> None:
    pollers = {name: Prompt(name) for name in ("a", "b")}

    await side(pollers, every_s=60).aclose()

    assert [each.is_closed for each in pollers.values()] == [True, True]

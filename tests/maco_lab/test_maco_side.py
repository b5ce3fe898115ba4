from __future__ import annotations

import asyncio

import pytest

from maco_client.results import PollResult
from maco_lab.maco_side import MacoSide, UnknownConnection

DEADLINE_S = 5.0


class Prompt:
    """Polls at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.polls = 0

    async def poll(self) -> PollResult:
        self.polls += 1
        return PollResult(self.name, succeeded=True, stage="done")


class Silent(Prompt):
    """Never comes back."""

    async def poll(self) -> PollResult:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_silent_mail_server_holds_up_no_other_connection() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    maco = MacoSide({"silent": Silent("silent"), "prompt": Prompt("prompt")}, every_s=0.001)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(results.put_nowait, lambda: None))
        told = [(await results.get()).connection for _ in range(3)]
        schedule.cancel()

    assert told == ["prompt"] * 3


async def test_the_first_round_is_over_when_every_connection_was_polled_once() -> None:
    over = asyncio.Event()
    results: list[str] = []
    maco = MacoSide({name: Prompt(name) for name in ("a", "b")}, every_s=60)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(lambda each: results.append(each.connection), over.set))
        await over.wait()
        schedule.cancel()

    assert sorted(results) == ["a", "b"]


async def test_a_lab_without_connections_has_had_its_first_round() -> None:
    over = asyncio.Event()

    await MacoSide({}, every_s=60).run_schedule(lambda _: None, over.set)

    assert over.is_set()


async def test_named_connections_are_polled_and_no_other() -> None:
    pollers = {name: Prompt(name) for name in ("a", "b", "c")}

    results = await MacoSide(pollers, every_s=60).poll_all(["c", "a"])

    assert [each.connection for each in results] == ["c", "a"]
    assert pollers["b"].polls == 0


async def test_an_unknown_connection_is_told_with_those_that_are_there() -> None:
    with pytest.raises(UnknownConnection, match="'x', allowed: a"):
        await MacoSide({"a": Prompt("a")}, every_s=60).poll_all(["x"])


async def test_a_poller_that_was_replaced_is_asked_no_more_and_the_schedule_goes_on_with_the_new_one() -> None:
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    old, new = Prompt("a"), Prompt("a")
    maco = MacoSide({"a": old}, every_s=0.001)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(results.put_nowait, lambda: None))
        await results.get()
        assert maco.replace({"a": new}) == {"a": old}
        polls = old.polls
        while not new.polls:
            await results.get()
        schedule.cancel()

    assert old.polls == polls

"""Reports of several processes become one journal in the order of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from maco_lab.journal import Journal
from maco_lab.merging import Merging
from maco_net.background import in_background
from maco_wire.observation import Party, Problem

DEADLINE_S = 5.0


class Clock:
    """Says what the test wants."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def problem(text: str) -> Problem:
    return Problem(Party.MACO, text)


def written(journal: Journal) -> list[str]:
    return [seen.text for seen in journal.of(Problem)]


async def nothing() -> None:
    """Answer at once, as a process does that has nothing to report."""


def merging(journal: Journal, *syncs: Callable[[Merging], None], now: float = 100.0) -> Merging:
    """Return a merging of processes that report what ``syncs`` say when they are asked."""
    processes = []
    for sync in syncs:

        async def ask(sync: Callable[[Merging], None] = sync) -> None:
            await asyncio.sleep(0)
            sync(merged)

        processes.append(ask)
    merged = Merging(journal, lambda: processes, clock=Clock(now))
    return merged


async def test_an_effect_that_comes_first_over_its_pipe_stands_behind_its_cause() -> None:
    journal = Journal()
    merged = merging(journal, lambda other: other.take(1.0, problem("cause")))

    merged.take(2.0, problem("effect"))
    await merged.settle()

    assert written(journal) == ["cause", "effect"]


async def test_entries_carry_the_time_of_the_process_that_reported_them() -> None:
    journal = Journal(clock=Clock(999.0))
    merged = merging(journal)

    merged.take(1.5, problem("seen"))
    await merged.settle()

    assert [entry.time for entry in journal] == [1.5]


async def test_what_is_reported_after_the_question_waits_for_the_next_one() -> None:
    """Another process may still have something older than it."""
    journal, clock = Journal(), Clock(100.0)

    async def ask() -> None:
        clock.now += 1.0
        merged.take(clock.now, problem("later"))

    merged = Merging(journal, lambda: [ask], clock=clock)

    merged.take(99.0, problem("earlier"))
    await merged.settle()

    assert written(journal) == ["earlier"]


async def test_a_report_of_the_future_is_one_of_a_clock_that_was_set_back_and_does_not_wait() -> None:
    journal = Journal()
    merged = merging(journal, now=100.0)

    merged.take(3700.0, problem("before the clock was set"))
    await merged.settle()

    assert [entry.time for entry in journal] == [100.0]


async def test_reports_of_the_same_moment_keep_the_order_of_their_arrival() -> None:
    journal = Journal()
    merged = merging(journal)

    for text in ("a", "b", "c"):
        merged.take(1.0, problem(text))
    await merged.settle()

    assert written(journal) == ["a", "b", "c"]


async def test_nothing_needs_to_be_asked_for() -> None:
    journal = Journal()
    merged = Merging(journal, lambda: [nothing])

    async with in_background(merged.run()):
        merged.take(1.0, problem("seen"))
        await journal.wait_for(lambda _: True, timeout_s=DEADLINE_S)


async def test_a_report_that_had_to_wait_is_written_down_without_another_one_coming() -> None:
    journal, clock = Journal(), Clock(100.0)
    late = iter([problem("second")])

    async def ask() -> None:
        clock.now += 1.0
        for seen in late:
            merged.take(clock.now, seen)

    merged = Merging(journal, lambda: [ask], clock=clock)

    async with in_background(merged.run()):
        merged.take(100.0, problem("first"))
        await journal.wait_for(lambda entry: entry.number == 2, timeout_s=DEADLINE_S)

    assert written(journal) == ["first", "second"]


async def test_at_the_end_the_rest_is_written_down_in_order() -> None:
    journal = Journal()
    merged = merging(journal)

    merged.take(7.0, problem("b"))
    merged.take(6.0, problem("a"))
    merged.finish()

    assert written(journal) == ["a", "b"]


async def test_a_defect_in_asking_is_not_hidden() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await Merging(Journal(), lambda: [broken]).settle()
    assert caught.value.subgroup(ZeroDivisionError) is not None

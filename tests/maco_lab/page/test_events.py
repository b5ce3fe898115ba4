"""The journal as a stream: in order, without gaps that are not told, and bounded."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

import pytest

from maco_lab.journal import Journal
from maco_lab.page import events as module
from maco_lab.page.events import Events
from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, Problem
from tests.maco_lab.page.client import PageClient


def test_a_stream_begins_with_the_run_and_what_is_there(maco_lab: Lab, page: PageClient) -> None:
    with page.events() as events:
        run, first = itertools.islice(events, 2)

    assert (run.kind, run.data["last"]) == ("run", maco_lab.running.journal.last)
    assert (first.kind, first.data["n"], first.id) == ("entry", 1, f"{run.data['run']}-1")


def test_what_happens_is_told_as_it_happens(page: PageClient) -> None:
    with page.events() as events:
        next(events)
        page.post("/api/poll", {"connections": ["way-a"]})
        kinds = itertools.takewhile(lambda kind: kind != "poll_finished", (each.data["kind"] for each in events))
        assert "starttls" in kinds


def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_twice(page: PageClient) -> None:
    with page.events() as events:
        _, *seen = itertools.islice(events, 3)
    page.post("/api/poll", {})
    with page.events(seen[-1].id) as events:
        _, *later = itertools.islice(events, 4)

    assert [each.data["n"] for each in seen + later] == [1, 2, 3, 4, 5]


def journal_of(count: int) -> Journal:
    journal = Journal()
    for number in range(count):
        journal.record(Problem(Party.MACO, f"number {number}"))
    return journal


async def first(stream: AsyncIterator[str]) -> list[tuple[str, int]]:
    """Return the kind of every event of the back-log, with the number that it tells."""
    await anext(stream)
    text = await anext(stream)
    told = [dict(line.split(": ", 1) for line in each.split("\n")) for each in text.strip().split("\n\n")]
    data = [(each["event"], json.loads(each["data"])) for each in told]
    return [(kind, each["n"] if kind == "entry" else each["missed"]) for kind, each in data]


async def test_the_back_log_is_bounded_and_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 3)
    events = Events(journal_of(10))

    assert await first(events.stream(f"{events.run}-2")) == [("gap", 5), ("entry", 8), ("entry", 9), ("entry", 10)]


async def test_a_new_client_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 2)
    assert await first(Events(journal_of(10)).stream()) == [("entry", 9), ("entry", 10)]


@pytest.mark.parametrize(
    "last", ["other-2", "2", "-", "{run}-", "{run}--1", "{run}-99", "{run}-1e1", "{run}-²", "x" * 64]
)
async def test_an_id_of_another_run_or_of_nothing_counts_for_nothing(last: str) -> None:
    events = Events(journal_of(2))

    assert await first(events.stream(last.format(run=events.run))) == [("entry", 1), ("entry", 2)]


async def test_a_silent_journal_is_told_by_a_comment() -> None:
    stream = Events(Journal(), beat_s=0.01).stream()

    assert [(await anext(stream))[:10], await anext(stream)] == ["event: run", ": still here\n\n"]
    await stream.aclose()


async def test_a_stream_that_is_closed_no_longer_listens() -> None:
    journal = Journal()
    stream = Events(journal).stream()
    await anext(stream)
    assert len(journal._listeners) == 1
    await stream.aclose()

    assert journal._listeners == []


async def test_an_entry_from_another_thread_wakes_the_stream() -> None:
    journal = Journal()
    stream = Events(journal).stream()
    await anext(stream)
    record = asyncio.to_thread(journal.record, Problem(Party.MACO, "from a thread"))
    told, _ = await asyncio.gather(anext(stream), record)

    assert "from a thread" in told
    await stream.aclose()

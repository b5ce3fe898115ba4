"""The thread that writes: what it promises about order, ends, limits and disks that do not do their part."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from connector_sim.logs import writer
from connector_sim.logs.writer import LogWriter


class Kept:
    """A target that keeps everything; it may be held up, and may fail."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.lost = 0
        self.synced = threading.Event()
        self.may_go = threading.Event()
        self.may_go.set()
        self.begun = threading.Event()
        self.failure: Exception | None = None

    def write(self, items: Sequence[Any], lost: int) -> None:
        self.begun.set()
        self.may_go.wait(10)
        if self.failure:
            raise self.failure
        self.items += items
        self.lost += lost

    def sync(self) -> None:
        self.synced.set()


async def test_what_was_handed_over_is_written_in_its_order_once_that_is_told() -> None:
    log, kept, other = LogWriter("test"), Kept(), Kept()
    async with log.running():
        for number in range(100):
            log.put(kept if number % 2 else other, number)
        await log.written()

        assert (kept.items, other.items) == (list(range(1, 100, 2)), list(range(0, 100, 2)))


async def test_it_is_brought_to_the_disk_soon_although_nothing_more_comes() -> None:
    log, kept = LogWriter("test"), Kept()
    async with log.running():
        log.put(kept, 1)

        assert await asyncio.to_thread(kept.synced.wait, 10)


async def test_the_end_writes_what_waits() -> None:
    log, kept = LogWriter("test"), Kept()
    async with log.running():
        log.put(kept, 1)
    assert (kept.items, kept.synced.is_set()) == ([1], True)
    log.put(kept, 2)
    await log.written()
    assert kept.items == [1]


async def test_a_disk_that_does_not_do_its_part_holds_up_nobody_and_what_is_too_much_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 3)
    log, kept = LogWriter("test"), Kept()
    kept.may_go.clear()
    async with log.running():
        log.put(kept, "first")
        await asyncio.to_thread(kept.begun.wait, 10)
        for number in range(5):
            log.put(kept, number)
        kept.may_go.set()
        await log.written()
        log.put(kept, "last")
        await log.written()

    assert (kept.items, kept.lost) == (["first", 0, 1, 2, "last"], 2)


async def test_large_items_wait_only_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING_BYTES", 100)
    log, kept = LogWriter("test"), Kept()
    kept.may_go.clear()
    async with log.running():
        log.put(kept, "first")
        await asyncio.to_thread(kept.begun.wait, 10)
        log.put(kept, "large", 90)
        log.put(kept, "too large", 20)
        kept.may_go.set()
        await log.written()

    assert kept.items == ["first", "large"]


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("a defect")])
async def test_what_could_not_be_written_is_counted_and_the_other_logs_go_on(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    log, full, kept = LogWriter("test"), Kept(), Kept()
    full.failure = failure
    async with log.running():
        log.put(full, 1)
        log.put(kept, 1)
        await log.written()
        full.failure = None
        log.put(full, 2)
        await log.written()

    assert (full.items, full.lost, kept.items) == ([2], 1, [1])
    assert "log files cannot be written" in caplog.text


async def test_a_job_sees_everything_on_the_disk_and_its_failure_comes_back() -> None:
    log, kept = LogWriter("test"), Kept()

    def job() -> None:
        assert (kept.items, kept.synced.is_set()) == ([1], True)
        raise FileNotFoundError("x")

    async with log.running():
        log.put(kept, 1)
        with pytest.raises(FileNotFoundError):
            await log.run(job)
        log.put(kept, 2)
        await log.written()

    assert kept.items == [1, 2]

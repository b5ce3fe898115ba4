"""A loop in a thread of its own: results and errors come back, contexts are entered and left in one task."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from maco_lab.background import BackgroundLoop, background_loop


@pytest.fixture
def own() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


async def thread_name() -> str:
    return threading.current_thread().name


def test_a_coroutine_runs_in_the_loops_thread_and_its_result_comes_back(own: BackgroundLoop) -> None:
    assert own.run(thread_name()) == "maco-lab"


def test_what_a_coroutine_raises_comes_back(own: BackgroundLoop) -> None:
    async def fail() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError, match="x"):
        own.run(fail())


def test_a_coroutine_that_takes_too_long_is_cancelled(own: BackgroundLoop) -> None:
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        own.run(hang(), timeout_s=0.01)
    assert cancelled.wait(5)


@contextlib.asynccontextmanager
async def noting(notes: list[object], *, fail_entering: bool = False, fail_leaving: bool = False) -> AsyncIterator[str]:
    notes.append(asyncio.current_task())
    if fail_entering:
        raise LookupError("entering")
    try:
        yield "value"
    finally:
        notes.append(asyncio.current_task())
        if fail_leaving:
            raise LookupError("leaving")


def test_a_context_is_entered_and_left_in_one_task(own: BackgroundLoop) -> None:
    notes: list[object] = []

    with own.enter(noting(notes)) as value:
        assert (value, len(notes)) == ("value", 1)

    assert len(notes) == 2
    assert notes[0] is notes[1]


def test_a_context_is_left_when_its_block_fails(own: BackgroundLoop) -> None:
    notes: list[object] = []
    with pytest.raises(ZeroDivisionError), own.enter(noting(notes)):
        raise ZeroDivisionError

    assert len(notes) == 2


def test_a_context_that_cannot_be_entered_raises_here(own: BackgroundLoop) -> None:
    with pytest.raises(LookupError, match="entering"), own.enter(noting([], fail_entering=True)):
        pytest.fail("the block must not run")


def test_a_context_that_cannot_be_left_raises_here(own: BackgroundLoop) -> None:
    with pytest.raises(LookupError, match="leaving"), own.enter(noting([], fail_leaving=True)):
        pass


def test_closing_ends_the_thread() -> None:
    loop = BackgroundLoop()
    assert loop._thread.is_alive()

    loop.close()

    assert not loop._thread.is_alive()
    assert loop._loop.is_closed()


def test_the_process_has_one_background_loop() -> None:
    assert background_loop() is background_loop()


def test_blocking_in_the_loops_own_thread_is_refused(own: BackgroundLoop) -> None:
    async def block() -> None:
        own.run(thread_name())

    with pytest.raises(RuntimeError, match="own thread"):
        own.run(block())


async def test_what_was_started_can_be_awaited_on_another_loop(own: BackgroundLoop) -> None:
    assert await asyncio.wrap_future(own.start(thread_name())) == "maco-lab"

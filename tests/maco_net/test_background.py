from __future__ import annotations

import asyncio

import pytest

from maco_net.background import in_background


async def _forever(ended: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def _begin(begun: asyncio.Event, ended: list[str]) -> None:
    begun.set()
    await _forever(ended, "job")


async def test_jobs_end_with_the_block() -> None:
    ended: list[str] = []
    begun = asyncio.Event()
    async with in_background(_begin(begun, ended)):
        await begun.wait()
        assert ended == []
    assert ended == ["job"]


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with in_background(_forever([], "job")):
            raise KeyError("the block's own")


async def test_a_job_that_fails_ends_the_block() -> None:
    async def failing() -> None:
        raise ValueError("the job's own")

    with pytest.raises(ExceptionGroup) as caught:
        async with in_background(failing()):
            await asyncio.Event().wait()
    assert [type(each) for each in caught.value.exceptions] == [ValueError]


async def test_cancelling_the_block_cancels_its_jobs() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def block() -> None:
        async with in_background(_begin(begun, ended)):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(block())
        await begun.wait()
        running.cancel()
    assert ended == ["job"]

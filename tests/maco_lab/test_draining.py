from __future__ import annotations

import asyncio

from maco_lab.draining import Draining


async def _for_ever(limit_s: float) -> bool:
    await asyncio.Event().wait()
    return True


async def _given(limit_s: float) -> bool:
    return limit_s > 1


async def test_each_party_has_a_limit_of_its_own() -> None:
    assert await Draining().run((_given, 2.0), (_given, 3.0))
    assert not await Draining().run((_given, 2.0), (_given, 0.5))


async def test_nothing_to_drain_is_drained() -> None:
    assert await Draining().run()


async def test_whoever_is_in_a_hurry_waits_no_longer() -> None:
    draining = Draining()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(draining.run((_for_ever, 60.0), (_given, 2.0)))
        await asyncio.sleep(0)
        draining.cut_short()
        draining.cut_short()
    assert not running.result()


async def test_a_hurry_before_the_beginning_counts_too() -> None:
    draining = Draining()
    draining.cut_short()
    assert not await draining.run((_for_ever, 60.0))


async def test_a_hurry_afterwards_changes_nothing() -> None:
    draining = Draining()
    assert await draining.run((_given, 2.0))
    draining.cut_short()

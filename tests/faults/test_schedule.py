"""Thousands of streams through the real chain: whatever each one does, no byte of any is lost, doubled or mixed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from connector_sim.on_premise.settings import SystemMapping
from maco_wire.observation import Address
from tests.connector_sim.landscape import TCP, TCPS, tls_server
from tests.faults.chains import Chain, in_one_process, in_two_processes
from tests.faults.leaks import nothing_left
from tests.faults.schedule import Plan, Story, make_plans
from tests.faults.seeds import SOAK, seeded
from tests.faults.traffic import Traffic, back_ends
from tests.faults.verdict import complaints, count_complaints

DEADLINE_S = 150
MANY, MANY_OVER_TLS, MANY_APART = (2000, 300, 500) if SOAK else (2000, 100, 200)
"""How many streams there are at once."""
OVER_TLS = tuple(story for story in Story if story is not Story.BACK_END_ENDS_FIRST)
"""A TLS session is not ended in one direction alone (design, section 4)."""


async def play(
    plans: Sequence[Plan],
    chain: Callable[[SystemMapping, Address], AbstractAsyncContextManager[Chain]],
    mapping: SystemMapping = TCP,
    tls: ssl.SSLContext | None = None,
) -> list[str]:
    """Play the schedule; return what was wrong with it."""
    traffic = Traffic(plans, ends_are_seen=tls is None)
    async with back_ends(traffic.serve, tls=tls) as address, chain(mapping, address) as running:
        await traffic.run(running.open, DEADLINE_S)
        observations = await running.observations(len(plans))
    return complaints(traffic) + count_complaints(traffic, observations)


@seeded
@pytest.mark.slow
async def test_a_hundred_streams_lose_and_mix_nothing(seed: int) -> None:
    plans = make_plans(seed, 100)
    assert await play(plans, in_one_process) == []


@seeded
@pytest.mark.slow
async def test_forty_streams_to_tls_back_ends_lose_and_mix_nothing(seed: int) -> None:
    plans = make_plans(seed, 40, OVER_TLS)
    assert await play(plans, in_one_process, TCPS, tls_server()) == []


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("many_descriptors")
@seeded
async def test_very_many_concurrent_streams_lose_and_mix_nothing_and_leave_nothing(seed: int) -> None:
    async with nothing_left():
        assert await play(make_plans(seed, MANY), in_one_process) == []


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("many_descriptors")
@seeded
async def test_many_concurrent_streams_to_tls_back_ends_lose_and_mix_nothing(seed: int) -> None:
    async with nothing_left():
        assert await play(make_plans(seed, MANY_OVER_TLS, OVER_TLS), in_one_process, TCPS, tls_server()) == []


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("many_descriptors")
@seeded
async def test_with_each_party_in_a_process_of_its_own_nothing_is_lost_or_mixed(seed: int, tmp_path: Path) -> None:
    def apart(mapping: SystemMapping, back_end: Address) -> AbstractAsyncContextManager[Chain]:
        return in_two_processes(mapping, back_end, tmp_path / "cast")

    assert await play(make_plans(seed, MANY_APART), apart) == []


def test_a_stream_that_is_altered_would_be_noticed() -> None:
    (plan,) = make_plans(1, 1, (Story.BOTH_AT_ONCE,))
    traffic = Traffic([plan], ends_are_seen=True)
    up, down = plan.up.content(), plan.down.content()
    traffic.clients[0].received.take(down[:-1] + bytes([down[-1] ^ 1]))
    traffic.servers[0].received.take(up[:-1])
    traffic.clients[0].received.ended = traffic.servers[0].received.ended = "end"
    assert [each.rpartition(": ")[2] for each in complaints(traffic)] == [
        "they are not those that were sent",
        "a part is missing",
    ]

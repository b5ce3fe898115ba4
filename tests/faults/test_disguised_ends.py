"""An end that is none must not look like one, and an end must not look like a reset: under load, through the chain."""

from __future__ import annotations

import ssl

import pytest

from connector_sim.on_premise.settings import SystemMapping
from tests.connector_sim.landscape import TCP, TCPS, back_end, landscape, tls_server
from tests.faults.chains import in_one_process
from tests.faults.schedule import Story, make_plans
from tests.faults.seeds import seeded
from tests.faults.test_ends import BESIDE, listen_all, say_and_vanish_under_tls, whole
from tests.faults.traffic import Traffic, back_ends
from tests.faults.verdict import disguised_resets

DEADLINE_S = 150
STREAMS = 400
RESETS = (Story.CLIENT_RESETS, Story.BACK_END_RESETS)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize(("mapping", "tls"), [(TCP, None), (TCPS, tls_server())], ids=["TCP", "TCPS"])
@seeded
async def test_a_reset_among_many_streams_never_looks_like_an_end(
    seed: int, mapping: SystemMapping, tls: ssl.SSLContext | None
) -> None:
    plans = make_plans(seed, STREAMS, RESETS)
    traffic = Traffic(plans, ends_are_seen=tls is None)
    async with back_ends(traffic.serve, tls=tls) as address, in_one_process(mapping, address) as chain:
        await traffic.run(chain.open, DEADLINE_S)
        observations = await chain.observations(len(plans))
    assert disguised_resets(traffic, observations) == []


async def test_a_tls_end_without_close_notify_may_be_passed_on_as_an_end_with_all_bytes_before_it() -> None:
    # design, section 4: "a setting makes it FIN"
    as_set = {"truncated_as": "end"}
    async with (
        landscape(TCPS, on_premise=as_set) as lab,
        back_end(lab, say_and_vanish_under_tls, port=993),
    ):
        tallies = await listen_all(lab, TCPS.virtual_port)
        assert [each.ended for each in tallies] == ["end"] * BESIDE
        assert all(whole(tallies))

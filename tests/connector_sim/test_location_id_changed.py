"""A location ID that is changed at run time: the tunnel moves (facts, section 2.4: "any time")."""

from __future__ import annotations

import pytest

from connector_sim.exceptions import SettingsError
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.on_premise.tunnel_settings import TunnelLife
from maco_net.errors import PeerReset
from maco_wire.observation import StreamOpened, TunnelState
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    GREETING,
    REFUSED,
    SUBACCOUNT,
    TCP,
    back_end,
    connected,
    connector,
    connector_settings,
    echo,
    landscape,
)

HOST, PORT = TCP.virtual_host, TCP.virtual_port


@pytest.mark.parametrize("connections", [1, 2])
async def test_the_old_place_is_given_up_and_the_new_one_taken(connections: int) -> None:
    life = TunnelLife(application_tunnel_connections=connections)
    async with landscape(TCP, on_premise={"tunnel": life}) as lab, back_end(lab, echo):
        assert await lab.connectors[0].change_location_id(SUBACCOUNT, "WERK2")
        await lab.seen.wait_for(TunnelState, 6)
        assert lab.cloud.registry.location_ids(SUBACCOUNT) == ["WERK2"]
        assert (await lab.dial(HOST, PORT, location_id="WERK1")).answer == REFUSED["network unreachable"]
        assert isinstance((await lab.dial(HOST, PORT, location_id="WERK2")).answer, Connected)


async def test_the_new_location_id_is_reported_from_then_on() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await lab.connectors[0].change_location_id(SUBACCOUNT, "")
        await lab.dial(HOST, PORT, location_id="")
        assert {each.location_id for each in lab.seen.of(StreamOpened)} == {""}
        assert lab.connectors[0].location_id(SUBACCOUNT) == ""


async def test_what_ran_at_the_old_place_is_cut() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        dialled = await lab.dial(HOST, PORT)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        await lab.connectors[0].change_location_id(SUBACCOUNT, "WERK2")
        with pytest.raises(PeerReset):
            await dialled.stream.receive()


async def test_a_place_that_is_taken_is_a_connect_failure_with_409() -> None:
    async with landscape(TCP, location_ids=("WERK1", "WERK2")) as lab:
        assert not await lab.connectors[0].change_location_id(SUBACCOUNT, "WERK2")
        assert lab.connectors[0].tunnels[SUBACCOUNT].state == "ConnectFailure"
        assert lab.seen.of(TunnelState)[-1].reason == "SCC handshake failed: 409 — Conflict"


async def test_a_connect_failure_is_mended_by_a_place_of_its_own() -> None:
    async with landscape(TCP) as lab:
        settings = connector_settings(lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "WERK1"), number=7)
        rival = connector(settings, lab)
        async with connected(rival):
            assert await rival.change_location_id(SUBACCOUNT, "WERK7")


async def test_a_tunnel_that_is_disconnected_stays_so_and_takes_the_new_place_when_told_to_connect() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await lab.connectors[0].disconnect()
        assert not await lab.connectors[0].change_location_id(SUBACCOUNT, "WERK2")
        assert await lab.connectors[0].connect()
        assert lab.cloud.registry.location_ids(SUBACCOUNT) == ["WERK2"]


async def test_a_location_id_that_cannot_be_is_refused_and_nothing_moves() -> None:
    async with landscape(TCP) as lab:
        with pytest.raises(SettingsError):
            await lab.connectors[0].change_location_id(SUBACCOUNT, "x" * 190)
        assert (lab.connectors[0].location_id(SUBACCOUNT), len(lab.seen.of(TunnelState))) == ("WERK1", 2)

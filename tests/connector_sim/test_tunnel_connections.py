"""A tunnel of several TLS connections, seen from both of its ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.on_premise.tunnel_settings import TunnelLife
from maco_net.errors import PeerReset
from maco_wire.observation import Party, StreamClosed, TunnelConnections, TunnelState
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    REFUSED,
    SUBACCOUNT,
    TCP,
    Dialled,
    Landscape,
    back_end,
    cloud_side,
    connected,
    connector,
    connector_settings,
    echo,
    landscape,
)

HOST, PORT = TCP.virtual_host, TCP.virtual_port
BOTH = (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)


def _life(connections: int) -> dict[str, Any]:
    return {"tunnel": TunnelLife(application_tunnel_connections=connections)}


def _counts(lab: Landscape, party: Party) -> list[int]:
    return [each.up for each in lab.seen.of(TunnelConnections, party)]


def _states(lab: Landscape, party: Party) -> list[str]:
    return [each.state for each in lab.seen.of(TunnelState, party)]


async def _seen(lab: Landscape, predicate: Callable[[], bool]) -> None:
    """Return as soon as what was reported fulfils ``predicate``."""
    async with asyncio.timeout(DEADLINE_S):
        while not predicate():
            lab.seen._news.clear()
            await lab.seen._news.wait()


async def _all_up(lab: Landscape, count: int) -> None:
    for party in BOTH:
        await _seen(lab, lambda: _counts(lab, party)[-1:] == [count])  # noqa: B023 - called before the next round


async def _dialled(lab: Landscape) -> Dialled:
    dialled = await lab.dial(HOST, PORT)
    assert await dialled.read_exactly(len(GREETING)) == GREETING
    return dialled


def _rival(lab: Landscape, *, number: int = 7, connections: int = 2, **changes: Any) -> CloudConnector:
    subaccount = SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,))
    settings = connector_settings(lab.cloud.tunnel_address, subaccount, number=number, **_life(connections) | changes)
    return connector(settings, lab)


async def test_every_connection_comes_up_and_both_ends_count_them() -> None:
    async with landscape(TCP, on_premise=_life(3)) as lab:
        await _all_up(lab, 3)
        assert [_counts(lab, party) for party in BOTH] == [[1, 2, 3], [1, 2, 3]]
        assert [_states(lab, party) for party in BOTH] == [["Connected"], ["Connected"]]
        assert lab.connectors[0].tunnels[SUBACCOUNT].connections_up == 3


async def test_a_tunnel_of_one_connection_counts_nothing() -> None:
    async with landscape(TCP) as lab:
        assert lab.seen.of(TunnelConnections) == []


async def test_streams_are_spread_over_the_connections() -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab, back_end(lab, echo):
        await _all_up(lab, 2)
        for _ in range(4):
            await _dialled(lab)
        assert [session.open_streams for session in lab.cloud.registry.sessions()] == [2, 2]


async def test_a_lost_connection_is_dialled_again_while_the_tunnel_stays_connected() -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab:
        await _all_up(lab, 2)
        lab.connectors[0].tunnels[SUBACCOUNT].cut(2)
        for party in BOTH:
            await _seen(lab, lambda: _counts(lab, party) == [1, 2, 1, 2])  # noqa: B023
        assert [_states(lab, party) for party in BOTH] == [["Connected"], ["Connected"]]


async def test_the_reason_of_a_lost_connection_is_told() -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab:
        await _all_up(lab, 2)
        lab.connectors[0].tunnels[SUBACCOUNT].cut(1)
        lost = (await lab.seen.wait_for(TunnelConnections, 3, Party.CLOUD_CONNECTOR))[2]
        assert (lost.up, lost.configured, lost.reason) == (1, 2, "cut on purpose")


async def test_the_streams_of_a_lost_connection_end_at_both_sides_and_the_others_carry_on() -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab, back_end(lab, echo):
        await _all_up(lab, 2)
        both = [await _dialled(lab), await _dialled(lab)]
        lab.connectors[0].tunnels[SUBACCOUNT].cut(1)
        async with asyncio.timeout(1):  # issue: "cut streams end on both sides within a second"
            closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {each.party for each in closed} == set(BOTH)
        with pytest.raises(PeerReset):
            await both[0].stream.receive()
        await both[1].stream.send(b"still here")
        assert await both[1].read_exactly(10) == b"still here"


async def test_new_streams_use_what_is_left() -> None:
    async with landscape(TCP, on_premise=_life(2) | {"first_reconnect_delay_s": 3600.0}) as lab, back_end(lab, echo):
        await _all_up(lab, 2)
        lab.connectors[0].tunnels[SUBACCOUNT].cut(1)
        await _all_up(lab, 1)
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_a_tunnel_is_disconnected_when_its_last_connection_is_lost() -> None:
    async with landscape(TCP, on_premise=_life(2) | {"first_reconnect_delay_s": 3600.0}) as lab:
        await _all_up(lab, 2)
        for number in (2, 1):
            lab.connectors[0].tunnels[SUBACCOUNT].cut(number)
        for party in BOTH:
            await _seen(lab, lambda: _states(lab, party) == ["Connected", "Disconnected"])  # noqa: B023
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["network unreachable"]


async def test_all_connections_come_back_after_all_were_lost() -> None:
    async with landscape(TCP, on_premise=_life(3)) as lab:
        await _all_up(lab, 3)
        lab.connectors[0].tunnels[SUBACCOUNT].cut()
        await _seen(lab, lambda: _states(lab, Party.CONNECTIVITY) == ["Connected", "Disconnected", "Connected"])
        await _all_up(lab, 3)


async def test_a_first_connection_that_is_refused_lets_no_other_try() -> None:
    async with landscape(TCP) as lab:
        async with connected(_rival(lab, connections=3)):
            pass
        refused = [each for each in lab.seen.of(TunnelState) if each.state == "ConnectFailure"]
        assert [each.reason for each in refused] == ["SCC handshake failed: 409 — Conflict"]


async def test_the_same_installation_replaces_all_connections_of_its_own_dead_tunnel_at_once() -> None:
    async with landscape(TCP, on_premise=_life(2) | {"first_reconnect_delay_s": 3600.0}) as lab:
        await _all_up(lab, 2)
        async with connected(_rival(lab, number=0)):
            states = await lab.seen.wait_for(TunnelState, 3, Party.CONNECTIVITY)
            assert [(each.state, each.reason) for each in states[:3]] == [
                ("Connected", ""),
                ("Disconnected", "replaced by a newer tunnel"),
                ("Connected", ""),
            ]


@pytest.mark.parametrize("connections", [1, 2])
async def test_a_foreign_installation_wins_by_the_setting_and_keeps_the_place(connections: int) -> None:
    async with (
        cloud_side(replace_foreign_tunnel=True) as lab,
        connected(_rival(lab, number=1)),
        connected(_rival(lab, number=2, connections=connections)),
    ):
        # The one that lost dials again, is refused, and does not throw out its successor.
        refused = await lab.seen.wait_for(TunnelState, 4, Party.CLOUD_CONNECTOR)
        assert refused[-1].reason == "SCC handshake failed: 409 — Conflict"
        assert _states(lab, Party.CONNECTIVITY) == ["Connected", "Disconnected", "Connected"]


@pytest.mark.parametrize("connections", [1, 2])
async def test_a_foreign_installation_is_refused_without_the_setting(connections: int) -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab:
        await _all_up(lab, 2)
        rival = _rival(lab, connections=connections)
        async with connected(rival):
            assert (rival.tunnels[SUBACCOUNT].state, len(lab.cloud.registry.sessions())) == ("ConnectFailure", 2)


async def test_disconnecting_ends_every_connection() -> None:
    async with landscape(TCP, on_premise=_life(2)) as lab:
        await _all_up(lab, 2)
        await lab.connectors[0].disconnect()
        await lab.cloud.registry.emptied()
        assert (lab.connectors[0].tunnels[SUBACCOUNT].connections_up, lab.cloud.registry.sessions()) == (0, [])

"""Two connectors of one installation pair over real sockets, with intervals of hundredths of a second."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from certs.trust import client_context
from connector_sim.http_client import JsonClient
from connector_sim.on_premise.ha.link import ROLE, Link, Role
from connector_sim.on_premise.ha.node import NONE_CONNECTED, HaNode, SwitchRefused
from connector_sim.on_premise.ha.settings import HaSettings
from maco_net.errors import NetError, PeerReset
from maco_wire.observation import HaState, TunnelState
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    CAST,
    DEADLINE_S,
    GREETING,
    REFUSED,
    SUBACCOUNT,
    TCP,
    TCPS,
    Landscape,
    back_end,
    cloud_side,
    echo,
)
from tests.connector_sim.pairs import ha_node, ha_trust

HOST, PORT = TCP.virtual_host, TCP.virtual_port
SHORT = HaSettings(check_interval_s=0.02, takeover_delay_s=0.02, connect_timeout_ms=5000, request_timeout_ms=5000)
CALM = HaSettings(check_interval_s=3600, takeover_delay_s=3600)


@contextlib.asynccontextmanager
async def _running(node: HaNode) -> AsyncIterator[HaNode]:
    async with node.running():
        async with asyncio.timeout(DEADLINE_S):
            await node.settled.wait()
        yield node


@contextlib.asynccontextmanager
async def _pair(settings: HaSettings = SHORT) -> AsyncIterator[tuple[Landscape, HaNode, HaNode]]:
    async with cloud_side() as lab, _running(ha_node(lab, "master", settings)) as master:
        shadow = ha_node(lab, "shadow", settings, peer=master.address)
        master.link.address = shadow.address
        async with _running(shadow):
            await _until(lab, lambda: shadow.state == "READY")
            yield lab, master, shadow


async def _until(lab: Landscape, predicate: Callable[[], bool]) -> None:
    """Return as soon as what the parties report makes ``predicate`` true."""
    async with asyncio.timeout(DEADLINE_S):
        while not predicate():
            lab.seen._news.clear()
            await lab.seen._news.wait()


def _history(lab: Landscape, role: Role) -> list[str]:
    return [each.state for each in lab.seen.of(HaState) if each.role == role]


async def test_only_the_master_has_a_tunnel() -> None:
    async with _pair(CALM) as (lab, master, shadow):
        assert [each.connector.tunnels[SUBACCOUNT].state for each in (master, shadow)] == ["Connected", "Disconnected"]
        assert (_history(lab, "master"), _history(lab, "shadow")) == (
            ["ALONE", "BINDING", "CONNECTED"],
            ["INITIAL", "HANDSHAKE", "INITSYNC", "READY"],
        )


async def test_the_shadow_receives_the_masters_configuration() -> None:
    async with _pair(CALM) as (_, master, shadow):
        assert shadow.connector.mappings(SUBACCOUNT) == master.connector.mappings(SUBACCOUNT) == (TCP,)


async def test_what_changes_on_the_master_reaches_the_shadow_with_the_next_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _pair() as (_, master, shadow):
        moved = asyncio.Event()
        change = shadow.connector.change_location_id

        async def note(subaccount: str, location_id: str) -> bool:
            moved.set()
            return await change(subaccount, location_id)

        monkeypatch.setattr(shadow.connector, "change_location_id", note)
        master.connector.expose(SUBACCOUNT, (TCP, TCPS))
        await master.connector.change_location_id(SUBACCOUNT, "WERK2")
        async with asyncio.timeout(DEADLINE_S):
            await moved.wait()
        assert (shadow.connector.location_id(SUBACCOUNT), shadow.connector.mappings(SUBACCOUNT)) == (
            "WERK2",
            (TCP, TCPS),
        )


async def test_a_shadow_takes_over_from_a_master_that_was_killed() -> None:
    async with _pair() as (lab, master, shadow), back_end(lab, echo):
        await master.kill()
        await _until(lab, lambda: shadow.role == "master")
        assert _history(lab, "shadow")[-1] == "LOST"
        told = lab.seen.of(HaState)[-1]
        assert (told.role, told.state, told.reason.partition(":")[0]) == ("master", "ALONE", "the master was lost")
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_a_master_that_lives_is_not_taken_over_from() -> None:
    async with _pair() as (lab, master, shadow):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):  # fifteen intervals
                await _until(lab, lambda: shadow.role == "master")
        assert (master.role, shadow.role, shadow.state) == ("master", "shadow", "READY")


async def test_a_shadow_that_can_connect_no_subaccount_stays_a_shadow() -> None:
    async with _pair() as (lab, master, shadow):
        lab.cloud.close()  # no new tunnel comes in
        await master.kill()
        await _until(lab, lambda: any(each.state == "ConnectFailure" for each in lab.seen.of(TunnelState)))
        await lab.seen.wait_for(TunnelState, 5)
        assert (shadow.role, shadow.state) == ("shadow", "LOST")


async def test_switching_makes_each_what_the_other_was_and_aborts_what_runs() -> None:
    async with _pair(CALM) as (lab, master, shadow), back_end(lab, echo):
        dialled = await lab.dial(HOST, PORT)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        await master.switch()
        with pytest.raises(PeerReset):
            await dialled.stream.receive()
        await _until(lab, lambda: (master.state, shadow.state) == ("READY", "CONNECTED"))
        assert (master.role, shadow.role) == ("shadow", "master")
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_a_switch_and_back_again_ends_as_it_began() -> None:
    async with _pair(CALM) as (lab, master, shadow):
        await master.switch()
        await _until(lab, lambda: (master.state, shadow.state) == ("READY", "CONNECTED"))
        await shadow.switch()
        await _until(lab, lambda: (master.state, shadow.state) == ("CONNECTED", "READY"))
        assert master.connector.tunnels[SUBACCOUNT].state == "Connected"


async def test_a_switch_is_refused_when_the_shadow_can_connect_no_subaccount() -> None:
    async with _pair(CALM) as (lab, master, shadow):
        lab.cloud.close()
        with pytest.raises(SwitchRefused, match=NONE_CONNECTED):
            await master.switch()
        assert (master.role, shadow.role, shadow.state) == ("master", "shadow", "READY")
        assert master.connector.tunnels[SUBACCOUNT].state == "Connected"


async def test_a_forced_switch_is_not_refused() -> None:
    async with _pair(CALM) as (lab, master, shadow):
        lab.cloud.close()
        await master.switch(force=True)
        await _until(lab, lambda: (master.role, shadow.role) == ("shadow", "master"))


async def test_a_master_without_a_shadow_switches_only_by_force() -> None:
    async with cloud_side() as lab, _running(ha_node(lab, "master", CALM)) as master:
        with pytest.raises(SwitchRefused, match="no shadow is connected: ALONE"):
            await master.switch()
        await master.switch(force=True)
        assert (master.role, master.connector.tunnels[SUBACCOUNT].state) == ("shadow", "Disconnected")


async def test_a_shadow_does_not_switch() -> None:
    async with _pair(CALM) as (_, __, shadow):
        with pytest.raises(SwitchRefused, match="only a master"):
            await shadow.switch()


async def test_a_second_shadow_is_declined() -> None:
    async with _pair(CALM) as (lab, master, _):
        second = ha_node(lab, "shadow", CALM, peer=master.address)
        second.name = second.link._name = "another"
        async with _running(second):
            assert second.state == "DISCONNECTED"
            assert second.message == "the shadow scc shadow is bound already, and only one is supported"


async def test_a_shadow_that_leaves_takes_over_no_more() -> None:
    async with _pair() as (lab, master, shadow):
        shadow.leave()
        await _until(lab, lambda: (master.state, shadow.state) == ("ALONE", "DISCONNECTED"))
        shadow.bind()
        await _until(lab, lambda: (master.state, shadow.state) == ("CONNECTED", "READY"))


async def test_a_shadow_that_is_lost_breaks_the_pair() -> None:
    async with _pair() as (lab, master, shadow):
        await shadow.kill()
        await _until(lab, lambda: master.state == "BROKEN")
        assert master.connector.tunnels[SUBACCOUNT].state == "Connected"


async def test_a_master_that_starts_again_becomes_the_shadow_of_the_one_that_took_over() -> None:
    async with _pair() as (lab, master, shadow):
        await master.kill()
        await _until(lab, lambda: shadow.role == "master")
        async with _running(ha_node(lab, "master", SHORT, peer=shadow.address)) as again:
            await _until(lab, lambda: (again.state, shadow.state) == ("READY", "CONNECTED"))
            assert again.connector.tunnels[SUBACCOUNT].state == "Disconnected"


async def test_of_two_masters_the_former_one_steps_down_when_the_network_recovers() -> None:
    async with _pair() as (lab, master, shadow):
        away, shadow.link.address = shadow.link.address, ("127.0.0.1", 1)  # the shadow does not reach the master
        way_back, master.link.address = master.link.address, None  # nor the master the shadow
        await _until(lab, lambda: shadow.role == "master")
        assert master.role == "master"
        shadow.link.address, master.link.address = away, way_back
        await _until(lab, lambda: (master.role, master.state, shadow.state) == ("shadow", "READY", "CONNECTED"))


async def test_whoever_has_no_certificate_of_the_connectors_authority_is_not_heard() -> None:
    async with _pair(CALM) as (_, master, __):
        stranger = JsonClient(ha_trust(client=False).client, "localhost", DEADLINE_S, DEADLINE_S)
        with pytest.raises(NetError):
            await stranger.post(master.address, ROLE, {"name": "stranger"})


async def test_a_master_that_shows_another_certificate_is_not_believed() -> None:
    async with _pair(CALM) as (_, master, __):
        other = client_context([CAST.cloud_root.certificate], check_hostname=True)
        client = JsonClient(other, "localhost", DEADLINE_S, DEADLINE_S)
        with pytest.raises(NetError):
            await Link(client, "scc shadow", master.address).check()
        assert other.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/ha/role", []),
        ("/ha/role", {}),
        ("/ha/role", {"name": 1}),
        ("/ha/role", {"name": ""}),
        ("/ha/role", {"name": "x" * 201}),
        ("/ha/handshake", {"name": "x"}),
        ("/ha/handshake", {"name": "x", "address": ["host"]}),
        ("/ha/handshake", {"name": "x", "address": ["host", 65_536]}),
        ("/ha/handshake", {"name": "x", "address": ["h" * 201, 1]}),
        ("/", {"name": "x"}),
    ],
)
async def test_what_is_no_message_of_a_pair_is_refused(path: str, content: object) -> None:
    async with cloud_side() as lab, _running(ha_node(lab, "master", CALM)) as master:
        client = JsonClient(ha_trust().client, "localhost", DEADLINE_S, DEADLINE_S)
        status, answer = await client.post(master.address, path, content)
        assert (400 <= status < 500, list(answer)) == (True, ["error"])  # type: ignore[call-overload]
        assert master.state == "ALONE"


async def test_nobody_reaches_the_cloud_through_a_shadow() -> None:
    async with cloud_side() as lab, _running(ha_node(lab, "shadow", CALM)):
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["network unreachable"]

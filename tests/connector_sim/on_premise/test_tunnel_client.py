from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import SubaccountSettings
from maco_net.background import in_background
from maco_net.errors import PeerReset
from maco_net.listener import Listener
from maco_net.tcp import TcpStream
from maco_wire.observation import Handshake, Party, StreamClosed, TunnelState
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    CAST,
    GREETING,
    SUBACCOUNT,
    TCP,
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


def _states(lab: Landscape, party: Party = Party.CLOUD_CONNECTOR) -> list[str]:
    return [each.state for each in lab.seen.of(TunnelState, party)]


def _connector(lab: Landscape, address: tuple[str, int], **changes: Any) -> CloudConnector:
    return connector(connector_settings(address, SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,)), **changes), lab)


@contextlib.asynccontextmanager
async def _forwarder(lab: Landscape) -> AsyncIterator[_Forwarder]:
    """Stand between connector and cloud, so that the way can be broken and mended."""
    forwarder = _Forwarder(lab)
    try:
        async with in_background(forwarder.listener.serve(forwarder.serve)):
            yield forwarder
    finally:
        forwarder.listener.close()


class _Forwarder:
    def __init__(self, lab: Landscape) -> None:
        self.listener = Listener("127.0.0.1", 0)
        self.is_open = True
        self.attempts = 0
        self._lab = lab

    async def serve(self, stream: TcpStream) -> None:
        from maco_net.tcp import connect_tcp

        self.attempts += 1
        if not self.is_open:
            stream.abort()
            return
        onward = await connect_tcp(*self._lab.cloud.tunnel_address, timeout_s=1)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(stream, onward))
                tasks.create_task(_copy(onward, stream))
        finally:
            onward.abort()


async def _copy(source: TcpStream, sink: TcpStream) -> None:
    with contextlib.suppress(PeerReset):
        while data := await source.receive():
            await sink.send(data)
        await sink.send_eof()


async def test_a_tunnel_that_is_up_is_connected_at_both_ends() -> None:
    async with landscape(TCP) as lab:
        assert lab.connectors[0].tunnels[SUBACCOUNT].state == "Connected"
        assert (_states(lab), _states(lab, Party.CONNECTIVITY)) == (["Connected"], ["Connected"])


async def test_both_ends_report_the_handshake_of_the_tunnel() -> None:
    async with landscape(TCP) as lab:
        (client,) = lab.seen.of(Handshake, Party.CLOUD_CONNECTOR)
        (server,) = lab.seen.of(Handshake, Party.CONNECTIVITY)
        assert (client.local, client.version, client.cipher) == (server.peer, server.version, server.cipher)
        assert client.verified_against == "Cloud Connector's view of the cloud"


async def test_a_first_attempt_that_fails_stays_a_connect_failure() -> None:
    async with cloud_side() as lab, _forwarder(lab) as way:
        way.is_open = False
        each = _connector(lab, way.listener.address)
        async with connected(each):
            assert (each.tunnels[SUBACCOUNT].state, way.attempts) == ("ConnectFailure", 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):  # ten times the delay of a reconnect
                    await lab.seen.wait_for(TunnelState, 2)


async def test_a_connect_failure_ends_when_the_connector_is_told_to_connect() -> None:
    async with cloud_side() as lab, _forwarder(lab) as way:
        way.is_open = False
        each = _connector(lab, way.listener.address)
        async with connected(each):
            way.is_open = True
            each.tunnels[SUBACCOUNT].connect()
            await lab.seen.wait_for(TunnelState, 2, Party.CLOUD_CONNECTOR)
            assert _states(lab) == ["ConnectFailure", "Connected"]


async def test_a_refusal_is_told_with_its_status() -> None:
    async with landscape(TCP) as lab:
        second = _connector(lab, lab.cloud.tunnel_address)
        rival = connector(
            connector_settings(lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "WERK1"), number=7), lab
        )
        async with connected(rival):
            assert lab.seen.of(TunnelState)[-1].reason == "SCC handshake failed: 409 — Conflict"
        assert second.settings.installation_id == "installation-0"


async def test_a_connector_that_does_not_trust_the_cloud_reports_why() -> None:
    async with cloud_side() as lab:
        settings = connector_settings(
            lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "WERK1"), tunnel_host="other.lab.example"
        )
        async with connected(connector(settings, lab)):
            (seen,) = lab.seen.of(Handshake, Party.CLOUD_CONNECTOR)
            assert (seen.verify_code, seen.alert_sent, seen.verified_against) == (62, "bad_certificate", "")
            assert _states(lab) == ["ConnectFailure"]


async def test_a_certificate_that_the_cloud_refuses_makes_the_handshake_a_failed_one() -> None:
    async with cloud_side() as lab:
        each = _connector(lab, lab.cloud.tunnel_address)
        CAST.system_certificate.configure_client(each.tunnels[SUBACCOUNT]._dialer.context)
        async with connected(each):
            (seen,) = lab.seen.of(Handshake, Party.CLOUD_CONNECTOR)
            assert (seen.succeeded, seen.alert_received) == (False, "unknown_ca")


async def test_a_tunnel_that_is_cut_is_dialled_again() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        lab.connectors[0].tunnels[SUBACCOUNT].cut()
        await lab.seen.wait_for(TunnelState, 3, Party.CLOUD_CONNECTOR)
        await lab.seen.wait_for(TunnelState, 3, Party.CONNECTIVITY)
        assert _states(lab) == ["Connected", "Disconnected", "Connected"]
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_the_reason_of_a_cut_is_told() -> None:
    async with landscape(TCP) as lab:
        lab.connectors[0].tunnels[SUBACCOUNT].cut()
        _, lost, *_ = await lab.seen.wait_for(TunnelState, 2, Party.CLOUD_CONNECTOR)
        assert lost.reason == "cut on purpose"


async def test_a_cut_ends_the_streams_at_both_ends() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        dialled = await lab.dial(HOST, PORT)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        lab.connectors[0].tunnels[SUBACCOUNT].cut()
        with pytest.raises(PeerReset):
            await dialled.stream.receive()
        closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {each.party for each in closed} == {Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}


async def test_a_tunnel_that_had_been_up_is_tried_as_often_as_set() -> None:
    async with cloud_side() as lab, _forwarder(lab) as way:
        each = _connector(lab, way.listener.address, max_reconnect_attempts=3, longest_reconnect_delay_s=0.01)
        async with connected(each):
            way.is_open = False
            each.tunnels[SUBACCOUNT].cut()
            await lab.seen.wait_for(TunnelState, 5, Party.CLOUD_CONNECTOR)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await lab.seen.wait_for(TunnelState, 6, Party.CLOUD_CONNECTOR)
            assert _states(lab) == ["Connected", "Disconnected", *["ConnectFailure"] * 3]


async def test_the_delay_doubles_up_to_the_longest() -> None:
    async with cloud_side() as lab:
        each = _connector(lab, ("127.0.0.1", 1), first_reconnect_delay_s=0.5, longest_reconnect_delay_s=60.0)
        delays = [each.tunnels[SUBACCOUNT].delay_before(attempts) for attempts in (0, 1, 2, 6, 7, 8, 150)]
    # design, section 4: "exponential back-off up to 60 s"
    assert delays == [0.5, 1.0, 2.0, 32.0, 60.0, 60.0, 60.0]


async def test_an_orderly_end_is_seen_at_both_ends() -> None:
    async with cloud_side() as lab:
        async with connected(_connector(lab, lab.cloud.tunnel_address)):
            pass
        await lab.seen.wait_for(TunnelState, 2, Party.CONNECTIVITY)
        assert (_states(lab)[-1], _states(lab, Party.CONNECTIVITY)[-1]) == ("Disconnected", "Disconnected")
        assert lab.cloud.registry.find(SUBACCOUNT, "WERK1") is None


async def test_one_subaccount_that_fails_leaves_the_others_up() -> None:
    async with cloud_side() as lab:
        settings = connector_settings(
            lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "A"), SubaccountSettings("unknown", "A")
        )
        each = connector(settings, lab)
        async with connected(each):
            states = {name: tunnel.state for name, tunnel in each.tunnels.items()}
            assert states == {SUBACCOUNT: "Connected", "unknown": "ConnectFailure"}


async def test_a_tunnel_that_was_disconnected_stays_down_until_told_to_connect() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        tunnel = lab.connectors[0].tunnels[SUBACCOUNT]
        await tunnel.disconnect()
        await lab.cloud.registry.emptied()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):  # ten times the delay of a reconnect
                await lab.seen.wait_for(TunnelState, 3, Party.CLOUD_CONNECTOR)
        assert lab.seen.of(TunnelState, Party.CLOUD_CONNECTOR)[-1].reason == "disconnected by the administrator"

        tunnel.connect()
        await tunnel.tried.wait()
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_a_tunnel_that_was_disconnected_twice_is_dialled_once() -> None:
    async with landscape(TCP) as lab:
        tunnel = lab.connectors[0].tunnels[SUBACCOUNT]
        await tunnel.disconnect()
        await tunnel.disconnect()
        tunnel.connect()
        await tunnel.tried.wait()
        assert _states(lab) == ["Connected", "Disconnected", "Connected"]


async def test_a_tunnel_that_waits_for_its_next_try_is_disconnected_at_once() -> None:
    async with cloud_side() as lab, _forwarder(lab) as way:
        each = _connector(lab, way.listener.address, first_reconnect_delay_s=3600, longest_reconnect_delay_s=3600)
        async with connected(each):
            tunnel = each.tunnels[SUBACCOUNT]
            tunnel.cut()
            await lab.seen.wait_for(TunnelState, 2, Party.CLOUD_CONNECTOR)
            async with asyncio.timeout(1):
                await tunnel.disconnect()
            assert (tunnel.state, way.attempts) == ("Disconnected", 1)


async def test_a_tunnel_tells_since_when_it_is_connected() -> None:
    # facts, section 2.3: "ms when connected, `0` when disconnected"
    async with cloud_side() as lab:
        settings = connector_settings(lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,)))
        each = connector(settings, lab, clock=lambda: 1_700_000_000.5)
        tunnel = each.tunnels[SUBACCOUNT]
        assert tunnel.connected_since_ms == 0
        async with connected(each):
            assert tunnel.connected_since_ms == 1_700_000_000_500
            await tunnel.disconnect()
            assert tunnel.connected_since_ms == 0


async def test_disconnecting_ends_a_connect_failure() -> None:
    async with landscape(TCP) as lab:
        rival = _connector(lab, lab.cloud.tunnel_address, installation_id="another")
        async with connected(rival):
            tunnel = rival.tunnels[SUBACCOUNT]
            states = [tunnel.state]
            await tunnel.disconnect()
            assert [*states, tunnel.state] == ["ConnectFailure", "Disconnected"]


async def test_an_attempt_that_hangs_is_broken_off_by_disconnecting() -> None:
    async def say_nothing(stream: TcpStream) -> None:
        await stream.receive()
        await asyncio.Event().wait()

    async with cloud_side() as lab:
        silent = Listener("127.0.0.1", 0)
        each = _connector(lab, silent.address)
        async with in_background(silent.serve(say_nothing)), each.running():
            await asyncio.sleep(0)
            async with asyncio.timeout(1):  # the attempt itself would take ten seconds
                await each.disconnect()
            assert each.tunnels[SUBACCOUNT].state == "Disconnected"


async def test_a_tunnel_that_is_not_wanted_waits_to_be_told() -> None:
    async with cloud_side() as lab:
        settings = connector_settings(lab.cloud.tunnel_address, SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,)))
        each = connector(settings, lab, connects=False)
        async with each.running():
            await each.disconnect()  # returns once the tunnel is at rest
            assert lab.seen.of(TunnelState) == []
            assert await each.connect()

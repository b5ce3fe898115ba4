"""The orderly end of each side: nothing new, what runs may finish up to a limit, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connector_sim.on_premise.tunnel_settings import TunnelLife
from maco_net.errors import NetError, PeerReset
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_wire.observation import Party, StreamClosed, TunnelState
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    REFUSED,
    SUBACCOUNT,
    TCP,
    TCPS,
    Dialled,
    Landscape,
    back_end,
    echo,
    landscape,
    tls_server,
)
from tests.faults.leaks import nothing_left_running

HOST, PORT = TCP.virtual_host, TCP.virtual_port
SIDES = pytest.mark.parametrize("side", ["cloud", "on premise"])


@contextlib.asynccontextmanager
async def _running(*, connections: int = 1) -> AsyncIterator[Landscape]:
    life = TunnelLife(application_tunnel_connections=connections)
    async with landscape(TCP, on_premise={"tunnel": life}) as lab, back_end(lab, echo):
        yield lab


async def _drain(lab: Landscape, side: str, limit_s: float) -> bool:
    return await (lab.cloud.drain(limit_s) if side == "cloud" else lab.connectors[0].drain(limit_s))


@contextlib.asynccontextmanager
async def _draining(lab: Landscape, side: str) -> AsyncIterator[asyncio.Task[bool]]:
    """Drain a side while the block runs."""
    async with asyncio.TaskGroup() as tasks:
        yield tasks.create_task(_drain(lab, side, DEADLINE_S))


async def _dialled(lab: Landscape) -> Dialled:
    dialled = await lab.dial(HOST, PORT)
    assert await dialled.read_exactly(len(GREETING)) == GREETING
    return dialled


async def _said_back(dialled: Dialled, data: bytes) -> bytes:
    await dialled.stream.send(data)
    return await dialled.read_exactly(len(data))


@SIDES
async def test_a_side_with_nothing_open_is_drained_at_once(side: str) -> None:
    async with _running() as lab:
        assert await _drain(lab, side, 0)


@SIDES
async def test_a_client_that_has_opened_nothing_is_not_waited_for(side: str) -> None:
    async with _running() as lab:
        await lab.raw()
        assert await _drain(lab, side, 0)


@SIDES
async def test_what_runs_may_finish(side: str) -> None:
    async with _running() as lab:
        dialled = await _dialled(lab)
        async with _draining(lab, side) as draining:
            assert await _said_back(dialled, b"while draining") == b"while draining"
            assert not draining.done()
            await dialled.stream.send_eof()
            assert await dialled.read_all() == b""
        assert draining.result()


@SIDES
async def test_what_takes_longer_than_the_limit_is_told(side: str) -> None:
    async with _running() as lab:
        await _dialled(lab)
        assert not await _drain(lab, side, 0.01)


async def test_nothing_new_is_opened_while_the_connector_drains() -> None:
    async with _running() as lab:
        dialled = await _dialled(lab)
        async with _draining(lab, "on premise"):
            await _said_back(dialled, b"behind the go-away")
            assert (await lab.dial(HOST, PORT)).answer == REFUSED["network unreachable"]
            await dialled.stream.aclose()


async def test_the_listeners_of_a_cloud_side_that_drains_are_closed() -> None:
    async with _running() as lab:
        dialled = await _dialled(lab)
        async with _draining(lab, "cloud"):
            await _said_back(dialled, b"x")
            for address in (lab.cloud.socks5_address, lab.cloud.token_address, lab.cloud.tunnel_address):
                with pytest.raises(NetError):
                    await connect_tcp(*address, timeout_s=DEADLINE_S)
            await dialled.stream.aclose()


async def test_a_tunnel_that_drains_is_not_dialled_again_when_it_is_lost() -> None:
    async with _running() as lab:
        tunnel = lab.connectors[0].tunnels[SUBACCOUNT]
        await lab.connectors[0].drain(0)
        tunnel.cut()
        await lab.seen.wait_for(TunnelState, 2, Party.CLOUD_CONNECTOR)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):  # ten times the delay of a reconnect
                await lab.seen.wait_for(TunnelState, 3, Party.CLOUD_CONNECTOR)


async def test_what_is_left_is_cut_at_both_sides_at_the_end() -> None:
    async with _running() as lab:
        dialled = await _dialled(lab)
        await lab.connectors[0].drain(0)
        await lab.connectors[0].disconnect()
        async with asyncio.timeout(1):  # issue: "cut streams end on both sides within a second"
            closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {each.ended_by for each in closed} <= {"reset", "shutdown"}
        with pytest.raises(PeerReset):
            await dialled.stream.receive()


async def test_a_tunnel_disconnected_with_draining_waits_for_what_runs() -> None:
    async with _running(connections=2) as lab:
        dialled = await _dialled(lab)
        tunnel = lab.connectors[0].tunnels[SUBACCOUNT]
        async with asyncio.TaskGroup() as tasks:
            ending = tasks.create_task(tunnel.disconnect("maintenance", drain_s=DEADLINE_S))
            assert await _said_back(dialled, b"while draining") == b"while draining"
            await dialled.stream.send_eof()
            assert await dialled.read_all() == b""
            await ending
        assert (tunnel.state, tunnel.connections_up) == ("Disconnected", 0)
        assert lab.seen.of(TunnelState, Party.CLOUD_CONNECTOR)[-1].reason == "maintenance"
        assert [each.ended_by for each in await lab.seen.wait_for(StreamClosed, 2)] == ["end", "end"]


@pytest.mark.parametrize(("drain_s", "is_reset"), [(0.0, True), (DEADLINE_S, False)], ids=["cut", "drained"])
async def test_only_a_tunnel_that_is_cut_ends_by_a_reset(drain_s: float, is_reset: bool) -> None:
    async with _running() as lab:
        await lab.connectors[0].tunnels[SUBACCOUNT].disconnect(drain_s=drain_s)
        lost = (await lab.seen.wait_for(TunnelState, 2, Party.CONNECTIVITY))[1]
        assert ("reset" in lost.reason.lower()) is is_reset


async def test_the_administrators_disconnect_cuts_all_at_once() -> None:
    async with _running() as lab:
        dialled = await _dialled(lab)
        await lab.connectors[0].tunnels[SUBACCOUNT].disconnect()
        with pytest.raises(PeerReset):
            await dialled.stream.receive()


async def test_a_large_answer_that_was_under_way_arrives_whole() -> None:
    answer = bytes(range(256)) * 20_000

    async def pour(stream: ByteStream) -> None:
        await stream.send(answer)
        await stream.send_eof()

    async with landscape(TCP) as lab, back_end(lab, pour):
        dialled = await lab.dial(HOST, PORT)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lab.connectors[0].tunnels[SUBACCOUNT].disconnect(drain_s=DEADLINE_S))
            await dialled.stream.send_eof()
            assert await dialled.read_all() == answer


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc, which this system has not")
@pytest.mark.parametrize("limit_s", [0, DEADLINE_S], ids=["cut", "drained"])
async def test_no_task_socket_or_thread_is_left_after_the_end(limit_s: float) -> None:
    async with landscape(TCP):
        pass  # what is opened once and kept, such as the resolver's, is there from now on
    life = TunnelLife(application_tunnel_connections=3)
    async with (
        nothing_left_running(),  # other labs of this process may have a poll under way at the one moment or the other
        landscape(TCP, TCPS, on_premise={"tunnel": life}) as lab,
        back_end(lab, echo),
        back_end(lab, echo, port=993, tls=tls_server()),
    ):
        both = [await _dialled(lab), await lab.dial(TCPS.virtual_host, TCPS.virtual_port)]
        idle = await lab.raw()
        async with asyncio.TaskGroup() as tasks:
            draining = [tasks.create_task(_drain(lab, side, limit_s)) for side in ("cloud", "on premise")]
            for dialled in both if limit_s else ():
                await dialled.stream.aclose()
        assert [each.result() for each in draining] == [bool(limit_s)] * 2
        await idle.aclose()

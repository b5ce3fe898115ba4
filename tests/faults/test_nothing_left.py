"""A full start, all kinds of traffic, and a stop: tasks, threads and descriptors are as many as before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    REFUSED,
    TCP,
    TCPS,
    Landscape,
    back_end,
    echo,
    landscape,
    read_all,
    tls_server,
)
from tests.faults.good_clients import gets_a_token, is_served_by_the_chain
from tests.faults.leaks import nothing_left
from tests.faults.raw_yamux import raw_connector, tls_to

Traffic = Callable[[Landscape, contextlib.AsyncExitStack], Awaitable[None]]


async def orderly(lab: Landscape, _: contextlib.AsyncExitStack) -> None:
    await is_served_by_the_chain(lab)
    await gets_a_token(lab.cloud.token_address)
    dialled = await lab.dial(TCPS.virtual_host, TCPS.virtual_port)
    assert await dialled.read_exactly(len(GREETING)) == GREETING
    await dialled.stream.aclose()


async def refused(lab: Landscape, _: contextlib.AsyncExitStack) -> None:
    assert (await lab.dial("other.virtual", 1)).answer == REFUSED["forbidden"]
    assert (await lab.dial(TCP.virtual_host, 143, location_id="x")).answer == REFUSED["network unreachable"]
    await lab.dial(TCP.virtual_host, 143, token="a.b.c")


async def streams_that_still_run(lab: Landscape, _: contextlib.AsyncExitStack) -> None:
    for port in (TCP.virtual_port, TCPS.virtual_port) * 5:
        dialled = await lab.dial(TCP.virtual_host, port)
        assert isinstance(dialled.answer, Connected)


async def clients_in_the_middle(lab: Landscape, stack: contextlib.AsyncExitStack) -> None:
    for address in (lab.cloud.socks5_address, lab.cloud.token_address, lab.cloud.tunnel_address):
        stream = await connect_tcp(*address, timeout_s=DEADLINE_S)
        stack.push_async_callback(stream.aclose)
        await stream.send(b"\x05" if address == lab.cloud.socks5_address else b"\x16\x03\x01")
    await stack.enter_async_context(tls_to(lab.cloud.tunnel_address))
    await stack.enter_async_context(raw_connector(lab.cloud.tunnel_address, location_id="WERK2"))


@pytest.mark.parametrize("traffic", [orderly, refused, streams_that_still_run, clients_in_the_middle])
async def test_a_start_traffic_and_a_stop_leave_nothing(traffic: Traffic) -> None:
    async with (
        nothing_left(),
        contextlib.AsyncExitStack() as clients,
        landscape(TCP, TCPS) as lab,
        back_end(lab, echo),
        back_end(lab, echo, port=993, tls=tls_server()),
    ):
        await traffic(lab, clients)


@pytest.mark.parametrize("port", [TCP.virtual_port, TCPS.virtual_port], ids=["TCP", "TCPS"])
async def test_a_stop_cuts_what_still_runs_at_both_ends(port: int) -> None:
    cut = asyncio.Event()

    async def serve(stream: ByteStream) -> None:
        await stream.send(GREETING)
        with contextlib.suppress(NetError):
            await read_all(stream)
        cut.set()

    async with contextlib.AsyncExitStack() as outlasting:
        async with landscape(TCP, TCPS) as lab:
            tls = tls_server() if port == TCPS.virtual_port else None
            await outlasting.enter_async_context(back_end(lab, serve, port=port, tls=tls))
            dialled = await lab.dial(TCP.virtual_host, port)
            assert await dialled.read_exactly(len(GREETING)) == GREETING
            lab.dialled.clear()  # this client does not close before the service does
        outlasting.push_async_callback(dialled.stream.aclose)
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(NetError):
                assert await dialled.stream.receive() == b""
            await cut.wait()

"""Garbage and dawdlers at the listener between master and shadow: the other one of the pair is answered anyway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_sim.http_client import JsonClient
from connector_sim.on_premise.ha.link import HANDSHAKE, ROLE
from connector_sim.on_premise.ha.node import HaNode
from connector_sim.on_premise.ha.settings import HaSettings
from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_net.tls import start_tls
from tests.connector_sim.landscape import DEADLINE_S, Landscape, cloud_side
from tests.connector_sim.pairs import SERVER_NAME, ha_node, ha_trust
from tests.faults.garbage import bounded, client_hello, cut_then_noise
from tests.faults.leaks import nothing_left, nothing_left_running
from tests.faults.test_garbage import throw_at
from tests.faults.test_slow_loris import MANY, STEP_S, dawdle

pytestmark = pytest.mark.slow

CALM = HaSettings(check_interval_s=3600, takeover_delay_s=3600, connect_timeout_ms=5000, request_timeout_ms=500)
QUICK = {"tunnel_connect_s": (STEP_S - 0.5) / 2, "tunnel_handshake_s": (STEP_S - 0.5) / 2}
"""A request may take as long as taking over: request_timeout_ms and both of these, so ``STEP_S``."""

HEAD = f"POST {HANDSHAKE} HTTP/1.1\r\nHost: t\r\nContent-Length: "
TO_BIND = '{"name": "scc shadow", "address": ["127.0.0.1", 65536]}'
REQUEST = f"{HEAD}{len(TO_BIND)}\r\n\r\n{TO_BIND}".encode()
"""Nearly a shadow's: no port has this number."""

Connect = Callable[[HaNode], contextlib.AbstractAsyncContextManager[ByteStream]]


@contextlib.asynccontextmanager
async def running_master() -> AsyncIterator[tuple[Landscape, HaNode]]:
    async with cloud_side() as lab:
        master = ha_node(lab, "master", CALM, own=QUICK)
        async with master.running():
            async with asyncio.timeout(DEADLINE_S):
                await master.settled.wait()
            yield lab, master


async def is_answered(master: HaNode) -> None:
    """Ask as the other one of the pair does."""
    client = JsonClient(ha_trust().client, SERVER_NAME, DEADLINE_S, DEADLINE_S)
    assert await client.post(master.address, ROLE, {"name": "scc shadow"}) == (200, {"role": "master"})


@contextlib.asynccontextmanager
async def by_tls(master: HaNode) -> AsyncIterator[ByteStream]:
    """Dial as the other one does, with a certificate of the connectors' own authority."""
    plain = await connect_tcp(*master.address, timeout_s=DEADLINE_S)
    tls = await start_tls(plain, ha_trust().client, server_name=SERVER_NAME, timeout_s=DEADLINE_S)
    try:
        yield tls
    finally:
        tls.abort()


@contextlib.asynccontextmanager
async def in_clear(master: HaNode) -> AsyncIterator[ByteStream]:
    plain = await connect_tcp(*master.address, timeout_s=DEADLINE_S)
    try:
        yield plain
    finally:
        await plain.aclose()


async def all_are_survived(send: Callable[[HaNode, bytes], Awaitable[None]], thrown: list[bytes]) -> None:
    async with nothing_left(), running_master() as (_, master):
        await is_answered(master)
        async with nothing_left_running():
            for garbage in thrown:
                await send(master, garbage)
        await is_answered(master)
        assert master.state == "ALONE", "nothing of it was taken for a shadow"


@bounded
@given(st.lists(cut_then_noise(client_hello()), max_size=8))
async def test_garbage_instead_of_tls_between_master_and_shadow_is_survived(thrown: list[bytes]) -> None:
    async def send(master: HaNode, garbage: bytes) -> None:
        await throw_at(master.address, garbage)

    await all_are_survived(send, thrown)


@bounded
@given(st.lists(cut_then_noise(REQUEST, REQUEST.replace(b"65536", b"false")), max_size=8))
async def test_garbage_inside_the_tls_between_master_and_shadow_is_survived(thrown: list[bytes]) -> None:
    async def send(master: HaNode, garbage: bytes) -> None:
        with contextlib.suppress(NetError):
            async with by_tls(master) as tls:
                await tls.send(garbage)
                await tls.aclose()

    await all_are_survived(send, thrown)


@pytest.mark.parametrize(
    ("connect", "first", "slow"),
    [
        (in_clear, b"", client_hello()),
        (by_tls, b"", b"POST /" + b"x" * 5000),
        (by_tls, f"{HEAD}5000\r\n\r\n".encode(), b" " * 5000),
    ],
    ids=["TLS ClientHello", "HTTP head", "HTTP body"],
)
async def test_dawdlers_between_master_and_shadow_are_cut_off_and_the_other_one_is_answered_meanwhile(
    connect: Connect, first: bytes, slow: bytes
) -> None:
    async def one(master: HaNode) -> None:
        async with connect(master) as stream:
            await stream.send(first)
            await dawdle(stream, slow)

    async with running_master() as (_, master):
        await is_answered(master)
        async with nothing_left_running(), asyncio.TaskGroup() as tasks:
            for _ in range(MANY):
                tasks.create_task(one(master))
            await is_answered(master)

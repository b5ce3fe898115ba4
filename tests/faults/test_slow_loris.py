"""Peers that send one byte now and then, many at once: each deadline is for the whole step, and nobody else waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connector_sim.tunnel.session import SessionSettings
from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_wire.observation import Address
from tests.connector_sim.cloud.socks_messages import connect_message, token_message
from tests.connector_sim.landscape import DEADLINE_S, TCP, Landscape, back_end, echo, landscape
from tests.faults.garbage import client_hello
from tests.faults.good_clients import gets_a_token, is_served_by_the_chain
from tests.faults.leaks import nothing_left_running
from tests.faults.raw_yamux import ACK, GO_AWAY, PING, SYN, UPGRADE, Frame, frame, raw_connector, tls_to

pytestmark = pytest.mark.slow

MANY = 30
NOW_AND_THEN_S = 0.02
STEP_S = 1.0  # longer than a good client takes, however busy the machine
SHORT: dict[str, Any] = {"negotiation_s": STEP_S, "tunnel_handshake_s": STEP_S, "http_s": STEP_S}
QUICK_PINGS = SessionSettings(ping_interval_s=0.1, ping_timeout_s=0.2)


async def dawdle(stream: ByteStream, message: bytes) -> None:
    """Send ``message`` byte by byte, again and again, until the peer has had enough."""
    async with asyncio.timeout(DEADLINE_S):
        with contextlib.suppress(NetError):
            while True:
                for position in range(len(message)):
                    if await _is_over(stream):
                        return
                    await stream.send(message[position : position + 1])


async def _is_over(stream: ByteStream) -> bool:
    """Listen for a while; tell whether the peer has ended the connection."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(NOW_AND_THEN_S):
            while await stream.receive():
                pass
        return True
    return False


@contextlib.asynccontextmanager
async def dawdlers(address: Address, first: bytes, slow: bytes) -> AsyncIterator[None]:
    """Run many of them beside the block; all of them must have been cut off in the end."""

    async def one() -> None:
        stream = await connect_tcp(*address, timeout_s=DEADLINE_S)
        try:
            await stream.send(first)
            await dawdle(stream, slow)
        finally:
            await stream.aclose()

    async with nothing_left_running(), asyncio.TaskGroup() as tasks:
        for _ in range(MANY):
            tasks.create_task(one())
        yield


def socks5_port(lab: Landscape) -> Address:
    return lab.cloud.socks5_address


def tunnel_port(lab: Landscape) -> Address:
    return lab.cloud.tunnel_address


def token_port(lab: Landscape) -> Address:
    return lab.cloud.token_address


LONG_TOKEN = token_message("a.b." + "c" * 5000)
HELLO = client_hello()


@pytest.mark.parametrize(
    ("port", "first", "slow"),
    [
        (socks5_port, b"", b"\x05" + bytes([255]) + bytes(255)),
        (socks5_port, b"\x05\x01\x80", LONG_TOKEN),
        (tunnel_port, b"", HELLO),
        (token_port, b"", b"GET /" + b"x" * 5000),
        (token_port, b"POST /oauth/token HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n", b"x" * 5000),
    ],
    ids=["SOCKS methods", "SOCKS token", "TLS ClientHello", "HTTP head", "HTTP body"],
)
async def test_dawdlers_are_cut_off_and_good_clients_are_served_meanwhile(
    port: Callable[[Landscape], Address], first: bytes, slow: bytes
) -> None:
    async with landscape(TCP, **SHORT) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with dawdlers(port(lab), first, slow):
            await is_served_by_the_chain(lab)
            await gets_a_token(lab.cloud.token_address)


async def test_a_dawdler_behind_a_good_token_is_cut_off() -> None:
    async with landscape(TCP, **SHORT) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        first = b"\x05\x01\x80" + token_message(lab.token())
        async with dawdlers(lab.cloud.socks5_address, first, connect_message("x" * 255)):
            await is_served_by_the_chain(lab)


async def test_dawdlers_that_take_all_places_are_cut_off_and_the_good_client_gets_one() -> None:
    async with (
        landscape(TCP, **SHORT, max_connections=MANY) as lab,
        back_end(lab, echo),
        dawdlers(lab.cloud.socks5_address, b"\x05\x01\x80", LONG_TOKEN),
    ):
        await is_served_by_the_chain(lab)


async def test_a_dawdler_with_the_upgrade_is_cut_off() -> None:
    async with landscape(TCP, **SHORT) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with nothing_left_running(), tls_to(lab.cloud.tunnel_address) as tls, asyncio.TaskGroup() as tasks:
            tasks.create_task(dawdle(tls, (UPGRADE % ("WERK2", "x" * 189)).encode()[:-2]))
            await is_served_by_the_chain(lab)


async def test_a_peer_that_falls_silent_inside_a_frame_is_given_up_when_it_answers_no_ping() -> None:
    async with landscape(TCP, session=QUICK_PINGS) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with nothing_left_running(), raw_connector(lab.cloud.tunnel_address, location_id="WERK2") as peer:
            await peer.send(frame(PING, SYN, 0, 1)[:7])
            await is_served_by_the_chain(lab)
            assert {each.kind for each in await peer.frames_until_the_end()} <= {PING, GO_AWAY}


async def test_a_dawdler_inside_the_tunnel_is_in_nobodys_way() -> None:
    slow = frame(PING, SYN, 0, 1)
    async with landscape(TCP) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with nothing_left_running(), raw_connector(lab.cloud.tunnel_address, location_id="WERK2") as peer:
            for position in range(len(slow)):
                await peer.send(slow[position : position + 1])
                await is_served_by_the_chain(lab)
            assert await peer.read_frame() == Frame(PING, ACK, 0, 1)

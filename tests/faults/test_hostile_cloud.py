"""A cloud side that sends garbage: the connector survives it, dials again, and serves what is in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import SubaccountSettings
from maco_net.errors import NetError
from maco_net.tls import TlsStream
from maco_wire.observation import Address
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    SUBACCOUNT,
    TCP,
    Landscape,
    Seen,
    back_end,
    connected,
    connector,
    connector_settings,
    echo,
)
from tests.faults.garbage import bounded, breaches, cut_then_noise, frames
from tests.faults.leaks import nothing_left
from tests.faults.raw_yamux import (
    DATA,
    FIN,
    GO_AWAY,
    PROTOCOL_ERROR,
    SWITCHING,
    SYN,
    Frame,
    RawCloud,
    RawPeer,
    data,
    frame,
    upgraded,
)

HOST = TCP.virtual_host.encode()
OPEN_REQUEST = b"\x01" + TCP.virtual_port.to_bytes(2, "big") + bytes([len(HOST)]) + HOST + b"\x01t"
ACCEPTED = b"\x01\x00"


@dataclass
class Premises:
    """What a connector needs of a landscape."""

    seen: Seen = field(default_factory=Seen)
    names: dict[tuple[str, int], Address] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def connector_of(cloud: RawCloud) -> AsyncIterator[CloudConnector]:
    """Run a connector with an echoing back end against a cloud side made by hand."""
    premises = cast("Landscape", Premises())
    settings = connector_settings(cloud.address, SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,)))
    each = connector(settings, premises)
    async with cloud.running(), back_end(premises, echo), connected(each):
        yield each


class GoodScript:
    """Open a stream to the echoing back end and let it echo; ``done`` is set once it did."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def __call__(self, tls: TlsStream) -> None:
        peer = await upgraded(tls)
        await peer.send(data(1, OPEN_REQUEST, SYN))
        answered = await read_payload(peer, len(ACCEPTED + GREETING))
        assert answered == ACCEPTED + GREETING
        await peer.send(data(1, b"a1 NOOP\r\n", FIN))
        assert await read_payload(peer, 9) == b"a1 NOOP\r\n"
        self.done.set()
        await peer.frames_until_the_end()


async def read_payload(peer: RawPeer, count: int) -> bytes:
    payload = b""
    while len(payload) < count:
        found = await peer.read_frame()
        assert found is not None
        payload += found.payload
    return payload


async def serves_behind(*scripts: Callable[[TlsStream], Awaitable[None]]) -> None:
    """Play the scripts, one for each connection; the connector must come back and serve the good one behind them."""
    good = GoodScript()
    async with nothing_left(), connector_of(RawCloud(*scripts, good)):
        async with asyncio.timeout(DEADLINE_S):
            await good.done.wait()


async def play(garbage: bytes, tls: TlsStream) -> None:
    peer = await upgraded(tls)
    with contextlib.suppress(NetError):
        await peer.send(garbage)


@bounded
@given(frames)
@pytest.mark.slow
async def test_garbage_inside_a_tunnel_is_survived(garbage: bytes) -> None:
    await serves_behind(lambda tls: play(garbage, tls))


@bounded
@given(cut_then_noise(OPEN_REQUEST))
@pytest.mark.slow
async def test_garbage_instead_of_an_open_request_ends_that_stream_alone(garbage: bytes) -> None:
    async def script(tls: TlsStream) -> None:
        peer = await upgraded(tls)
        await peer.send(data(1, garbage, SYN | FIN) + data(3, OPEN_REQUEST, SYN | FIN))
        answered = b""
        async with asyncio.timeout(DEADLINE_S):
            while not answered.startswith(ACCEPTED + GREETING):
                found = await peer.read_frame()
                assert found is not None
                answered += found.payload if found.stream_id == 3 else b""
        good.set()

    good = asyncio.Event()
    async with nothing_left(), connector_of(RawCloud(script)):
        async with asyncio.timeout(DEADLINE_S):
            await good.wait()


@pytest.mark.parametrize("breach", breaches(theirs=1, ours=2).values(), ids=breaches(theirs=1, ours=2).keys())
async def test_a_breach_ends_the_tunnel_with_protocol_error(breach: bytes) -> None:
    last: list[Frame] = []

    async def script(tls: TlsStream) -> None:
        peer = await upgraded(tls)
        await peer.send(breach)
        last.extend(await peer.frames_until_the_end())

    await serves_behind(script)
    assert last[-1] == Frame(GO_AWAY, 0, 0, PROTOCOL_ERROR)


@pytest.mark.parametrize("count", range(1, 12))
async def test_a_tunnel_cut_inside_a_header_is_dialled_again(count: int) -> None:
    await serves_behind(lambda tls: play(frame(DATA, SYN, 1, 5)[:count], tls))


@bounded
@given(st.binary(max_size=300) | cut_then_noise(SWITCHING, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"))
@pytest.mark.slow
async def test_garbage_instead_of_the_answer_is_a_connect_failure(garbage: bytes) -> None:
    async def script(tls: TlsStream) -> None:
        with contextlib.suppress(NetError):
            await tls.send(garbage)

    assume(SWITCHING not in garbage)
    async with nothing_left(), connector_of(RawCloud(script)) as each:
        assert each.tunnels[SUBACCOUNT].state == "ConnectFailure"

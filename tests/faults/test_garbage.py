"""Garbage and broken-off input at each listener: no defect is logged, nothing is left, and good clients are served."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_net.errors import HandshakeError, NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_wire.observation import Address, TunnelState
from tests.connector_sim.cloud.socks_messages import connect_message, token_message
from tests.connector_sim.landscape import (
    DEADLINE_S,
    TCP,
    Landscape,
    back_end,
    cloud_side,
    echo,
    landscape,
    read_all,
)
from tests.faults.garbage import bounded, breaches, client_hello, cut_then_noise, frames
from tests.faults.good_clients import gets_a_token, is_served_by_the_chain
from tests.faults.leaks import nothing_left, nothing_left_running
from tests.faults.raw_yamux import (
    FIN,
    GO_AWAY,
    PROTOCOL_ERROR,
    RST,
    SYN,
    UPGRADE,
    WINDOW_UPDATE,
    Frame,
    frame,
    raw_connector,
    tls_to,
)

Send = Callable[[Landscape, bytes], Awaitable[None]]

FORM = (
    b"POST /oauth/token HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n0\r\n\r\n"
)


async def throw(stream: ByteStream, garbage: bytes) -> None:
    """Send, end our direction, and take whatever is answered until the peer ends."""
    with contextlib.suppress(NetError):
        await stream.send(garbage)
        await stream.send_eof()
        await read_all(stream)


async def throw_at(address: Address, garbage: bytes) -> None:
    stream = await connect_tcp(*address, timeout_s=DEADLINE_S)
    await throw(stream, garbage)
    await stream.aclose()


async def all_are_survived(send: Send, thrown: list[bytes]) -> None:
    """Throw at a running landscape; good clients are served behind it, and nothing is left."""
    async with nothing_left(), landscape(TCP, tunnel_handshake_s=0.5) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with nothing_left_running():
            for garbage in thrown:
                await send(lab, garbage)
        await is_served_by_the_chain(lab)
        await gets_a_token(lab.cloud.token_address)


@pytest.mark.slow
@bounded
@given(st.lists(cut_then_noise(b"\x05\x01\x80", b"\x05\x01\x80" + token_message("a.b.c")), max_size=8))
async def test_garbage_at_the_socks_port_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        await throw_at(lab.cloud.socks5_address, garbage)

    await all_are_survived(send, thrown)


@pytest.mark.slow
@bounded
@given(st.lists(cut_then_noise(connect_message(), b"\x05\x02\x00\x01", b"\x05\x01\x00\x04"), max_size=8))
async def test_garbage_behind_a_good_token_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        await throw_at(lab.cloud.socks5_address, b"\x05\x01\x80" + token_message(lab.token()) + garbage)

    await all_are_survived(send, thrown)


@pytest.mark.slow
@bounded
@given(st.lists(cut_then_noise(FORM, b"GET /token_keys HTTP/1.1\r\nHost: t\r\n\r\n"), max_size=8))
async def test_garbage_at_the_token_service_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        await throw_at(lab.cloud.token_address, garbage)

    await all_are_survived(send, thrown)


@pytest.mark.slow
@bounded
@given(st.lists(cut_then_noise(client_hello()), max_size=8))
async def test_garbage_at_the_tunnel_port_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        await throw_at(lab.cloud.tunnel_address, garbage)

    await all_are_survived(send, thrown)


@pytest.mark.slow
@bounded
@given(st.lists(cut_then_noise((UPGRADE % ("WERK2", "raw")).encode()), max_size=6))
async def test_garbage_instead_of_an_upgrade_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        with contextlib.suppress(HandshakeError):
            async with tls_to(lab.cloud.tunnel_address) as tls:
                await tls.send(garbage)
                await tls.aclose()

    await all_are_survived(send, thrown)


@pytest.mark.slow
@bounded
@given(st.lists(frames, max_size=6))
async def test_garbage_inside_a_tunnel_is_survived(thrown: list[bytes]) -> None:
    async def send(lab: Landscape, garbage: bytes) -> None:
        async with raw_connector(lab.cloud.tunnel_address, location_id="WERK2") as peer:
            with contextlib.suppress(NetError):
                await peer.send(garbage)
            await peer.stream.aclose()

    await all_are_survived(send, thrown)


@pytest.mark.parametrize("breach", breaches(theirs=2, ours=1).values(), ids=breaches(theirs=2, ours=1).keys())
async def test_a_breach_ends_the_tunnel_with_protocol_error_and_no_other_tunnel(breach: bytes) -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await is_served_by_the_chain(lab)
        async with nothing_left_running(), raw_connector(lab.cloud.tunnel_address, location_id="WERK2") as peer:
            await peer.send(breach)
            assert (await peer.frames_until_the_end())[-1] == Frame(GO_AWAY, 0, 0, PROTOCOL_ERROR)
        await is_served_by_the_chain(lab)


async def test_a_stream_that_a_connector_opens_is_refused_and_the_tunnel_goes_on() -> None:
    # design, section 4: "The cloud side opens the streams"; spec.md: "… or with the RST flag to reject the stream"
    async with cloud_side() as lab, raw_connector(lab.cloud.tunnel_address) as peer:
        await peer.send(frame(WINDOW_UPDATE, SYN, 2, 0))
        found = await peer.read_frame()
        while found is not None and not found.flags & RST:
            assert not found.flags & FIN
            found = await peer.read_frame()
        assert (found and found.stream_id) == 2
        assert [each.state for each in lab.seen.of(TunnelState)] == ["Connected"]

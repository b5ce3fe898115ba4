"""Ends of streams under load: what was sent before an end arrives, and an end that is none does not look like one."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from maco_net.errors import PeerReset, PeerTruncated
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_wire.observation import Party, StreamClosed
from tests.connector_sim.landscape import (
    DEADLINE_S,
    TCP,
    TCPS,
    Dialled,
    Landscape,
    back_end,
    landscape,
    read_all,
    tls_server,
)
from tests.faults.payloads import Payload, Tally, receive_into
from tests.faults.traffic import read_exactly

SIZE = 900_000  # bytes: more than the windows of both ends
BESIDE = 8
"""How many streams do the same at once."""


async def say_and_close(stream: ByteStream) -> None:
    """Be a back end that says a payload of its own to each client and is gone at once."""
    number = (await read_exactly(stream, 1))[0]
    await stream.send(Payload(f"{number}", SIZE).content())
    await stream.aclose()


async def say_and_vanish_under_tls(stream: ByteStream) -> None:
    """Do the server's part of TLS on a plain connection, and end that without close_notify."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_server().wrap_bio(incoming, outgoing, server_side=True)
    await _drive(stream, incoming, outgoing, tls.do_handshake)
    number = bytearray(1)
    await _drive(stream, incoming, outgoing, lambda: tls.read(1, number))
    tls.write(Payload(f"{number[0]}", SIZE).content())
    await stream.send(outgoing.read())
    await stream.aclose()


async def _drive(
    stream: ByteStream, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, step: Callable[[], object]
) -> None:
    while True:
        try:
            step()
        except ssl.SSLWantReadError:
            await stream.send(outgoing.read())
            incoming.write(await stream.receive())
        else:
            await stream.send(outgoing.read())
            return


async def listen(lab: Landscape, port: int, number: int) -> Tally:
    """Dial, and read slowly, in small pieces."""
    dialled = await lab.dial(TCP.virtual_host, port)
    await dialled.stream.send(bytes([number]))
    tally = Tally()
    tally.take(dialled.first)
    async with asyncio.timeout(2 * DEADLINE_S):
        await receive_into(dialled.stream, tally, read=5000)
    return tally


async def listen_all(lab: Landscape, port: int) -> list[Tally]:
    async with asyncio.TaskGroup() as tasks:
        listening = [tasks.create_task(listen(lab, port, number)) for number in range(BESIDE)]
    return [each.result() for each in listening]


def whole(tallies: list[Tally]) -> list[bool]:
    return [tally.is_all_of(Payload(f"{number}", SIZE)) for number, tally in enumerate(tallies)]


async def test_all_bytes_arrive_from_back_ends_that_close_at_once() -> None:
    async with landscape(TCP) as lab, back_end(lab, say_and_close):
        tallies = await listen_all(lab, TCP.virtual_port)
        assert [each.ended for each in tallies] == ["end"] * BESIDE
        assert all(whole(tallies))


async def test_all_bytes_arrive_from_tls_back_ends_that_close_at_once() -> None:
    async with landscape(TCPS) as lab, back_end(lab, say_and_close, port=993, tls=tls_server()):
        tallies = await listen_all(lab, TCPS.virtual_port)
        assert [each.ended for each in tallies] == ["end"] * BESIDE
        assert all(whole(tallies))


async def test_a_tls_end_without_close_notify_is_recorded_as_truncated_and_reaches_maco_as_a_reset() -> None:
    # design, section 4: "recorded as truncated and ends the stream as RST"
    async with landscape(TCPS) as lab, back_end(lab, say_and_vanish_under_tls, port=993):
        tallies = await listen_all(lab, TCPS.virtual_port)
        closed = await lab.seen.wait_for(StreamClosed, BESIDE, Party.CLOUD_CONNECTOR)
        assert {each.ended_by for each in closed} == {"truncated"}
        assert [each.ended for each in tallies] == ["reset"] * BESIDE
        assert all(tally.is_a_prefix_of(Payload(f"{number}", SIZE)) for number, tally in enumerate(tallies))


async def dial_and_say(lab: Landscape, port: int, said: bytes) -> Dialled:
    dialled = await lab.dial(TCP.virtual_host, port)
    await dialled.stream.send(said)
    return dialled


async def test_all_bytes_of_a_client_that_closes_at_once_arrive() -> None:
    content = Payload("up", SIZE).content()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(stream: ByteStream) -> None:
        await arrived.put(await read_all(stream))

    async with landscape(TCP) as lab, back_end(lab, serve):
        for _ in range(3):
            dialled = await dial_and_say(lab, TCP.virtual_port, content)
            await dialled.stream.aclose()
            async with asyncio.timeout(DEADLINE_S):
                assert await arrived.get() == content


# Resets


def ends_as_none(port: int) -> type[Exception] | tuple[type[Exception], ...]:
    """Under TLS a reset may be seen as the truncation that it is as well."""
    return PeerReset if port == TCP.virtual_port else (PeerReset, PeerTruncated)


@contextlib.asynccontextmanager
async def chain(serve: Callable[[ByteStream], Awaitable[None]], port: int) -> AsyncIterator[Landscape]:
    tls = tls_server() if port == TCPS.virtual_port else None
    async with landscape(TCP, TCPS) as lab, back_end(lab, serve, port=port, tls=tls):
        yield lab


both_protocols = pytest.mark.parametrize("port", [TCP.virtual_port, TCPS.virtual_port], ids=["TCP", "TCPS"])


@both_protocols
async def test_a_reset_of_the_client_reaches_the_back_end_as_no_end(port: int) -> None:
    seen: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def serve(stream: ByteStream) -> None:
        try:
            await read_all(stream)
            await seen.put(None)
        except (PeerReset, PeerTruncated) as error:
            await seen.put(error)

    async with chain(serve, port) as lab:
        dialled = await dial_and_say(lab, port, b"a1 NO")
        dialled.stream.abort()
        async with asyncio.timeout(DEADLINE_S):
            assert isinstance(await seen.get(), ends_as_none(port))
        closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {each.ended_by for each in closed} == {"reset"}


@both_protocols
@pytest.mark.parametrize("client_ends", [False, True], ids=["client open", "client ended"])
async def test_a_reset_of_the_back_end_reaches_the_client_as_a_reset(port: int, client_ends: bool) -> None:
    async def serve(stream: ByteStream) -> None:
        await read_exactly(stream, 1)
        if client_ends and isinstance(stream, TcpStream):
            await read_all(stream)
        stream.abort()

    async with chain(serve, port) as lab:
        dialled = await dial_and_say(lab, port, b"a")
        if client_ends:
            await dialled.stream.send_eof()
        with pytest.raises(PeerReset):
            await dialled.read_all()
        closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {each.ended_by for each in closed} == {"reset"}


async def test_a_reset_reaches_the_back_end_that_has_said_its_end() -> None:
    seen: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def serve(stream: ByteStream) -> None:
        await stream.send(b"all")
        await stream.send_eof()
        try:
            await read_all(stream)
            await seen.put(None)
        except PeerReset as error:
            await seen.put(error)

    async with chain(serve, TCP.virtual_port) as lab:
        dialled = await lab.dial(TCP.virtual_host, TCP.virtual_port)
        assert await dialled.read_all() == b"all"
        dialled.stream.abort()
        async with asyncio.timeout(DEADLINE_S):
            assert isinstance(await seen.get(), PeerReset)

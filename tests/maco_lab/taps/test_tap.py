"""The two ends of a tapped connection cannot tell the tap from a wire; it keeps every byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from maco_lab.taps.copies import Copies
from maco_lab.taps.ends import Ends
from maco_lab.taps.tap import Tap
from maco_net.background import in_background
from maco_net.errors import ConnectError, PeerReset
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp

DEADLINE_S = 10.0


class Wire:
    """A client, a tap and a server, connected."""

    def __init__(self, client: TcpStream, server: TcpStream, copies: Copies) -> None:
        self.client = client
        self.server = server
        self.copies = copies

    def copied(self, *, from_client: bool) -> bytes:
        return b"".join(each.data for each in self.copies.wiretap().chunks if each.from_client is from_client)


def a_tap(server: tuple[str, int], copies: Copies | None = None) -> Tap:
    return Tap("customer LAN", server, copies or Copies(), Ends())


@contextlib.asynccontextmanager
async def wired() -> AsyncIterator[Wire]:
    listener, copies = Listener("127.0.0.1", 0), Copies()
    accepted: asyncio.Future[TcpStream] = asyncio.get_running_loop().create_future()

    async def serve(stream: TcpStream) -> None:
        stream.is_kept = True
        accepted.set_result(stream)

    tap = a_tap(listener.address, copies)
    async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(serve), tap.serve()):
        client = await connect_tcp(*tap.address, timeout_s=DEADLINE_S)
        try:
            yield Wire(client, await accepted, copies)
        finally:
            client.abort()


async def received(stream: TcpStream) -> bytes:
    data = b""
    while more := await stream.receive():
        data += more
    return data


async def test_bytes_pass_unchanged_both_ways_and_are_copied() -> None:
    there, back = bytes(range(256)) * 2_000, b"\x00answer\xff" * 3_000
    async with wired() as wire, asyncio.TaskGroup() as tasks:
        at_server = tasks.create_task(received(wire.server))
        at_client = tasks.create_task(received(wire.client))
        for sender, data in ((wire.client, there), (wire.server, back)):
            await sender.send(data)
            await sender.send_eof()
        assert (await at_server, await at_client) == (there, back)
        assert (wire.copied(from_client=True), wire.copied(from_client=False)) == (there, back)


@pytest.mark.slow
async def test_a_reader_that_comes_late_holds_the_writer_up_and_gets_every_byte() -> None:
    data = bytes(range(251)) * 256 * 1_024  # 64 MB: more than the kernel's buffers of two connections hold
    async with wired() as wire, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(wire.client.send(data))
        await asyncio.wait({sending}, timeout=0.05)
        assert not sending.done()

        arrived = hashlib.sha256()
        left = len(data)
        while left and (more := await wire.server.receive()):
            arrived.update(more)
            left -= len(more)

        assert arrived.digest() == hashlib.sha256(data).digest()


async def test_the_copy_names_the_two_ends_and_not_the_tap() -> None:
    async with wired() as wire:
        (connection,) = wire.copies.wiretap().connections

        assert (connection.client, connection.server) == (wire.client.local_address, wire.server.local_address)
        assert connection.hop == "customer LAN"


async def test_an_end_of_one_direction_leaves_the_other_open() -> None:
    async with wired() as wire:
        await wire.client.send_eof()
        assert await wire.server.receive() == b""

        await wire.server.send(b"still speaking")

        assert await wire.client.receive() == b"still speaking"


@pytest.mark.parametrize("by_client", [True, False])
async def test_a_reset_arrives_as_a_reset_behind_the_bytes_before_it(by_client: bool) -> None:
    async with wired() as wire:
        one, other = (wire.client, wire.server) if by_client else (wire.server, wire.client)
        await one.send(b"last words")
        assert await other.receive() == b"last words"

        one.abort()

        with pytest.raises(PeerReset):
            await other.receive()


async def test_an_end_of_both_directions_is_an_end_and_no_reset() -> None:
    async with wired() as wire:
        await wire.server.send(b"bye")
        await wire.server.aclose()

        assert await received(wire.client) == b"bye"


def ends(wire: Wire) -> list[tuple[bool, str]]:
    return [(each.from_client, each.how) for each in wire.copies.wiretap().ends]


@pytest.mark.parametrize("by_client", [True, False])
async def test_it_is_kept_who_ended_first(by_client: bool) -> None:
    async with wired() as wire:
        one, other = (wire.client, wire.server) if by_client else (wire.server, wire.client)
        await one.send_eof()
        assert await other.receive() == b""
        assert ends(wire) == [(by_client, "end")]

        await other.send_eof()
        assert await one.receive() == b""

        assert ends(wire) == [(by_client, "end"), (not by_client, "end")]


@pytest.mark.parametrize("by_client", [True, False])
async def test_a_reset_is_kept_once_and_by_whom(by_client: bool) -> None:
    async with wired() as wire:
        one, other = (wire.client, wire.server) if by_client else (wire.server, wire.client)
        one.abort()
        with pytest.raises(PeerReset):
            await other.receive()

        assert ends(wire) == [(by_client, "reset")]


async def test_a_connection_that_the_tap_itself_cuts_has_no_end() -> None:
    """What ends it is no part of the landscape."""
    listener, copies = Listener("127.0.0.1", 0), Copies()
    accepted: asyncio.Future[TcpStream] = asyncio.get_running_loop().create_future()

    async def serve(stream: TcpStream) -> None:
        stream.is_kept = True
        accepted.set_result(stream)

    tap = a_tap(listener.address, copies)
    async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(serve)):
        async with in_background(tap.serve()):
            client = await connect_tcp(*tap.address, timeout_s=DEADLINE_S)
            server = await accepted
        with pytest.raises(PeerReset):
            await client.receive()
        with pytest.raises(PeerReset):
            await server.receive()
        client.abort()
        server.abort()

    assert (len(copies.wiretap().connections), copies.wiretap().ends) == (1, ())


@contextlib.contextmanager
def aborted(stream: TcpStream) -> Iterator[None]:
    try:
        yield
    finally:
        stream.abort()


def a_closed_port() -> tuple[str, int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        host, port = sock.getsockname()
        return host, port


async def test_a_server_that_is_not_there_is_met_before_the_tap_is_dialled_and_under_its_own_address() -> None:
    server = a_closed_port()
    tap = a_tap(server)
    with contextlib.closing(tap), pytest.raises(ConnectError) as caught:
        await tap.dial_ahead(DEADLINE_S)

    assert (caught.value.kind, caught.value.host, caught.value.port) == ("refused", *server)


async def test_a_client_of_a_server_that_is_gone_is_reset() -> None:
    tap = a_tap(a_closed_port())
    async with asyncio.timeout(DEADLINE_S), in_background(tap.serve()):
        client = await connect_tcp(*tap.address, timeout_s=DEADLINE_S)

        with aborted(client), pytest.raises(PeerReset):
            await client.receive()


async def test_a_connection_dialled_ahead_is_the_one_that_the_client_gets() -> None:
    listener, greeted = Listener("127.0.0.1", 0), 0

    async def greet(stream: TcpStream) -> None:
        nonlocal greeted
        greeted += 1
        await stream.send(b"hello")

    tap = a_tap(listener.address)
    async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(greet), tap.serve()):
        await tap.dial_ahead(DEADLINE_S)
        client = await connect_tcp(*tap.address, timeout_s=DEADLINE_S)
        assert await received(client) == b"hello"
        client.abort()

    assert greeted == 1


async def test_a_connection_dialled_ahead_that_nobody_came_for_is_reset() -> None:
    listener = Listener("127.0.0.1", 0)
    accepted = asyncio.Event()
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait_for_its_end(stream: TcpStream) -> None:
        accepted.set()
        try:
            await stream.receive()
        except PeerReset:
            ended.set_result("reset")

    tap = a_tap(listener.address)
    async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(wait_for_its_end), tap.serve()):
        ahead = await tap.dial_ahead(DEADLINE_S)
        await accepted.wait()

        tap.give_back(ahead)

        assert await ended == "reset"

"""The tunnel dies at random moments: in the middle of frames, of TLS records, of the handshake of the next one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.tunnel.session import SessionSettings
from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_wire.observation import Party, TunnelState
from tests.connector_sim.landscape import (
    SUBACCOUNT,
    TCP,
    Landscape,
    cloud_side,
    connected,
    connector,
    connector_settings,
)
from tests.faults.leaks import nothing_left, nothing_left_running, until
from tests.faults.payloads import Payload, Tally, receive_into, send_in_chunks
from tests.faults.seeds import SOAK, seeded
from tests.faults.traffic import back_ends, dial, read_exactly
from tests.faults.wire import Wire

KILLS = 200 if SOAK else 20
STREAMS = 8
SIZE = 1024 * 1024
SEEN_WITHIN_S = 1.0  # issue of the tunnel: "cut streams end on both sides within a second"
QUICK_PINGS = SessionSettings(ping_interval_s=0.1, ping_timeout_s=0.2)


@dataclass
class Stream:
    """Both ends of one stream, each sending and receiving until the stream is cut."""

    up: Payload
    down: Payload
    at_client: Tally = field(default_factory=Tally)
    at_back_end: Tally = field(default_factory=Tally)

    async def play_client(self, stream: ByteStream) -> None:
        await _play(stream, self.up, self.at_client)

    async def play_back_end(self, stream: ByteStream) -> None:
        await _play(stream, self.down, self.at_back_end)

    def is_whole(self) -> bool:
        return self.at_client.is_a_prefix_of(self.down) and self.at_back_end.is_a_prefix_of(self.up)

    def is_cut(self) -> bool:
        return "open" not in {self.at_client.ended, self.at_back_end.ended}


async def _play(stream: ByteStream, sent: Payload, received: Tally) -> None:
    async with asyncio.TaskGroup() as both:
        both.create_task(_send(stream, sent))
        await receive_into(stream, received)


async def _send(stream: ByteStream, sent: Payload) -> None:
    with contextlib.suppress(NetError):
        await send_in_chunks(stream, sent.content(), random.Random(sent.key))


@dataclass
class Broken:
    """A cloud side and a connector with a wire between them that breaks."""

    lab: Landscape
    wire: Wire
    connector: CloudConnector
    streams: list[Stream] = field(default_factory=list)

    def states(self, party: Party) -> list[str]:
        return [each.state for each in self.lab.seen.of(TunnelState, party)]

    async def up_again(self, losses: int) -> None:
        """Return once the tunnel was lost ``losses`` times and is up, at both ends."""
        for party in (Party.CLOUD_CONNECTOR, Party.CONNECTIVITY):
            await until(functools.partial(self._is_up, party, losses))

    def _is_up(self, party: Party, losses: int) -> bool:
        states = self.states(party)
        return states.count("Disconnected") >= losses and states[-1] == "Connected"

    async def serve(self, stream: ByteStream) -> None:
        """Show that the stream works, then play its part."""
        number = (await read_exactly(stream, 1))[0]
        await stream.send(b"!")
        await self.streams[number].play_back_end(stream)

    async def open(self, number: int) -> TcpStream:
        stream = await dial(self.lab.cloud.socks5_address, self.lab.token(), TCP.virtual_host, TCP.virtual_port)
        await stream.send(bytes([number]))
        assert await read_exactly(stream, 1) == b"!"
        return stream


@contextlib.asynccontextmanager
async def broken_wire(session: SessionSettings | None = None) -> AsyncIterator[Broken]:
    async with contextlib.AsyncExitStack() as stack:
        lab = await stack.enter_async_context(cloud_side(session=session))
        wire = Wire(lab.cloud.tunnel_address)
        await stack.enter_async_context(wire.carrying())
        exposed = SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,))
        settings = connector_settings(wire.address, exposed, longest_reconnect_delay_s=0.05)
        each = connector(settings, lab, session=session)
        await stack.enter_async_context(connected(each))
        broken = Broken(lab, wire, each)
        address = await stack.enter_async_context(back_ends(broken.serve))
        lab.names[(TCP.internal_host, TCP.internal_port)] = address
        yield broken


async def kill(broken: Broken, after: int, key: str) -> None:
    """Break the tunnel once ``after`` bytes have passed on ``STREAMS`` new streams; both ends of each must see it."""
    broken.streams = [
        Stream(Payload(f"{key} {each} up", SIZE), Payload(f"{key} {each} down", SIZE)) for each in range(STREAMS)
    ]
    clients = [await broken.open(number) for number in range(STREAMS)]
    broken.wire.break_after(after)
    try:
        async with asyncio.TaskGroup() as tasks:
            for stream, client in zip(broken.streams, clients, strict=True):
                tasks.create_task(stream.play_client(client))
            await broken.wire.broken()
            await until(lambda: all(each.is_cut() for each in broken.streams), SEEN_WITHIN_S)
    finally:
        for client in clients:
            client.abort()
    assert all(each.is_whole() for each in broken.streams)


async def kill_and_recover(broken: Broken, rng: random.Random, losses: int) -> None:
    """Kill the tunnel for the ``losses``-th time, at times the next handshake as well, and wait until it is up."""
    await kill(broken, rng.randrange(STREAMS * SIZE), f"{rng.random()}")
    if rng.random() < 0.3:
        broken.wire.break_after(rng.randrange(1, 2000))  # less than a handshake: the first one that comes breaks
    await broken.up_again(losses)


@pytest.mark.slow
@pytest.mark.timeout(40 + 2 * KILLS)
@seeded
async def test_whenever_the_tunnel_is_killed_all_ends_see_it_the_next_one_works_and_nothing_is_left(seed: int) -> None:
    rng = random.Random(seed)
    async with nothing_left(), broken_wire() as broken:
        await broken.up_again(0)
        async with nothing_left_running():
            for losses in range(1, KILLS + 1):
                await kill_and_recover(broken, rng, losses)


@pytest.mark.parametrize("after", [0, 1, 5, 17, 20_000])
async def test_a_tunnel_that_breaks_cuts_every_stream_at_both_ends(after: int) -> None:
    async with broken_wire() as broken:
        await broken.up_again(0)
        await kill(broken, after, "one")
        await broken.up_again(1)


@pytest.mark.slow
async def test_a_tunnel_that_falls_silent_is_given_up_at_both_ends() -> None:
    async with broken_wire(QUICK_PINGS) as broken:
        broken.streams = [Stream(Payload("up", 10), Payload("down", 10))]
        client = await broken.open(0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(broken.streams[0].play_client(client))
            broken.wire.fall_silent()
            await until(broken.streams[0].is_cut)
        client.abort()
        await until(lambda: "Disconnected" in broken.states(Party.CLOUD_CONNECTOR))
        await until(lambda: "Disconnected" in broken.states(Party.CONNECTIVITY))

"""Run a schedule through a chain: clients behind the SOCKS5 port, scripted back ends behind the connector.

Each connection begins with its stream's number, so that the back end knows its plan. All streams are open before the
first byte of payload is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from maco_net.background import in_background
from maco_net.errors import HandshakeError, PeerReset
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import start_tls
from maco_wire import socks5
from maco_wire.observation import Address
from tests.connector_sim.landscape import DEADLINE_S
from tests.faults.payloads import Payload, Tally, receive_into, send_in_chunks
from tests.faults.schedule import Plan, Story

NUMBER_BYTES = 4
DIALS_AT_ONCE = 64


@dataclass
class Side:
    """What one end of a stream did and saw."""

    sent: int = 0
    received: Tally = field(default_factory=Tally)
    address: Address | None = None


async def dial(proxy: Address, token: str, host: str, port: int, *, location_id: str = "WERK1") -> TcpStream:
    """Dial a virtual host whose back end is silent at first."""
    machine = socks5.Socks5Client(token=token, location_id=location_id, host=host, port=port)
    stream = await connect_tcp(*proxy, timeout_s=DEADLINE_S)
    events: list[socks5.ClientEvent] = []
    while not events or isinstance(events[-1], socks5.MethodAccepted | socks5.Authenticated):
        await stream.send(machine.data_to_send())
        data = await stream.receive()
        assert data, f"the proxy closed after {events}"
        events += machine.receive_data(data)
    assert isinstance(events[-1], socks5.Connected), events
    assert not machine.trailing_data
    return stream


async def read_exactly(stream: ByteStream, count: int) -> bytes:
    received = b""
    while len(received) < count:
        data = await stream.receive(count - len(received))
        assert data, f"the stream ended after {received!r}"
        received += data
    return received


@contextlib.asynccontextmanager
async def back_ends(
    serve: Callable[[ByteStream], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Address]:
    """Run scripted back ends, thousands at once; yield where they listen."""
    listener = Listener("127.0.0.1", 0)

    async def one(stream: TcpStream) -> None:
        if tls is None:
            await serve(stream)
            return
        with contextlib.suppress(HandshakeError):
            session = await start_tls(stream, tls, server_side=True, timeout_s=DEADLINE_S)
            try:
                await serve(session)
            finally:
                await session.aclose()

    try:
        async with in_background(listener.serve(one, max_connections=10_000)):
            yield listener.address
    finally:
        listener.close()


class Traffic:
    """All streams of a schedule; a back end behind TLS cannot see the client's end, so it goes by the plan's size."""

    def __init__(self, plans: Sequence[Plan], *, ends_are_seen: bool) -> None:
        self.plans = plans
        self.clients = [Side() for _ in plans]
        self.servers = [Side() for _ in plans]
        self._ends_are_seen = ends_are_seen
        self._arrived = 0
        self._quick = sum(not plan.story.stalls for plan in plans)
        self._all_open = asyncio.Event()
        self._others_done = asyncio.Event()
        self._served = 0
        self._all_served = asyncio.Event()

    async def run(self, open_one: Callable[[], Awaitable[TcpStream]], deadline_s: float) -> None:
        """Open all streams, play all stories, and return when both ends of each are done."""
        admission = asyncio.Semaphore(DIALS_AT_ONCE)
        async with asyncio.timeout(deadline_s), asyncio.TaskGroup() as tasks:
            for plan in self.plans:
                tasks.create_task(self._client(plan, open_one, admission))
            await self._all_served.wait()

    async def serve(self, stream: ByteStream) -> None:
        """Be the back end of one stream."""
        plan = self.plans[int.from_bytes(await read_exactly(stream, NUMBER_BYTES), "big")]
        self._arrived += 1
        if self._arrived == len(self.plans):
            self._all_open.set()
        await self._all_open.wait()
        await self._serve(plan, stream, self.servers[plan.number])
        self._served += 1
        if self._served == len(self.plans):
            self._all_served.set()

    async def _client(
        self, plan: Plan, open_one: Callable[[], Awaitable[TcpStream]], admission: asyncio.Semaphore
    ) -> None:
        async with admission:
            stream = await open_one()
        side = self.clients[plan.number]
        side.address = stream.local_address
        try:
            await stream.send(plan.number.to_bytes(NUMBER_BYTES, "big"))
            await self._all_open.wait()
            await self._play(plan, stream, side)
        finally:
            await stream.aclose()
        if not plan.story.stalls:
            self._quick -= 1
            if not self._quick:
                self._others_done.set()

    async def _play(self, plan: Plan, stream: TcpStream, side: Side) -> None:
        rng = plan.rng("client")
        if plan.story is Story.CLIENT_RESETS:
            content = plan.up.content()[: plan.up_before_reset]
            side.sent = await send_in_chunks(stream, content, rng)
            await receive_into(stream, side.received, at_most=plan.down_before_reset)
            stream.abort()
            return
        if plan.story is Story.BACK_END_ENDS_FIRST:
            await receive_into(stream, side.received)
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(self._send(plan.up, stream, side, plan))
            if plan.story is Story.ANSWER_AFTER_END:
                await sending
            if plan.story is Story.CLIENT_STALLS:
                await self._others_done.wait()
            if plan.story is not Story.BACK_END_ENDS_FIRST:
                await receive_into(stream, side.received, read=rng.choice((1000, 9000, 64 * 1024)))

    async def _send(self, payload: Payload, stream: TcpStream, side: Side, plan: Plan) -> None:
        side.sent = await send_in_chunks(stream, payload.content(), plan.rng("client sends"))
        if plan.story is Story.CLIENT_STALLS:
            await self._others_done.wait()  # or a connection that one side has ended would stand still for too long
        await stream.send_eof()

    async def _serve(self, plan: Plan, stream: ByteStream, side: Side) -> None:
        if plan.story is Story.BACK_END_RESETS:
            content = plan.down.content()[: plan.down_before_reset]
            side.sent = await send_in_chunks(stream, content, plan.rng("back end"))
            await receive_into(stream, side.received, at_most=plan.up_before_reset)
            stream.abort()
            return
        async with asyncio.TaskGroup() as both:
            if plan.story is Story.ANSWER_AFTER_END:
                await self._take(plan, stream, side)
            sending = both.create_task(self._answer(plan, stream, side))
            if plan.story is Story.BACK_END_ENDS_FIRST:
                await sending
            if plan.story is Story.BACK_END_STALLS:
                await self._others_done.wait()
            if plan.story is not Story.ANSWER_AFTER_END:
                await self._take(plan, stream, side)

    async def _take(self, plan: Plan, stream: ByteStream, side: Side) -> None:
        by_size = not self._ends_are_seen and plan.story.is_orderly
        await receive_into(stream, side.received, at_most=plan.up.size if by_size else None)
        if by_size and side.received.ended == "open":
            side.received.ended = "end"

    async def _answer(self, plan: Plan, stream: ByteStream, side: Side) -> None:
        side.sent = await send_in_chunks(stream, plan.down.content(), plan.rng("back end"))
        if plan.story is Story.BACK_END_STALLS:
            await self._others_done.wait()
        with contextlib.suppress(PeerReset):
            await stream.send_eof()

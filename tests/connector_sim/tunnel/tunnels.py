"""Two ends of a tunnel over a TCP connection; the connector's end serves streams as told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from connector_sim.tunnel.session import ServeStream, SessionSettings, TunnelSession
from connector_sim.tunnel.stream import TunnelStream
from maco_net.background import in_background
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream
from tests.maco_net.pairs import DEADLINE_S, tcp_pair, tls_pair


@dataclass
class Tunnel:
    """The cloud's end, the connector's end, and why each has ended."""

    cloud: TunnelSession
    on_premise: TunnelSession
    carriers: tuple[TcpStream | TlsStream, TcpStream | TlsStream]
    reasons: dict[str, str] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once both ends have ended."""

    async def run(self, name: str, session: TunnelSession, serve: ServeStream | None) -> None:
        self.reasons[name] = await session.run(serve)
        if len(self.reasons) == 2:
            self.ended.set()


@contextlib.asynccontextmanager
async def tunnel(
    serve: ServeStream, *, over_tls: bool = False, settings: SessionSettings | None = None
) -> AsyncIterator[Tunnel]:
    """Run both ends of a tunnel while the block runs."""
    pair = tls_pair() if over_tls else tcp_pair()
    async with pair as (cloud_end, on_premise_end), asyncio.timeout(DEADLINE_S):
        cloud = TunnelSession(cloud_end, "client", settings)
        on_premise = TunnelSession(on_premise_end, "server", settings)
        both = Tunnel(cloud, on_premise, (cloud_end, on_premise_end))
        begun = asyncio.Event()

        async def run_cloud() -> None:
            begun.set()
            await both.run("cloud", cloud, None)

        async with in_background(both.run("on premise", on_premise, serve), run_cloud()):
            await begun.wait()
            yield both


async def echo(stream: ByteStream) -> None:
    while data := await stream.receive():
        await stream.send(data)
    await stream.send_eof()


class Handed:
    """A server of streams that hands them to the test and keeps them until it ends."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue[TunnelStream] = asyncio.Queue()
        self.release = asyncio.Event()

    async def __call__(self, stream: TunnelStream) -> None:
        self.streams.put_nowait(stream)
        await self.release.wait()

    async def take(self) -> TunnelStream:
        async with asyncio.timeout(DEADLINE_S):
            return await self.streams.get()

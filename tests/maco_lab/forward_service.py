"""A Connectivity service for tests of `maco-lab forward`: tokens from a list, and a back end that is a function."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from maco_client.settings import EmailServer, ProxyType, SocksProxy, TokenService
from maco_client.token import TokenSource
from maco_lab.binding import Binding
from maco_lab.forward import Way
from maco_net.tcp import TcpStream
from tests.maco_client.scripted_server import ScriptedProxy, ScriptedServer, running

Play = Callable[[TcpStream], Awaitable[None]]
TARGET = "mail.example:143"
SERVICE = TokenService("http://127.0.0.1:1", "client", "secret-of-client")


class BackEnd(ScriptedServer):
    """Lets a function speak."""

    def __init__(self, play: Play) -> None:
        super().__init__([])
        self._play = play

    async def play(self, stream: TcpStream) -> None:
        await self._play(stream)


class Tokens(TokenSource):
    """A fresh token for every time it was forgotten; counts how often it would have asked the token service."""

    def __init__(self) -> None:
        super().__init__(SERVICE)
        self.fetched = 0
        self.when_forgotten: Callable[[], None] = lambda: None
        self._kept = ""

    async def token(self) -> str:
        if not self._kept:
            self.fetched += 1
            self._kept = f"token{self.fetched}"
        return self._kept

    def forget(self) -> None:
        self._kept = ""
        self.when_forgotten()


@dataclass
class Service:
    """A proxy, and the way to a virtual host through it."""

    proxy: ScriptedProxy
    way: Way
    tokens: Tokens
    complaints: list[str] = field(default_factory=list)


async def silent(stream: TcpStream) -> None:
    """Say nothing; end when the client does."""
    await stream.receive()


@contextlib.asynccontextmanager
async def service(
    play: Play = silent, *, location_id: str = "PLANT1", glued: bytes = b"", reply: int = 0, status: int = 0
) -> AsyncIterator[Service]:
    """Run a proxy with ``play`` behind it while the block runs."""
    proxy = ScriptedProxy(BackEnd(play), glued=glued, reply=reply, status=status)
    async with running(proxy):
        binding = Binding(SocksProxy(*proxy.address), SERVICE)
        way = Way(EmailServer("forward", TARGET, ProxyType.ON_PREMISE, location_id, 5000), binding)
        tokens = way._tokens = Tokens()
        yield Service(proxy, way, tokens)

"""The wire between a connector and the tunnel port: it carries bytes, and breaks or falls silent when told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from maco_net.background import in_background
from maco_net.errors import NetError
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.observation import Address
from tests.connector_sim.landscape import DEADLINE_S


class Wire:
    """Carry connections to ``target``; when one end of a connection is gone, the other is reset."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._listener = Listener("127.0.0.1", 0)
        self._left: int | None = None
        self._broken = asyncio.Event()
        self._silent = False

    @property
    def address(self) -> Address:
        return self._listener.address

    @contextlib.asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        try:
            async with in_background(self._listener.serve(self._carry)):
                yield
        finally:
            self._listener.close()

    def break_after(self, count: int) -> None:
        """Let ``count`` more bytes pass, in both directions together, then break what carries them, once."""
        self._broken.clear()
        self._left = count

    def fall_silent(self) -> None:
        """Take everything from now on and pass nothing on, as a firewall that has forgotten the connection."""
        self._silent = True

    async def broken(self) -> None:
        """Return once it has broken as told."""
        async with asyncio.timeout(DEADLINE_S):
            await self._broken.wait()

    async def _carry(self, near: TcpStream) -> None:
        far = await connect_tcp(*self._target, timeout_s=DEADLINE_S)
        over = asyncio.Event()
        try:
            async with in_background(self._copy(near, far, over), self._copy(far, near, over)):
                await over.wait()
        finally:
            far.abort()
            near.abort()

    async def _copy(self, source: TcpStream, target: TcpStream, over: asyncio.Event) -> None:
        with contextlib.suppress(NetError):
            while data := await source.receive():
                passed = self._passed(data)
                if passed:
                    await target.send(passed)
                if self._left == 0:
                    self._left = None
                    self._broken.set()
                    break
        over.set()

    def _passed(self, data: bytes) -> bytes:
        if self._silent:
            return b""
        if self._left is None:
            return data
        passed = data[: self._left]
        self._left -= len(passed)
        return passed

"""Anything with the shape of a byte stream as one side of a relayed connection, by two jobs.

For the few streams that are no sockets, such as standard input and output; sockets have ``maco_net.socket_side``. One
rule: the next bytes are received only when those before have gone out at the other side, so the pace of both is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from maco_net.errors import NetError
from maco_net.side import Inlet, Outlet
from maco_net.streams import CHUNK_BYTES, ByteStream
from maco_wire.observation import Address


class StreamSide:
    """A byte stream as a side (see ``maco_net.side``); it moves only while its ``jobs`` run."""

    can_send_eof = True

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._outlet: Outlet | None = None
        self._inlet: Inlet | None = None
        self._begun = asyncio.Event()
        self._in_flight = 0
        self._all_gone = asyncio.Event()
        self._to_send = asyncio.Event()
        self._scratch = memoryview(bytearray(CHUNK_BYTES))
        self._unsent = bytearray()
        self._ends = False

    @property
    def local_address(self) -> Address:
        """See Side."""
        return self._stream.local_address

    @property
    def peer_address(self) -> Address:
        """See Side."""
        return self._stream.peer_address

    @property
    def waiting(self) -> int:
        """See Side."""
        return len(self._unsent)

    @property
    def in_flight(self) -> int:
        """How many bytes that came from here have not gone out at the other side."""
        return self._in_flight

    def jobs(self) -> tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]]:
        """Return what has to run as long as the relay does."""
        return self._receive(), self._send()

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        """See Side."""
        self._outlet, self._inlet = outlet, inlet
        self._begun.set()

    def resume(self) -> None:
        """See Side; what went out says the same."""

    def consumed(self, count: int, waiting: int) -> None:  # noqa: ARG002 - there is no window to shrink
        """See Side."""
        self._in_flight -= count
        if self._in_flight <= 0:
            self._all_gone.set()

    def stop(self) -> None:
        """See Side."""
        self._outlet = None
        self._all_gone.set()

    def room(self) -> memoryview | None:
        """See Side."""
        return None if self._unsent else self._scratch

    def commit(self, count: int) -> None:
        """See Side."""
        self.write(self._scratch[:count])

    def write(self, data: memoryview) -> int:
        """See Side."""
        self._unsent += data
        self._to_send.set()
        return 0

    def end(self) -> None:
        """See Side."""
        self._ends = True
        self._to_send.set()

    def close(self) -> None:
        """See Side; whoever owns the stream closes it."""
        self.abort()

    def abort(self) -> None:
        """See Side; whoever owns the stream ends it."""
        self._outlet = self._inlet = None
        self._all_gone.set()

    async def _receive(self) -> None:
        await self._begun.wait()
        while await self._pass_on():
            if self._in_flight > 0:
                await self._all_gone.wait()

    async def _pass_on(self) -> bool:
        """Receive once and tell the outlet, if it still listens; False once nothing comes any more."""
        try:
            data = await self._stream.receive()
        except NetError as error:
            if self._outlet is not None:
                self._outlet.failed(error)
            return False
        if self._outlet is None:
            return False
        if not data:
            self._outlet.ended()
            return False
        self._in_flight += len(data)
        self._all_gone.clear()
        self._outlet.push(memoryview(data))
        return True

    async def _send(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            try:
                await self._send_unsent()
            except NetError as error:
                self._unsent.clear()
                if self._inlet is not None:
                    self._inlet.send_failed(error)
                return
            if self._ends:
                await self._stream.send_eof()
                return

    async def _send_unsent(self) -> None:
        while self._unsent:
            count = len(self._unsent)
            await self._stream.send(bytes(self._unsent))
            del self._unsent[:count]
            if self._inlet is not None:
                self._inlet.taken(count)
        inlet = self._inlet
        if inlet is not None:
            inlet.has_room()
            inlet.emptied()

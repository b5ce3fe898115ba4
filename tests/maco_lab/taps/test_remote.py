"""The parent's end of a tap on the customer's LAN: what is dialled ahead is used, or given back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from maco_lab.taps.remote import TapDesk
from maco_lab.taps.taps import Taps, tapping
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.observation import Address
from tests.ports import free_ports

DEADLINE_S = 10.0


class BackEnd:
    """Hears who connects, and how it ends."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def serve(self, stream: TcpStream) -> None:
        with contextlib.suppress(Exception):
            while data := await stream.receive():
                self.heard.put_nowait(data)
        self.heard.put_nowait(None)


@pytest.fixture
async def back_end() -> AsyncIterator[BackEnd]:
    listener = Listener("127.0.0.1", 0)
    found = BackEnd(listener.address)
    async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(found.serve)):
        yield found


@pytest.fixture
async def taps() -> AsyncIterator[Taps]:
    async with tapping() as found:
        yield found


class Connector:
    """Asks as a Cloud Connector's process does."""

    def __init__(self, taps: Taps, tasks: asyncio.TaskGroup) -> None:
        self.desk = TapDesk(taps)
        self._tasks = tasks
        self.asked: list[asyncio.Task[None]] = []

    async def ask(self, question: str, **about: Any) -> Mapping[str, Any]:
        answered: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()

        async def reply(answer: Mapping[str, Any]) -> None:
            answered.set_result(answer)

        self.asked.append(self._tasks.create_task(self.desk.serve({"question": question} | about, reply)))
        return await answered

    async def dial_ahead(self, server: Address) -> Mapping[str, Any]:
        return await self.ask("dial_ahead", server=list(server), timeout_s=DEADLINE_S)


async def test_a_client_that_comes_meets_the_connection_that_was_dialled_ahead(taps: Taps, back_end: BackEnd) -> None:
    async with asyncio.TaskGroup() as tasks:
        connector = Connector(taps, tasks)
        answer = await connector.dial_ahead(back_end.address)
        client = await connect_tcp(*answer["tap"], timeout_s=DEADLINE_S)
        await client.send(b"hello")
        assert await back_end.heard.get() == b"hello"
        await connector.ask("dialled", ahead=answer["ahead"], has_failed=False)
        await client.send(b"still here")
        assert await back_end.heard.get() == b"still here"
        await client.aclose()

    assert await back_end.heard.get() is None
    assert [(each.hop, each.server) for each in taps.connections()] == [("customer LAN", back_end.address)]


async def test_a_connection_for_which_nobody_came_is_given_back(taps: Taps, back_end: BackEnd) -> None:
    async with asyncio.TaskGroup() as tasks:
        connector = Connector(taps, tasks)
        answer = await connector.dial_ahead(back_end.address)
        await connector.ask("dialled", ahead=answer["ahead"], has_failed=True)

        assert await back_end.heard.get() is None


async def test_a_connector_that_is_killed_meanwhile_leaves_no_connection_open(taps: Taps, back_end: BackEnd) -> None:
    async with asyncio.TaskGroup() as tasks:
        connector = Connector(taps, tasks)
        await connector.dial_ahead(back_end.address)
        connector.asked[0].cancel()

        assert await back_end.heard.get() is None


async def test_a_back_end_that_is_not_there_is_told_as_it_is_met(taps: Taps) -> None:
    (nobody,) = free_ports(1)
    async with asyncio.TaskGroup() as tasks:
        answer = await Connector(taps, tasks).dial_ahead(("127.0.0.1", nobody))

    assert answer["failure"] == "refused"


async def test_a_back_end_for_which_there_is_no_tap_left_goes_untapped(taps: Taps, back_end: BackEnd) -> None:
    taps.max_taps = 0
    async with asyncio.TaskGroup() as tasks:
        assert await Connector(taps, tasks).dial_ahead(back_end.address) == {"tap": None}

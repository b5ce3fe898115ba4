from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from maco_lab.stream_side import StreamSide
from maco_net.background import in_background
from maco_net.errors import NetError
from maco_net.side import Inlet, Outlet
from maco_net.tcp import TcpStream
from tests.maco_net.pairs import read_all, tcp_pair


class _Relay:
    """The outlet and the inlet of a side: each call is noted, and may be waited for."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def push(self, data: memoryview) -> None:
        self.told.put_nowait(f"pushed {bytes(data).decode()}")

    def ended(self) -> None:
        self.told.put_nowait("ended")

    def failed(self, error: NetError) -> None:
        self.told.put_nowait("failed")

    def has_room(self) -> None:
        self.told.put_nowait("has room")

    def taken(self, count: int) -> None:
        self.told.put_nowait(f"{count} taken")

    def emptied(self) -> None:
        self.told.put_nowait("emptied")

    def send_failed(self, error: NetError) -> None:
        self.told.put_nowait("send failed")


@contextlib.asynccontextmanager
async def _begun() -> AsyncIterator[tuple[TcpStream, StreamSide, _Relay]]:
    """Yield the peer of a side, the side, and the relay that it tells."""
    async with tcp_pair() as (ours, peer):
        side, relay = StreamSide(ours), _Relay()
        async with in_background(*side.jobs()):
            side.begin(cast("Outlet", relay), cast("Inlet", relay))
            yield peer, side, relay


async def test_the_next_bytes_are_received_when_those_before_have_gone_out() -> None:
    async with _begun() as (peer, side, relay):
        await peer.send(b"one")
        assert await relay.told.get() == "pushed one"
        await peer.send(b"two")
        await asyncio.sleep(0)
        assert relay.told.empty()
        side.consumed(3, 0)
        assert await relay.told.get() == "pushed two"


async def test_an_end_is_told_behind_the_bytes_before_it() -> None:
    async with _begun() as (peer, side, relay):
        await peer.send(b"bye")
        await peer.send_eof()
        assert await relay.told.get() == "pushed bye"
        side.consumed(3, 0)
        assert await relay.told.get() == "ended"


async def test_a_reset_is_told() -> None:
    async with _begun() as (peer, _, relay):
        peer.abort()
        assert await relay.told.get() == "failed"


async def test_what_is_written_before_the_side_begins_is_sent() -> None:
    async with tcp_pair() as (ours, peer):
        side, relay = StreamSide(ours), _Relay()
        async with in_background(*side.jobs()):
            side.write(memoryview(b"early"))
            side.begin(cast("Outlet", relay), cast("Inlet", relay))
            assert await peer.receive() == b"early"


async def test_there_is_room_again_once_all_has_gone() -> None:
    async with _begun() as (peer, side, relay):
        assert side.write(memoryview(b"12345")) == 0
        assert (side.waiting, side.room()) == (5, None)
        assert [await relay.told.get() for _ in range(3)] == ["5 taken", "has room", "emptied"]
        assert await peer.receive() == b"12345"


async def test_an_end_is_sent_behind_the_bytes_that_wait() -> None:
    async with _begun() as (peer, side, _):
        side.write(memoryview(b"bye"))
        side.end()
        assert await read_all(peer) == b"bye"


async def test_nothing_is_told_after_the_end() -> None:
    async with _begun() as (peer, side, relay):
        side.close()
        await peer.send(b"too late")
        await peer.send_eof()
        side.write(memoryview(b"for nobody"))
        assert await peer.receive() == b"for nobody"
        assert relay.told.empty()

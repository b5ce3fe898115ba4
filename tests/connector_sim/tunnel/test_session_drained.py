"""The orderly end of a tunnel: no new streams either way, and those that run may finish."""

from __future__ import annotations

import asyncio

import pytest

from maco_net.errors import PeerReset
from tests.connector_sim.tunnel.tunnels import Handed, echo, tunnel
from tests.maco_net.pairs import DEADLINE_S


async def test_a_tunnel_without_streams_is_drained_at_once() -> None:
    async with tunnel(echo) as both:
        assert await both.cloud.drain(0)


@pytest.mark.parametrize("drains", ["cloud", "on_premise"])
async def test_neither_end_opens_a_stream_once_one_of_them_drains(drains: str) -> None:
    handed = Handed()
    async with tunnel(handed) as both, asyncio.TaskGroup() as tasks:
        stream = await both.cloud.open_stream()
        served = await handed.take()
        draining = tasks.create_task(getattr(both, drains).drain(DEADLINE_S))
        await asyncio.sleep(0)
        for sender, receiver in ((stream, served), (served, stream)):  # behind the go-away, whoever sent it
            await sender.send(b"x")
            assert await receiver.receive() == b"x"
        assert (both.cloud.is_open, both.on_premise.is_open) == (False, False)
        with pytest.raises(PeerReset):
            await both.cloud.open_stream()
        stream.abort()
        handed.release.set()
        assert await draining


async def test_a_stream_that_runs_carries_on_to_its_end_while_the_tunnel_drains() -> None:
    async with tunnel(echo) as both, asyncio.TaskGroup() as tasks:
        stream = await both.cloud.open_stream()
        await stream.send(b"said before")
        assert await stream.receive() == b"said before"
        draining = tasks.create_task(both.on_premise.drain(DEADLINE_S))
        await asyncio.sleep(0)
        await stream.send(b"said while draining")
        await stream.send_eof()
        received = bytearray()
        while data := await stream.receive():
            received += data
        assert received == b"said while draining"
        await stream.aclose()
        assert await draining


async def test_a_stream_that_does_not_end_is_told_by_false_when_the_limit_has_passed() -> None:
    handed = Handed()
    async with tunnel(handed) as both:
        await both.cloud.open_stream()
        await handed.take()
        assert not await both.cloud.drain(0)
        handed.release.set()


async def test_draining_ends_when_the_tunnel_is_lost() -> None:
    handed = Handed()
    async with tunnel(handed) as both, asyncio.TaskGroup() as tasks:
        await both.cloud.open_stream()
        await handed.take()
        draining = tasks.create_task(both.cloud.drain(DEADLINE_S))
        await asyncio.sleep(0)
        both.cloud.abort("lost")
        assert await draining
        handed.release.set()

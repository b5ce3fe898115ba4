"""A tunnel's end that is cancelled at the moment when the tunnel breaks is cancelled, and does not go on."""

from __future__ import annotations

import asyncio

import pytest

from connector_sim.tunnel.session import TunnelSession
from maco_net.errors import PeerReset
from tests.maco_net.pairs import DEADLINE_S, tcp_pair


async def test_a_cancellation_is_not_lost_when_the_tunnel_breaks_in_the_same_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaking = asyncio.Event()

    async def broken() -> None:
        await breaking.wait()
        raise PeerReset("gone")

    async with tcp_pair() as (_, carrier), asyncio.timeout(DEADLINE_S):
        session = TunnelSession(carrier, "server")
        monkeypatch.setattr(session, "_watch_peer", broken)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(session.run())
            for _ in range(3):
                await asyncio.sleep(0)
            breaking.set()
            for _ in range(2):  # the job has failed, and its TaskGroup is about to hear of it
                await asyncio.sleep(0)
            running.cancel()

    assert running.cancelled()

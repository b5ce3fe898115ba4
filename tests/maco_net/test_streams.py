from __future__ import annotations

import asyncio

from maco_net.streams import close_gently
from tests.maco_net.pairs import read_all, tcp_pair


async def test_a_last_answer_arrives_although_bytes_of_the_peer_are_unread() -> None:
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        await client.send(b"x" * 100_000)
        await server.send(b"\x01\x05")
        tasks.create_task(close_gently(server))
        assert await read_all(client) == b"\x01\x05"  # a close at once would have made this a reset
        await client.aclose()


async def test_a_peer_that_never_ends_is_not_waited_for() -> None:
    async with tcp_pair() as (client, server):
        await close_gently(server, linger_s=0.01)
        assert await client.receive() == b""


async def test_a_peer_that_reset_is_no_error() -> None:
    async with tcp_pair() as (client, server):
        client.abort()
        await close_gently(server)

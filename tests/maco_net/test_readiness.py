from __future__ import annotations

import asyncio

import pytest

from maco_net.readiness import LONGEST_RUN, Readiness
from tests.maco_net.pairs import DEADLINE_S, connected_sockets


async def test_all_waiters_for_one_side_are_woken() -> None:
    with connected_sockets() as (client, server):
        readiness = Readiness(server)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(readiness.readable())
            client.send(b"x")


async def test_a_socket_with_room_is_writable() -> None:
    with connected_sockets() as (client, _):
        async with asyncio.timeout(DEADLINE_S):
            await Readiness(client).writable()


async def test_the_loop_forgets_the_socket_when_the_last_waiter_is_cancelled() -> None:
    with connected_sockets() as (_, server):
        readiness = Readiness(server)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await readiness.readable()
        assert not asyncio.get_running_loop().remove_reader(server)


async def test_one_cancelled_waiter_does_not_deafen_the_other() -> None:
    with connected_sockets() as (client, server):
        readiness = Readiness(server)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            other = tasks.create_task(readiness.readable())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await readiness.readable()
            client.send(b"x")
            await other


async def test_closing_wakes_whoever_waits() -> None:
    with connected_sockets() as (_, server):
        readiness = Readiness(server)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(readiness.readable())
            asyncio.get_running_loop().call_soon(readiness.close)


async def test_closing_again_leaves_the_descriptor_alone() -> None:
    with connected_sockets() as (_, server):
        readiness = Readiness(server)
        readiness.close()
        asyncio.get_running_loop().add_reader(server, lambda: None)  # somebody else's by now
        readiness.close()
        assert asyncio.get_running_loop().remove_reader(server)


async def test_a_long_run_without_waiting_is_overdue_once() -> None:
    with connected_sockets() as (_, server):
        readiness = Readiness(server)
        overdue = [readiness.is_overdue() for _ in range(LONGEST_RUN + 2)]
        assert overdue == [False] * LONGEST_RUN + [True, False]

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator

import pytest

from connector_sim.cloud.registry import MAX_REPLACED_IDS, TunnelRegistry
from connector_sim.tunnel.handshake import TunnelHello
from connector_sim.tunnel.session import TunnelSession
from maco_net.background import in_background
from tests.connector_sim.tunnel.tunnels import Handed
from tests.maco_net.pairs import tcp_pair

FIRST = TunnelHello("s", "A", "one", "0", "tunnel 1", 1, 2)
SECOND = dataclasses.replace(FIRST, connection=2)
STARTED_ANEW = dataclasses.replace(FIRST, tunnel_id="tunnel 2")
FOREIGN = dataclasses.replace(FIRST, installation_id="two", tunnel_id="tunnel of two")


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[TunnelSession]:
    """Yield a session that runs."""
    handed = Handed()
    async with tcp_pair() as (cloud, on_premise):
        session, other = TunnelSession(cloud, "client"), TunnelSession(on_premise, "server")
        running = asyncio.Event()

        async def run() -> None:
            running.set()
            await session.run()

        async def run_other() -> None:
            await other.run(handed)

        async with in_background(run(), run_other()):
            await running.wait()
            yield session


def _registry(*, replace_foreign: bool = False) -> TunnelRegistry:
    return TunnelRegistry(replace_foreign=replace_foreign)


async def test_a_tunnel_is_found_by_subaccount_and_location_id() -> None:
    registry = _registry()
    async with _session() as session:
        registry.add(FIRST, session)
        assert registry.find("s", "A") is session
        assert (registry.find("s", "a"), registry.find("s", ""), registry.find("t", "A")) == (None, None, None)


async def test_a_tunnel_that_does_not_run_yet_is_not_found() -> None:
    registry = _registry()
    async with tcp_pair() as (cloud, _):
        registry.add(FIRST, TunnelSession(cloud, "client"))
        assert registry.find("s", "A") is None


async def test_another_installation_is_not_admitted_to_a_place_that_is_taken() -> None:
    registry = _registry()
    async with _session() as session:
        registry.add(FIRST, session)
        assert not registry.admits(FOREIGN)
        assert registry.admits(dataclasses.replace(FOREIGN, location_id="B"))


@pytest.mark.parametrize("hello", [FIRST, SECOND, STARTED_ANEW, dataclasses.replace(FIRST, tunnel_id="")])
async def test_the_same_installation_is_admitted_to_its_own_place(hello: TunnelHello) -> None:
    registry = _registry()
    async with _session() as session:
        registry.add(FIRST, session)
        assert registry.admits(hello)


async def test_the_switch_admits_another_installation() -> None:
    registry = _registry(replace_foreign=True)
    async with _session() as session:
        registry.add(FIRST, session)
        assert registry.admits(FOREIGN)


async def test_connections_with_the_same_tunnel_id_are_one_tunnel() -> None:
    registry = _registry()
    async with _session() as one, _session() as two:
        first, second = registry.add(FIRST, one), registry.add(SECOND, two)
        assert first.tunnel is second.tunnel
        assert (one.is_open, two.is_open, second.predecessors) == (True, True, ())


async def test_a_new_stream_goes_to_the_connection_that_carries_the_fewest() -> None:
    registry = _registry()
    async with _session() as one, _session() as two:
        registry.add(FIRST, one)
        registry.add(SECOND, two)
        for _ in range(6):
            session = registry.find("s", "A")
            assert session is not None
            await session.open_stream()
        assert (one.open_streams, two.open_streams) == (3, 3)


async def test_a_connection_that_is_lost_is_passed_over() -> None:
    registry = _registry()
    async with _session() as one, _session() as two:
        registry.add(FIRST, one)
        registry.add(SECOND, two)
        one.abort("lost")
        assert registry.find("s", "A") is two


async def test_a_lost_connection_that_is_dialled_again_replaces_itself_alone() -> None:
    registry = _registry()
    async with _session() as dead, _session() as other, _session() as again:
        held = registry.add(FIRST, dead)
        registry.add(SECOND, other)
        new = registry.add(FIRST, again)
        assert (dead.is_open, other.is_open, new.predecessors) == (False, True, (held,))
        assert new.tunnel is held.tunnel


@pytest.mark.parametrize("hello", [STARTED_ANEW, FOREIGN])
async def test_a_newer_tunnel_ends_every_connection_of_the_one_it_replaces(hello: TunnelHello) -> None:
    registry = _registry(replace_foreign=True)
    async with _session() as one, _session() as two, _session() as newer:
        old = (registry.add(FIRST, one), registry.add(SECOND, two))
        assert registry.add(hello, newer).predecessors == old
        assert (one.is_open, two.is_open, registry.find("s", "A")) == (False, False, newer)


async def test_every_connection_of_a_newer_tunnel_waits_for_the_end_of_the_old_one() -> None:
    registry = _registry()
    async with _session() as one, _session() as newer, _session() as also_newer:
        old = registry.add(FIRST, one)
        registry.add(STARTED_ANEW, newer)
        second = dataclasses.replace(STARTED_ANEW, connection=2)
        assert registry.add(second, also_newer).predecessors == (old,)


async def test_a_tunnel_that_was_replaced_does_not_come_back_by_dialling_again() -> None:
    registry = _registry(replace_foreign=True)
    async with _session() as old, _session() as new:
        registry.add(FIRST, old)
        registry.add(FOREIGN, new)
        assert not registry.admits(FIRST)
        assert registry.admits(STARTED_ANEW)


async def test_a_replaced_tunnel_may_come_back_once_the_place_is_free() -> None:
    registry = _registry(replace_foreign=True)
    async with _session() as old, _session() as new:
        registry.add(FIRST, old)
        registry.remove(registry.add(FOREIGN, new))
        assert registry.admits(FIRST)


async def test_what_a_place_remembers_of_replaced_tunnels_is_bounded() -> None:
    registry = _registry(replace_foreign=True)
    async with _session() as session:
        for number in range(MAX_REPLACED_IDS + 9):
            tunnel = registry.add(dataclasses.replace(FIRST, tunnel_id=f"tunnel {number}"), session).tunnel
        assert len(tunnel.replaced_ids) == MAX_REPLACED_IDS


async def test_removing_the_replaced_tunnel_leaves_the_new_one() -> None:
    registry = _registry()
    async with _session() as old, _session() as new:
        replaced = registry.add(FIRST, old)
        registry.add(STARTED_ANEW, new)
        registry.remove(replaced)
        assert registry.find("s", "A") is new


async def test_a_place_is_free_when_the_last_connection_was_removed() -> None:
    registry = _registry()
    async with _session() as one, _session() as two:
        first, second = registry.add(FIRST, one), registry.add(SECOND, two)
        registry.remove(first)
        assert not registry.admits(FOREIGN)
        registry.remove(second)
        assert registry.admits(FOREIGN)


async def test_the_connected_location_ids_of_a_subaccount_are_listed() -> None:
    registry = _registry()
    async with _session() as session:
        for subaccount, location_id in (("s", "B"), ("s", "A"), ("t", "C")):
            registry.add(TunnelHello(subaccount, location_id, "one", "0"), session)
        assert registry.location_ids("s") == ["A", "B"]


async def test_emptied_waits_until_the_end_of_each_connection_was_reported() -> None:
    registry = _registry()
    async with _session() as session:
        connection = registry.add(FIRST, session)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await registry.emptied()
        registry.remove(connection)
        connection.gone.set()
        await registry.emptied()

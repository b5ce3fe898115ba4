from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from connector_sim.cloud.registry import Tunnel, TunnelRegistry
from connector_sim.tunnel.session import TunnelSession
from maco_net.background import in_background
from tests.maco_net.pairs import tcp_pair


@contextlib.asynccontextmanager
async def _tunnel(location_id: str = "A", installation: str = "one", subaccount: str = "s") -> AsyncIterator[Tunnel]:
    """Yield a tunnel whose session runs."""
    async with tcp_pair() as (cloud, on_premise):
        session, other = TunnelSession(cloud, "client"), TunnelSession(on_premise, "server")
        running = asyncio.Event()

        async def run() -> None:
            running.set()
            await session.run()

        async def run_other() -> None:
            await other.run()

        async with in_background(run(), run_other()):
            await running.wait()
            yield Tunnel(subaccount, location_id, installation, session)


def _registry(*, replace_foreign: bool = False) -> TunnelRegistry:
    return TunnelRegistry(replace_foreign=replace_foreign)


async def test_a_tunnel_is_found_by_subaccount_and_location_id() -> None:
    registry = _registry()
    async with _tunnel() as tunnel:
        registry.add(tunnel)
        assert registry.find("s", "A") is tunnel.session
        assert (registry.find("s", "a"), registry.find("s", ""), registry.find("t", "A")) == (None, None, None)


async def test_a_tunnel_that_does_not_run_yet_is_not_found() -> None:
    registry = _registry()
    async with tcp_pair() as (cloud, _):
        registry.add(Tunnel("s", "A", "one", TunnelSession(cloud, "client")))
        assert registry.find("s", "A") is None


async def test_another_installation_is_not_admitted_to_a_place_that_is_taken() -> None:
    registry = _registry()
    async with _tunnel() as tunnel:
        registry.add(tunnel)
        assert not registry.admits("s", "A", "two")
        assert registry.admits("s", "B", "two")


async def test_the_same_installation_is_admitted_to_its_own_place() -> None:
    registry = _registry()
    async with _tunnel() as tunnel:
        registry.add(tunnel)
        assert registry.admits("s", "A", "one")


async def test_the_switch_admits_another_installation() -> None:
    registry = _registry(replace_foreign=True)
    async with _tunnel() as tunnel:
        registry.add(tunnel)
        assert registry.admits("s", "A", "two")


async def test_the_replaced_tunnel_is_ended_and_returned() -> None:
    registry = _registry()
    async with _tunnel() as old, _tunnel() as new:
        registry.add(old)
        assert registry.add(new) is old
        assert (old.session.is_open, registry.find("s", "A")) == (False, new.session)


async def test_removing_the_replaced_tunnel_leaves_the_new_one() -> None:
    registry = _registry()
    async with _tunnel() as old, _tunnel() as new:
        registry.add(old)
        registry.add(new)
        registry.remove(old)
        assert registry.find("s", "A") is new.session


async def test_the_connected_location_ids_of_a_subaccount_are_listed() -> None:
    registry = _registry()
    async with _tunnel("B") as second, _tunnel("A") as first, _tunnel("C", subaccount="t") as other:
        for tunnel in (second, first, other):
            registry.add(tunnel)
        assert registry.location_ids("s") == ["A", "B"]


async def test_emptied_waits_until_the_end_of_each_tunnel_was_reported() -> None:
    registry = _registry()
    async with _tunnel() as tunnel:
        registry.add(tunnel)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await registry.emptied()
        registry.remove(tunnel)
        tunnel.gone.set()
        await registry.emptied()

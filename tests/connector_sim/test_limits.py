"""Limits of open connections over the real chain: who is refused, what is told, and when a place is free again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from maco_net.streams import ByteStream
from maco_wire.observation import Party, StreamClosed, StreamRefused
from maco_wire.socks5 import Connected, ConnectRefused, Reply
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    OTHER_CLIENT,
    OTHER_SUBACCOUNT,
    REFUSED,
    SUBACCOUNT,
    TCP,
    Landscape,
    Trust,
    back_end,
    echo,
    landscape,
    tls_server,
)
from tests.connector_sim.landscape import TCPS as TCP_TLS

HOST, PORT = TCP.virtual_host, TCP.virtual_port
TOO_MANY = ConnectRefused(Reply.FAILURE)
BOTH = (SUBACCOUNT, OTHER_SUBACCOUNT)


@contextlib.asynccontextmanager
async def _limited(*, connector: int = 100, client: int = 100, **changes: Any) -> AsyncIterator[Landscape]:
    async with (
        landscape(
            TCP,
            TCP_TLS,
            subaccounts=BOTH,
            on_premise={"max_connections": connector},
            max_connections_per_client=client,
            **changes,
        ) as lab,
        back_end(lab, echo),
    ):
        yield lab


async def _opens(lab: Landscape, token: str | None = None) -> bool:
    return isinstance((await lab.dial(HOST, PORT, token=token)).answer, Connected)


async def test_a_connector_that_is_full_refuses_the_next_with_a_failure() -> None:
    async with _limited(connector=2) as lab:
        assert [await _opens(lab), await _opens(lab)] == [True, True]
        assert (await lab.dial(HOST, PORT)).answer == TOO_MANY


async def test_a_connector_that_is_full_tells_its_limit_and_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    async with _limited(connector=1) as lab:
        await lab.dial(HOST, PORT)
        for _ in range(3):
            await lab.dial(HOST, PORT)
        text = "limit reached: 1 connections are open; the setting is max_connections"
        assert [each.reason for each in lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)] == [text] * 3
        assert caplog.text.count(text) == 1


async def test_the_cloud_side_tells_that_the_connector_has_reached_a_limit() -> None:
    async with _limited(connector=1) as lab:
        await lab.dial(HOST, PORT)
        await lab.dial(HOST, PORT)
        (refused,) = lab.seen.of(StreamRefused, Party.CONNECTIVITY)
        assert (refused.reply, refused.reason) == (
            0x01,
            "the Cloud Connector has reached a limit: its log names the setting",
        )


async def test_the_limit_of_a_connector_is_over_all_its_subaccounts() -> None:
    async with _limited(connector=1) as lab:
        assert await _opens(lab)
        assert not await _opens(lab, lab.token(OTHER_CLIENT))


async def test_a_client_with_too_many_connections_is_refused_and_another_one_is_not() -> None:
    async with _limited(client=1) as lab:
        assert await _opens(lab)
        assert (await lab.dial(HOST, PORT)).answer == TOO_MANY
        assert await _opens(lab, lab.token(OTHER_CLIENT))


async def test_a_client_is_told_by_its_id_whatever_token_it_has() -> None:
    async with _limited(client=1) as lab:
        assert await _opens(lab, lab.token())
        assert not await _opens(lab, lab.token())


async def test_a_client_with_too_many_connections_is_told_with_the_limit_and_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with _limited(client=1) as lab:
        await lab.dial(HOST, PORT)
        for _ in range(3):
            await lab.dial(HOST, PORT)
        text = "limit reached: client 'maco' has 1 open connections; the setting is max_connections_per_client"
        assert [each.reason for each in lab.seen.of(StreamRefused, Party.CONNECTIVITY)] == [text] * 3
        assert caplog.text.count(text) == 1
        assert not lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR), "the connector is not even asked"


@pytest.mark.parametrize("limit", [{"connector": 1}, {"client": 1}])
@pytest.mark.parametrize("ending", ["end", "reset"])
async def test_a_connection_that_ended_leaves_its_place_to_the_next(limit: dict[str, int], ending: str) -> None:
    async with _limited(**limit) as lab:
        for count in range(1, 6):
            dialled = await lab.dial(HOST, PORT)
            assert isinstance(dialled.answer, Connected)
            if ending == "reset":
                dialled.stream.abort()
            else:
                await dialled.stream.send_eof()
                assert await dialled.read_all() == GREETING
            await lab.seen.wait_for(StreamClosed, count, Party.CLOUD_CONNECTOR)
            await lab.seen.wait_for(StreamClosed, count, Party.CONNECTIVITY)


@pytest.mark.parametrize("limit", [{"connector": 1}, {"client": 1}])
async def test_a_connection_that_was_never_opened_leaves_its_place_to_the_next(limit: dict[str, int]) -> None:
    async with _limited(**limit) as lab:
        del lab.names[(TCP.internal_host, TCP.internal_port)]
        for _ in range(3):
            assert (await lab.dial(HOST, PORT)).answer == REFUSED["host unreachable"]


@pytest.mark.parametrize("limit", [{"connector": 1}, {"client": 1}])
async def test_a_failed_handshake_leaves_its_place_to_the_next(limit: dict[str, int]) -> None:
    async with _limited(trust=Trust(), **limit) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        for _ in range(3):
            assert (await lab.dial(TCP_TLS.virtual_host, 993)).answer == REFUSED["host unreachable"]


@pytest.mark.parametrize("limit", [{"connector": 1}, {"client": 1}])
async def test_a_tunnel_that_was_lost_leaves_every_place_free(limit: dict[str, int]) -> None:
    async with _limited(**limit) as lab:
        tunnel = lab.connectors[0].tunnels[SUBACCOUNT]
        for count in (1, 2):
            assert await _opens(lab)
            await tunnel.disconnect()
            await lab.seen.wait_for(StreamClosed, 2 * count)
            tunnel.connect()
            async with asyncio.timeout(DEADLINE_S):
                await tunnel.tried.wait()


async def test_a_back_end_that_is_being_opened_holds_a_place_already() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: ByteStream) -> None:
        asked.set()
        await go_on.wait()

    async with (
        _limited(connector=1) as lab,
        back_end(lab, slow, port=993),
        asyncio.timeout(DEADLINE_S),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(lab.dial(TCP_TLS.virtual_host, 993))
        await asked.wait()
        assert (await lab.dial(HOST, PORT)).answer == TOO_MANY
        go_on.set()


async def test_clients_that_never_ask_take_no_place_of_those_that_do() -> None:
    async with _limited(connector=1, client=1) as lab:
        for _ in range(20):
            silent = await lab.raw()
            await silent.send(b"\x05\x01\x80")
            assert await silent.receive() == b"\x05\x80"
        assert await _opens(lab)


async def test_clients_that_never_ask_are_let_go_so_that_others_get_their_turn() -> None:
    async with _limited(max_connections=3, negotiation_s=0.2) as lab:
        for _ in range(3):
            await lab.raw()
        assert await _opens(lab)

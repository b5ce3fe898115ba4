"""Dialling: directly, and through SAP's SOCKS5 proxy with its refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from maco_client.results import PollResult
from maco_client.settings import Protection, ProxyType, SocksProxy, TokenService
from maco_client.token import TokenSource
from maco_net.listener import Listener
from maco_wire.canary import Canary
from maco_wire.observation import CanarySeen
from tests.maco_client.bench import HOST, Bench, make_connection
from tests.maco_client.scripted_server import (
    Drip,
    Hang,
    ScriptedProxy,
    ScriptedServer,
    Send,
    Step,
    found,
    greeting,
    in_clear,
    left,
    logged_in,
    opened,
    running,
)

AFTER_GREETING: list[Step] = [*in_clear(), *logged_in(), *opened(exists=0), *found(), *left()]


class FixedToken(TokenSource):
    """Has its token already."""

    def __init__(self, token: str = "token1234") -> None:
        super().__init__(TokenService("http://127.0.0.1", "client", "secret"))
        self.value = token
        self.forgotten = 0

    async def token(self) -> str:
        return self.value

    def forget(self) -> None:
        self.forgotten += 1


@asynccontextmanager
async def serving(**refusal: Any) -> AsyncIterator[ScriptedProxy]:
    script: list[Step] = AFTER_GREETING if refusal.get("glued") else [*greeting(), *AFTER_GREETING]
    proxy = ScriptedProxy(ScriptedServer([script]), **refusal)
    async with running(proxy):
        yield proxy


async def poll_through(
    bench: Bench, proxy: ScriptedProxy, tokens: TokenSource | None = None, **settings: Any
) -> PollResult:
    more = {"location_id": "PLANT1", "address": f"{HOST}:1143"} | settings
    connection = make_connection(Protection.OFF, proxy_type=ProxyType.ON_PREMISE, **more)
    poller = bench.poller(
        connection,
        ("192.0.2.1", 1),  # RFC 5737: leads nowhere, so nothing goes past the proxy
        proxy=SocksProxy(*proxy.address),
        tokens=tokens or FixedToken(),
        canaries=[Canary(3, "token", "token1234")],
    )
    return await poller.poll()


async def test_on_premise_goes_through_the_proxy_with_token_and_location_id(bench: Bench) -> None:
    async with serving() as proxy:
        result = await poll_through(bench, proxy)
    assert result.succeeded, result
    assert proxy.asked == [("token1234", "PLANT1", HOST, 1143)]
    assert proxy.server.surprises == []


async def test_an_empty_location_id_asks_for_the_connector_without_one(bench: Bench) -> None:
    async with serving() as proxy:
        await poll_through(bench, proxy, location_id="")
    assert proxy.asked[0][1] == ""


async def test_a_greeting_glued_to_the_reply_is_not_lost(bench: Bench) -> None:
    async with serving(glued=b"* OK ready\r\n") as proxy:
        result = await poll_through(bench, proxy)
    assert result.succeeded, result


async def test_half_a_greeting_glued_to_the_reply_is_completed(bench: Bench) -> None:
    script: list[Step] = [Send(b"K ready\r\n"), *AFTER_GREETING]
    proxy = ScriptedProxy(ScriptedServer([script]), glued=b"* O")
    async with running(proxy):
        result = await poll_through(bench, proxy)
    assert result.succeeded, result


@pytest.mark.parametrize(
    ("reply", "text", "hint"),
    # facts 6: the JDK's text, SAP's name of the code, and the setting in SAP's words
    [
        (0x01, "SOCKS server general failure (0x01 FAILURE)", "Internal Host"),
        (
            0x02,
            "SOCKS: Connection not allowed by ruleset (0x02 FORBIDDEN)",
            f"no mapping for the virtual host {HOST}:1143",
        ),
        (0x03, "SOCKS: Network unreachable (0x03 NETWORK_UNREACHABLE)", "Location ID 'PLANT1'"),
        (0x04, "SOCKS: Host unreachable (0x04 HOST_UNREACHABLE)", "Backend Trust Store"),
        (0x05, "SOCKS: Connection refused (0x05 CONNECTION_REFUSED)", "Service binding"),
        (0x07, "SOCKS: Command not supported (0x07 COMMAND_UNSUPPORTED)", "proxy"),
        (0x5B, "SOCKS: unknown reply (0x5B unknown)", "proxy"),
    ],
)
async def test_a_refusal_is_told_with_its_reply_and_the_setting_to_look_at(
    bench: Bench, reply: int, text: str, hint: str
) -> None:
    async with serving(reply=reply) as proxy:
        result = await poll_through(bench, proxy)
    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", reply)
    assert result.error == (
        f"MailConnectException: Couldn't connect to host, port: {HOST}, 1143; timeout 5000; nested exception is: {text}"
    )
    assert hint in result.hint


async def test_a_refused_token_is_an_authentication_failure_and_is_forgotten(bench: Bench) -> None:
    tokens = FixedToken()
    async with serving(status=5) as proxy:
        result = await poll_through(bench, proxy, tokens)
    assert (result.stage, result.socks_reply, tokens.forgotten) == ("socks", None, 1)
    assert "Authentication failed! (status 0x05)" in result.error  # facts 6, M06
    assert "Service binding" in result.hint


async def test_reply_05_means_authentication_too_and_forgets_the_token(bench: Bench) -> None:
    tokens = FixedToken()
    async with serving(reply=5) as proxy:
        await poll_through(bench, proxy, tokens)
    assert tokens.forgotten == 1


async def test_a_token_that_is_none_fails_before_anything_is_sent(bench: Bench) -> None:
    async with serving() as proxy:
        result = await poll_through(bench, proxy, FixedToken("two words"))
    assert (result.succeeded, result.stage, proxy.asked) == (False, "socks", [])


async def test_a_proxy_that_is_not_there_is_a_failed_dial(bench: Bench) -> None:
    listener = Listener("127.0.0.1", 0)
    listener.close()
    absent = ScriptedProxy(ScriptedServer([]), address=listener.address)
    result = await poll_through(bench, absent)
    assert result.stage == "dial"
    assert "Connection refused" in result.error
    assert "SOCKS5 proxy" in result.hint


async def test_something_else_in_place_of_the_proxy_is_told_as_such(bench: Bench) -> None:
    server = ScriptedServer([greeting()])
    async with running(server):
        result = await poll_through(bench, ScriptedProxy(server, address=server.address))
    assert (result.stage, result.socks_reply) == ("socks", None)
    assert "SOCKS5" in result.error


async def test_a_proxy_that_closes_is_a_dropped_connection(bench: Bench) -> None:
    server = ScriptedServer([[]])
    async with running(server):
        result = await poll_through(bench, ScriptedProxy(server, address=server.address))
    assert (result.stage, "Connection dropped by server?" in result.error) == ("socks", True)


async def test_a_proxy_that_hangs_is_a_read_time_out(bench: Bench) -> None:
    listener = Listener("127.0.0.1", 0)  # listens and never accepts
    silent = ScriptedProxy(ScriptedServer([]), address=listener.address)
    result = await poll_through(bench, silent, timeout_ms=100)
    listener.close()
    assert (result.stage, "Read timed out" in result.error) == ("socks", True)


async def test_a_proxy_that_answers_byte_by_byte_is_a_read_time_out(bench: Bench) -> None:
    # METHOD with 0x80 accepted, authentication accepted, and CONNECT answered with a long bound name: facts 1.2
    replies = b"\x05\x80" + b"\x01\x00" + b"\x05\x00\x00\x03\x28" + b"x" * 40 + b"\x00\x00"
    server = ScriptedServer([[Drip(replies, 0.02), Hang()]])
    async with running(server):
        result = await poll_through(bench, ScriptedProxy(server, address=server.address), timeout_ms=200)
    assert (result.stage, "Read timed out" in result.error) == ("socks", True)


async def test_without_a_proxy_on_premise_fails_and_does_not_go_directly(bench: Bench) -> None:
    server = ScriptedServer([])
    async with running(server):
        connection = make_connection(Protection.OFF, proxy_type=ProxyType.ON_PREMISE)
        result = await bench.poller(connection, server.address).poll()
    assert (result.succeeded, result.stage, server.connections) == (False, "socks", 0)


async def test_the_internet_is_dialled_directly(bench: Bench) -> None:
    listener = Listener("127.0.0.1", 0)
    listener.close()
    result = await bench.poller(make_connection(), listener.address).poll()
    assert (result.stage, result.socks_reply) == ("dial", None)
    assert result.error.startswith(f"MailConnectException: Couldn't connect to host, port: {HOST}, 143; timeout 5000")
    assert "Connection refused" in result.error


async def test_a_token_canary_is_seen_on_its_way_to_the_proxy(bench: Bench) -> None:
    async with serving() as proxy:
        await poll_through(bench, proxy)
    assert [each.canary for each in bench.journal.all(CanarySeen)] == [3]

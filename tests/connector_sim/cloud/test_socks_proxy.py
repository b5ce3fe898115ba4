from __future__ import annotations

import logging
from typing import Any

import pytest

from connector_sim.cloud.tokens import Tokens
from maco_wire.observation import Problem, TokenRefused
from maco_wire.socks5 import AuthenticationRefused, Connected
from tests.connector_sim.cloud.socks_messages import HOST, PORT, answers, connect_message, token_message
from tests.connector_sim.landscape import (
    CLIENT,
    GREETING,
    OTHER_SUBACCOUNT,
    SIGNING_KEY,
    SUBACCOUNT,
    TCP,
    Landscape,
    back_end,
    cloud_settings,
    cloud_side,
    echo,
    landscape,
    mapping,
    read_all,
)

# Tokens


def _expired(lab: Landscape) -> str:
    return Tokens(cloud_settings(), SIGNING_KEY, clock=lambda: 1_000_000_000.0).issue(CLIENT)


def _tampered(lab: Landscape) -> str:
    head, claims, signature = lab.token().split(".")
    return f"{head}.{claims}.{signature[:-6]}AAAAAA"


@pytest.mark.parametrize("make", [_expired, _tampered], ids=["expired", "tampered"])
async def test_a_bad_token_is_status_05_and_a_close(make: Any) -> None:
    async with landscape(TCP) as lab:
        said = await answers(lab, b"\x05\x01\x80", token_message(make(lab)))
        assert said == b"\x05\x80" + b"\x01\x05"
        assert len(lab.seen.of(TokenRefused)) == 1


async def test_a_bad_token_may_be_status_00_and_then_reply_05() -> None:
    async with landscape(TCP, bad_token_answer="reply") as lab:
        said = await answers(lab, b"\x05\x01\x80", token_message(_expired(lab)), connect_message())
        assert said == b"\x05\x80" + b"\x01\x00" + b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"


async def test_a_token_of_an_unknown_subaccount_is_refused() -> None:
    async with landscape(TCP) as lab:
        settings = cloud_settings(subaccounts=frozenset({"gone", SUBACCOUNT, OTHER_SUBACCOUNT}))
        gone = Tokens(settings, SIGNING_KEY).issue(type(CLIENT)("maco", "x", "gone"))
        assert (await lab.dial(HOST, PORT, token=gone)).answer == AuthenticationRefused(0x05)


# The protocol


@pytest.mark.parametrize("methods", [b"\x05\x01\x00", b"\x05\x01\x02", b"\x05\x02\x00\x02", b"\x05\x00"])
async def test_a_client_without_method_80_is_refused_with_ff(methods: bytes) -> None:
    # RFC 1928, section 3: "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable"
    async with cloud_side() as lab:
        assert await answers(lab, methods) == b"\x05\xff"


async def test_method_80_is_chosen_among_others() -> None:
    async with cloud_side() as lab:
        stream = await lab.raw()
        await stream.send(b"\x05\x03\x00\x02\x80")
        assert await stream.receive() == b"\x05\x80"


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"\x05\x02\x00\x03\x01a\x00\x8f", 0x07),  # BIND
        (b"\x05\x03\x00\x03\x01a\x00\x8f", 0x07),  # UDP ASSOCIATE
        (b"\x05\x01\x00\x04" + bytes(16) + b"\x00\x8f", 0x08),  # IPv6
    ],
    ids=["BIND", "UDP", "IPv6"],
)
async def test_what_the_service_does_not_know_is_refused_with_its_reply(request_: bytes, reply: int) -> None:
    async with cloud_side() as lab:
        said = await answers(lab, b"\x05\x01\x80", token_message(lab.token()), request_)
        assert said[4:] == bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])


async def test_a_refusal_reaches_a_client_that_had_sent_too_much() -> None:
    async with cloud_side() as lab:
        assert await answers(lab, b"\x05\x01\x00" + b"x" * 200_000) == b"\x05\xff"


async def test_what_is_no_socks_is_closed_and_reported() -> None:
    async with cloud_side() as lab:
        assert await answers(lab, b"GET / HTTP/1.1\r\n\r\n") == b""
        assert len(await lab.seen.wait_for(Problem)) == 1


async def test_a_client_that_only_looks_whether_somebody_listens_is_no_problem() -> None:
    async with cloud_side() as lab:
        stream = await lab.raw()
        await stream.send_eof()
        assert await read_all(stream) == b""
        assert lab.seen.observations == []


async def test_a_client_that_dawdles_is_cut_off_and_reported() -> None:
    async with cloud_side(negotiation_s=0.05) as lab:
        stream = await lab.raw()
        await stream.send(b"\x05\x01")
        assert await read_all(stream) == b""
        (problem,) = lab.seen.of(Problem)
        assert problem.text == "no CONNECT request within 0.05 s"


async def test_the_handshake_may_arrive_byte_by_byte() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        stream = await lab.raw()
        for message, answer in (
            (b"\x05\x01\x80", 2),
            (token_message(lab.token()), 2),
            (connect_message(), 10 + len(GREETING)),
        ):
            for each in message:
                await stream.send(bytes([each]))
            said = bytearray()
            while len(said) < answer:
                said += await stream.receive(answer - len(said))
        assert said.endswith(GREETING)


async def test_a_slow_client_does_not_hold_up_another() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await lab.raw()
        assert isinstance((await lab.dial(HOST, PORT)).answer, Connected)


async def test_the_methods_offered_are_named_when_they_are_refused() -> None:
    async with cloud_side() as lab:
        await answers(lab, b"\x05\x01\x02")
        assert "offered: 02" in lab.seen.of(Problem)[0].text


# Secrets


async def test_no_token_reaches_an_observation_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with landscape(TCP, mapping("down.virtual", 1)) as lab, back_end(lab, echo):
        tokens = [lab.token(), _expired(lab), _tampered(lab)]
        for token in tokens:
            await lab.dial(HOST, PORT, token=token)
            await lab.dial("down.virtual", 1, token=token)
            await lab.dial("other.virtual", 1, token=token)
        assert len(lab.seen.of(TokenRefused)) == 6
        shown = lab.seen.text() + caplog.text
        assert not [part for token in tokens for part in token.split(".")[1:] if part in shown]

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from connector_sim.cloud.tokens import Tokens
from maco_net.errors import PeerReset
from maco_net.streams import ByteStream
from maco_wire.observation import Party, Problem, StreamClosed, StreamOpened, StreamRefused, TokenRefused
from maco_wire.socks5 import AuthenticationRefused, Connected, ConnectRefused
from tests.connector_sim.landscape import (
    CLIENT,
    DEADLINE_S,
    GREETING,
    OTHER_CLIENT,
    OTHER_SUBACCOUNT,
    REFUSED,
    SIGNING_KEY,
    SUBACCOUNT,
    TCP,
    TCPS,
    Landscape,
    Trust,
    back_end,
    cloud_settings,
    cloud_side,
    echo,
    landscape,
    mapping,
    read_all,
    tls_server,
)

HOST, PORT = TCP.virtual_host, TCP.virtual_port


async def _answers(lab: Landscape, *messages: bytes) -> bytes:
    """Send raw messages, one after each answer, and return everything the proxy said until it closed."""
    stream = await lab.raw()
    said = bytearray()
    async with asyncio.timeout(DEADLINE_S):
        for message in messages:
            await stream.send(message)
            said += await stream.receive()
        return bytes(said) + await read_all(stream)


def _token_message(token: str, location: bytes = b"V0VSSzE=") -> bytes:
    # facts, section 1.1: 01 + L4 + JWT + l1 + LOC (Base64 of "WERK1" here)
    return b"\x01" + len(token).to_bytes(4, "big") + token.encode() + bytes([len(location)]) + location


def _connect_message(host: str = HOST, port: int = PORT) -> bytes:
    return b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big")


# Reaching a back end


async def test_the_back_end_is_reached_and_its_greeting_is_not_lost() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        dialled = await lab.dial(HOST, PORT)
        assert isinstance(dialled.answer, Connected)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        await dialled.stream.send(b"a1 NOOP\r\n")
        assert await dialled.read_exactly(9) == b"a1 NOOP\r\n"


async def test_success_is_answered_with_atyp_1_which_saps_sample_client_can_skip() -> None:
    # facts, section 1.1: "answer only with ATYP 1 or 3"; then the greeting, byte for byte
    async with landscape(TCP) as lab, back_end(lab, echo):
        stream = await lab.raw()
        said = bytearray()
        for message in (b"\x05\x01\x80", _token_message(lab.token()), _connect_message()):
            await stream.send(message)
            said += await stream.receive()
        while len(said) < 14 + len(GREETING):
            said += await stream.receive()
        assert said == b"\x05\x80" + b"\x01\x00" + b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00" + GREETING


async def test_payload_sent_behind_the_request_is_not_lost() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        stream = await lab.raw()
        for message in (b"\x05\x01\x80", _token_message(lab.token())):
            await stream.send(message)
            await stream.receive()
        await stream.send(_connect_message() + b"a1 NOOP\r\n")
        await stream.send_eof()
        assert (await read_all(stream)).endswith(GREETING + b"a1 NOOP\r\n")


async def test_virtual_hosts_are_found_whatever_their_case() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        assert isinstance((await lab.dial(HOST.upper(), PORT)).answer, Connected)


async def test_both_parties_report_the_stream_under_one_trace_id() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await lab.dial(HOST, PORT)
        ours, theirs = await lab.seen.wait_for(StreamOpened, 2)
        assert ours.trace_id == theirs.trace_id
        assert {ours.party, theirs.party} == {Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}


async def test_both_parties_report_the_end_with_the_same_counts() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        dialled = await lab.dial(HOST, PORT)
        await dialled.stream.send(b"12345")
        await dialled.stream.send_eof()
        assert await dialled.read_all() == GREETING + b"12345"
        closed = await lab.seen.wait_for(StreamClosed, 2)
        assert {(each.bytes_to_mail_server, each.bytes_to_maco, each.ended_by) for each in closed} == {
            (5, 5 + len(GREETING), "end")
        }


async def test_a_client_that_is_gone_before_the_answer_leaves_nothing_open() -> None:
    closed_at_the_back_end = asyncio.Event()
    greeted = asyncio.Event()

    async def wait_for_the_end(stream: ByteStream) -> None:
        greeted.set()
        with contextlib.suppress(PeerReset):
            await stream.receive()
        closed_at_the_back_end.set()

    async with landscape(TCP) as lab, back_end(lab, wait_for_the_end):
        stream = await lab.raw()
        for message in (b"\x05\x01\x80", _token_message(lab.token())):
            await stream.send(message)
            await stream.receive()
        await stream.send(_connect_message())
        stream.abort()
        async with asyncio.timeout(DEADLINE_S):
            await greeted.wait()
            await closed_at_the_back_end.wait()
        await lab.seen.wait_for(StreamClosed, 1, Party.CLOUD_CONNECTOR)
        assert lab.cloud.registry.find(SUBACCOUNT, "WERK1").open_streams == 0  # type: ignore[union-attr]


# Routing


async def test_no_mapping_is_reply_02() -> None:
    async with landscape(TCP) as lab:
        assert (await lab.dial("other.virtual", PORT)).answer == REFUSED["forbidden"]


async def test_the_internal_name_opens_nothing() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        assert (await lab.dial(TCP.internal_host, TCP.internal_port)).answer == REFUSED["forbidden"]


async def test_a_wrong_location_id_is_reply_03_and_the_connected_ones_are_named_in_the_report() -> None:
    async with landscape(TCP, location_ids=("WERK1", "")) as lab:
        assert (await lab.dial(HOST, PORT, location_id="werk1")).answer == REFUSED["network unreachable"]
        (refused,) = lab.seen.of(StreamRefused)
        assert (refused.reply, refused.reason) == (
            3,
            "no Cloud Connector with location ID 'werk1' is connected; connected: '', 'WERK1'",
        )


async def test_without_any_connector_it_is_reply_03() -> None:
    async with cloud_side() as lab:
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["network unreachable"]


async def test_a_back_end_that_is_down_is_reply_04() -> None:
    async with landscape(TCP) as lab:
        async with back_end(lab, echo):
            pass  # its address stays in the table, and nobody listens there any more
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["host unreachable"]


async def test_an_internal_name_that_is_unknown_is_reply_04() -> None:
    async with landscape(TCP) as lab:
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["host unreachable"]


async def test_each_location_id_leads_to_its_own_connector() -> None:
    async with landscape(TCP, location_ids=("WERK1", "WERK2", "")) as lab, back_end(lab, echo):
        for location_id in ("WERK1", "WERK2", ""):
            assert isinstance((await lab.dial(HOST, PORT, location_id=location_id)).answer, Connected)
        opened = lab.seen.of(StreamOpened, Party.CLOUD_CONNECTOR)
        assert [each.location_id for each in opened] == ["WERK1", "WERK2", ""]


async def test_the_token_decides_whose_connector_is_used() -> None:
    both = (SUBACCOUNT, OTHER_SUBACCOUNT)
    async with landscape(TCP, subaccounts=both) as lab, back_end(lab, echo):
        await lab.dial(HOST, PORT, token=lab.token(OTHER_CLIENT))
        await lab.dial(HOST, PORT, token=lab.token(CLIENT))
        opened = lab.seen.of(StreamOpened, Party.CLOUD_CONNECTOR)
        assert [each.subaccount for each in opened] == [OTHER_SUBACCOUNT, SUBACCOUNT]


async def test_a_subaccount_does_not_reach_the_connector_of_another() -> None:
    async with landscape(TCP, subaccounts=(OTHER_SUBACCOUNT,)) as lab, back_end(lab, echo):
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["network unreachable"]


async def test_a_connector_that_does_not_answer_is_reply_04() -> None:
    never = asyncio.Event()

    async def stuck(*_: object) -> None:
        await never.wait()

    async with landscape(TCP, open_s=0.05) as lab:
        lab.connectors[0]._back_ends.open = stuck  # type: ignore[method-assign, assignment]
        assert (await lab.dial(HOST, PORT)).answer == REFUSED["host unreachable"]


async def test_a_connector_that_fails_by_a_defect_is_reply_01(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("a defect")

    async with landscape(TCP) as lab:
        lab.connectors[0]._back_ends.open = broken  # type: ignore[method-assign, assignment]
        assert (await lab.dial(HOST, PORT)).answer == ConnectRefused(0x01)
    assert "a stream failed through a defect" in caplog.text


# TLS between connector and back end


@pytest.mark.parametrize(
    ("setting", "answer"),
    [("host_unreachable", ConnectRefused(0x04)), ("failure", ConnectRefused(0x01))],
)
async def test_an_untrusted_back_end_is_answered_as_set(setting: str, answer: ConnectRefused) -> None:
    async with (
        landscape(TCPS, trust=Trust(), untrusted_back_end_answer=setting) as lab,
        back_end(lab, echo, port=993, tls=tls_server()),
    ):
        assert (await lab.dial(HOST, 993)).answer == answer


async def test_an_untrusted_back_end_may_be_answered_with_success_and_a_close() -> None:
    async with (
        landscape(TCPS, trust=Trust(), untrusted_back_end_answer="success_then_close") as lab,
        back_end(lab, echo, port=993, tls=tls_server()),
    ):
        dialled = await lab.dial(HOST, 993)
        assert isinstance(dialled.answer, Connected)
        assert await dialled.read_all() == b""
        assert [each.reply for each in lab.seen.of(StreamRefused, Party.CONNECTIVITY)] == [0]


# Tokens


def _expired(lab: Landscape) -> str:
    return Tokens(cloud_settings(), SIGNING_KEY, clock=lambda: 1_000_000_000.0).issue(CLIENT)


def _tampered(lab: Landscape) -> str:
    head, claims, signature = lab.token().split(".")
    return f"{head}.{claims}.{signature[:-6]}AAAAAA"


@pytest.mark.parametrize("make", [_expired, _tampered], ids=["expired", "tampered"])
async def test_a_bad_token_is_status_05_and_a_close(make: Any) -> None:
    async with landscape(TCP) as lab:
        said = await _answers(lab, b"\x05\x01\x80", _token_message(make(lab)))
        assert said == b"\x05\x80" + b"\x01\x05"
        assert len(lab.seen.of(TokenRefused)) == 1


async def test_a_bad_token_may_be_status_00_and_then_reply_05() -> None:
    async with landscape(TCP, bad_token_answer="reply") as lab:
        said = await _answers(lab, b"\x05\x01\x80", _token_message(_expired(lab)), _connect_message())
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
        assert await _answers(lab, methods) == b"\x05\xff"


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
        said = await _answers(lab, b"\x05\x01\x80", _token_message(lab.token()), request_)
        assert said[4:] == bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])


async def test_a_refusal_reaches_a_client_that_had_sent_too_much() -> None:
    async with cloud_side() as lab:
        assert await _answers(lab, b"\x05\x01\x00" + b"x" * 200_000) == b"\x05\xff"


async def test_what_is_no_socks_is_closed_and_reported() -> None:
    async with cloud_side() as lab:
        assert await _answers(lab, b"GET / HTTP/1.1\r\n\r\n") == b""
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
            (_token_message(lab.token()), 2),
            (_connect_message(), 10 + len(GREETING)),
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
        await _answers(lab, b"\x05\x01\x02")
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

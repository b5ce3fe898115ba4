from __future__ import annotations

import asyncio
import contextlib

import pytest

from maco_net.errors import PeerReset
from maco_net.streams import ByteStream
from maco_wire.observation import Party, StreamClosed, StreamOpened, StreamRefused
from maco_wire.socks5 import Connected, ConnectRefused
from maco_wire.tunnel_messages import (
    OpenAccepted,
    OpenRefused,
    OpenRequest,
    RefusalReason,
    encode_answer,
    encode_open_request,
)
from tests.connector_sim.cloud.socks_messages import HOST, PORT, connect_message, token_message
from tests.connector_sim.landscape import (
    CLIENT,
    DEADLINE_S,
    GREETING,
    OTHER_CLIENT,
    OTHER_SUBACCOUNT,
    REFUSED,
    SUBACCOUNT,
    TCP,
    TCPS,
    Trust,
    back_end,
    cloud_side,
    echo,
    landscape,
    read_all,
    scripted_connector,
    tls_server,
)

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
        for message in (b"\x05\x01\x80", token_message(lab.token()), connect_message()):
            await stream.send(message)
            said += await stream.receive()
        while len(said) < 14 + len(GREETING):
            said += await stream.receive()
        assert said == b"\x05\x80" + b"\x01\x00" + b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00" + GREETING


async def test_payload_sent_behind_the_request_is_not_lost() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        stream = await lab.raw()
        for message in (b"\x05\x01\x80", token_message(lab.token())):
            await stream.send(message)
            await stream.receive()
        await stream.send(connect_message() + b"a1 NOOP\r\n")
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
        for message in (b"\x05\x01\x80", token_message(lab.token())):
            await stream.send(message)
            await stream.receive()
        await stream.send(connect_message())
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


async def test_a_connection_that_one_side_has_ended_stands_still_as_long_as_the_cloud_side_allows() -> None:
    async def silent(stream: ByteStream) -> None:
        await asyncio.Event().wait()

    async with landscape(TCP, half_closed_s=0.05) as lab, back_end(lab, silent):
        dialled = await lab.dial(HOST, PORT)
        await dialled.stream.send_eof()
        (closed,) = await lab.seen.wait_for(StreamClosed, 1, Party.CONNECTIVITY)

    assert closed.ended_by == "timeout"


# What a connector may answer


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (encode_answer(OpenRefused(RefusalReason.NO_MAPPING)), 0x02),
        (encode_answer(OpenRefused(RefusalReason.BACK_END_UNREACHABLE)), 0x04),
        (encode_answer(OpenRefused(RefusalReason.BACK_END_TLS_FAILED)), 0x04),
        (encode_answer(OpenRefused(RefusalReason.LIMIT_REACHED)), 0x01),
        (encode_answer(OpenRefused(RefusalReason.INTERNAL_ERROR)), 0x01),
        (b"\x01\x77", 0x01),
        (b"HTTP/1.1 200 OK\r\n", 0x01),
        (b"", 0x01),
    ],
)
async def test_each_answer_of_a_connector_has_its_reply(answer: bytes, reply: int) -> None:
    async def serve(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(answer)
        await stream.send_eof()
        await stream.receive()

    async with cloud_side() as lab, scripted_connector(lab, serve):
        assert (await lab.dial(HOST, PORT)).answer == ConnectRefused(reply)


async def test_a_greeting_glued_to_the_connectors_answer_is_not_lost() -> None:
    async def serve(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(encode_answer(OpenAccepted()) + GREETING)
        await stream.receive()

    async with cloud_side() as lab, scripted_connector(lab, serve):
        assert await (await lab.dial(HOST, PORT)).read_exactly(len(GREETING)) == GREETING


async def test_behind_a_greeting_glued_to_the_connectors_answer_the_connection_goes_on() -> None:
    async def serve(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(encode_answer(OpenAccepted()) + GREETING)
        await stream.send((await stream.receive()).upper())

    async with cloud_side() as lab, scripted_connector(lab, serve):
        client = await lab.dial(HOST, PORT)
        await client.read_exactly(len(GREETING))
        await client.stream.send(b"a1 noop")
        assert await client.read_exactly(7) == b"A1 NOOP"


async def test_the_connector_is_asked_for_the_virtual_host_and_nothing_else() -> None:
    asked = bytearray()

    async def serve(stream: ByteStream) -> None:
        asked.extend(await stream.receive())

    async with cloud_side() as lab, scripted_connector(lab, serve):
        await lab.dial(HOST, PORT)
        trace_id = lab.seen.of(StreamRefused)[0].trace_id
        assert trace_id is not None
        assert asked == encode_open_request(OpenRequest(HOST, PORT, trace_id))


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

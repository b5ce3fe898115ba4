"""Requests and answers have the bytes that the module's own table gives: the format is ours."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.tunnel_messages import (
    OpenAccepted,
    OpenAnswerReader,
    OpenRefused,
    OpenRequest,
    OpenRequestReader,
    RefusalReason,
    encode_answer,
    encode_open_request,
)
from tests.maco_wire.deliveries import TRAILING, Deliver, either_way, in_pieces

REQUEST = OpenRequest("mail.virtual", 143, "c-17")
REQUEST_BYTES = b"\x01" + b"\x00\x8f" + b"\x0cmail.virtual" + b"\x04c-17"

visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
requests = st.builds(
    OpenRequest,
    st.text(visible, min_size=1, max_size=255),
    st.integers(1, 0xFFFF),
    st.text(visible, min_size=1, max_size=64),
)


def read_all(reader: OpenRequestReader, pieces: Iterable[bytes]) -> list[OpenRequest | None]:
    return [reader.receive_data(piece) for piece in pieces]


def test_a_request_is_version_port_host_and_trace_id() -> None:
    assert encode_open_request(REQUEST) == REQUEST_BYTES


@either_way
def test_a_request_is_read_when_its_last_byte_arrives(deliver: Deliver) -> None:
    reader = OpenRequestReader()
    *earlier, last = read_all(reader, deliver(REQUEST_BYTES))
    assert earlier == [None] * len(earlier)
    assert last == REQUEST
    assert reader.trailing_data == b""


def test_payload_behind_a_request_is_kept() -> None:
    reader = OpenRequestReader()
    assert reader.receive_data(REQUEST_BYTES + TRAILING) == REQUEST
    assert reader.trailing_data == TRAILING


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OpenAccepted(), "01 00"),
        (OpenRefused(RefusalReason.NO_MAPPING), "01 01"),
        (OpenRefused(RefusalReason.BACK_END_UNREACHABLE), "01 02"),
        (OpenRefused(RefusalReason.BACK_END_TLS_FAILED), "01 03"),
        (OpenRefused(RefusalReason.LIMIT_REACHED), "01 04"),
        (OpenRefused(RefusalReason.INTERNAL_ERROR), "01 05"),
    ],
)
def test_an_answer_is_version_and_one_byte(answer: OpenAccepted | OpenRefused, message: str) -> None:
    assert encode_answer(answer) == bytes.fromhex(message)
    reader = OpenAnswerReader()
    assert reader.receive_data(bytes.fromhex(message)[:1]) is None
    assert reader.receive_data(bytes.fromhex(message)[1:]) == answer


def test_payload_behind_an_answer_is_kept() -> None:
    reader = OpenAnswerReader()
    assert reader.receive_data(b"\x01\x00" + TRAILING) == OpenAccepted()
    assert reader.trailing_data == TRAILING


@either_way
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\x02\x00\x8f", "version"),
        (b"\x01\x00\x8f\x00", "host name"),
        (b"\x01\x00\x8f\x01h\x00", "trace ID"),
        (b"\x01\x00\x8f\x01h\x41", "trace ID of 1 to 64 bytes"),
        (b"\x01\x00\x00\x01h\x01t", "port"),
        (b"\x01\x00\x8f\x02\xc3\xbc\x01t", "visible ASCII"),
        (b"\x01\x00\x8f\x01 \x01t", "visible ASCII"),
        (b"\x01\x00\x8f\x01h\x01\n", "visible ASCII"),
    ],
    ids=[
        "version",
        "empty host",
        "empty trace ID",
        "long trace ID",
        "port 0",
        "host not ASCII",
        "space",
        "line break in trace ID",
    ],
)
def test_a_bad_request_is_an_error(deliver: Deliver, message: bytes, expected: str) -> None:
    reader = OpenRequestReader()
    with pytest.raises(RemoteProtocolError, match=expected):
        read_all(reader, deliver(message))


@pytest.mark.parametrize("message", [b"\x00", b"\x01\x06", b"\x01\xff"])
def test_a_bad_answer_is_an_error(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        OpenAnswerReader().receive_data(message)


def test_what_a_reader_holds_back_is_bounded() -> None:
    reader = OpenRequestReader()
    longest = encode_open_request(OpenRequest("h" * 255, 1, "t" * 64))
    assert len(longest) == 1 + 2 + 1 + 255 + 1 + 64
    for at in range(len(longest) - 1):
        assert reader.receive_data(longest[at : at + 1]) is None
    assert reader.receive_data(longest[-1:]) is not None


@pytest.mark.parametrize("reader", [OpenRequestReader(), OpenAnswerReader()])
def test_the_end_of_the_stream_before_the_message_is_an_error(reader: OpenRequestReader | OpenAnswerReader) -> None:
    reader.receive_data(b"\x01")
    with pytest.raises(RemoteProtocolError, match="end of the stream"):
        reader.receive_eof()


def test_the_end_of_the_stream_after_the_message_is_no_error() -> None:
    reader = OpenAnswerReader()
    reader.receive_data(b"\x01\x00")
    reader.receive_eof()


def test_payload_is_not_for_a_reader() -> None:
    reader = OpenAnswerReader()
    reader.receive_data(b"\x01\x00")
    with pytest.raises(LocalProtocolError):
        reader.receive_data(TRAILING)


@pytest.mark.parametrize(
    "changes",
    [
        {"virtual_host": ""},
        {"virtual_host": "h" * 256},
        {"virtual_host": "a b"},
        {"virtual_port": 0},
        {"virtual_port": 65536},
        {"trace_id": ""},
        {"trace_id": "t" * 65},
        {"trace_id": "ü"},
    ],
    ids=repr,
)
def test_a_request_that_does_not_fit_the_wire_is_refused_here(changes: dict[str, str | int]) -> None:
    with pytest.raises(LocalProtocolError):
        encode_open_request(dataclasses.replace(REQUEST, **changes))  # type: ignore[arg-type]


@given(requests, st.binary(max_size=50), st.lists(st.integers(0, 400), max_size=6))
def test_what_is_encoded_is_what_is_read(request: OpenRequest, payload: bytes, cuts: list[int]) -> None:
    reader = OpenRequestReader()
    pieces = list(in_pieces(encode_open_request(request), cuts))
    pieces[-1] += payload
    assert [message for piece in pieces if (message := reader.receive_data(piece))] == [request]
    assert reader.trailing_data == payload


@given(st.sampled_from([OpenRequestReader, OpenAnswerReader]), st.lists(st.binary(max_size=40), max_size=6))
def test_random_bytes_never_raise_anything_but_a_protocol_error(
    kind: type[OpenRequestReader | OpenAnswerReader], pieces: list[bytes]
) -> None:
    reader = kind()
    with contextlib.suppress(RemoteProtocolError):
        for piece in [b"\x01", *pieces]:
            if reader.receive_data(piece) is not None:
                break

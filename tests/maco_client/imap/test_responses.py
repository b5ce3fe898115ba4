"""Server bytes to responses; each case whole, byte by byte, and with a further response behind it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.imap.responses import MAX_RESPONSE_BYTES, ResponseReader
from maco_client.imap.values import (
    BodyChunk,
    BodyEnded,
    BodyStarted,
    CapabilityData,
    Condition,
    ContinuationRequest,
    ExistsData,
    FetchData,
    ListData,
    OtherData,
    Response,
    ResponseCode,
    SearchData,
    StatusResponse,
)
from maco_wire.exceptions import RemoteProtocolError

BEHIND = b"* BYE end\r\n"
BEHIND_VALUE = StatusResponse(None, Condition.BYE, "end")

# Lines "S:" of RFC 3501, section 8 ("Sample IMAP4rev1 Connection"), and of the sections named.
CASES: list[tuple[bytes, list[Response]]] = [
    (  # section 8
        b"* OK IMAP4rev1 Service Ready\r\n",
        [StatusResponse(None, Condition.OK, "IMAP4rev1 Service Ready")],
    ),
    (b"a001 OK LOGIN completed\r\n", [StatusResponse("a001", Condition.OK, "LOGIN completed")]),  # section 8
    (b"* 18 EXISTS\r\n", [ExistsData(18)]),  # section 8
    (b"* 2 RECENT\r\n", [OtherData("RECENT")]),  # section 8
    (b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n", [OtherData("FLAGS")]),  # section 8
    (
        b"* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",  # section 8
        [
            StatusResponse(
                None,
                Condition.OK,
                "[UIDVALIDITY 3857529045] UIDs valid",
                ResponseCode("UIDVALIDITY", "3857529045"),
            )
        ],
    ),
    (
        b"a002 OK [READ-WRITE] SELECT completed\r\n",  # section 8
        [StatusResponse("a002", Condition.OK, "[READ-WRITE] SELECT completed", ResponseCode("READ-WRITE"))],
    ),
    (
        b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI LOGINDISABLED\r\n",  # section 6.1.1
        [CapabilityData(frozenset({"IMAP4REV1", "STARTTLS", "AUTH=GSSAPI", "LOGINDISABLED"}))],
    ),
    (
        b'* LIST (\\Noselect) "/" ~/Mail/foo\r\n',  # section 7.2.2
        [ListData(frozenset({"\\noselect"}), "/", "~/Mail/foo")],
    ),
    (b"* LIST () NIL INBOX\r\n", [ListData(frozenset(), None, "INBOX")]),  # section 7.2.2: delimiter NIL
    (b'* LIST () "/" {7}\r\nfoo bar\r\n', [ListData(frozenset(), "/", "foo bar")]),  # section 9: mailbox = astring
    (b'* LIST () "\\\\" "a\\"b"\r\n', [ListData(frozenset(), "\\", 'a"b')]),  # section 9: quoted-specials
    (b'* LIST () "/" [Gmail]/All\r\n', [ListData(frozenset(), "/", "[Gmail]/All")]),  # section 9: "[" is an ATOM-CHAR
    (b"* SEARCH 2 3 6\r\n", [SearchData((2, 3, 6))]),  # section 7.2.5
    (b"* SEARCH\r\n", [SearchData(())]),  # section 9: "SEARCH" *(SP nz-number)
    (
        b"* 23 FETCH (FLAGS (\\Seen) RFC822.SIZE 44827 UID 4827313)\r\n",  # sections 7.4.2 and 6.4.8
        [FetchData(23, 4827313, frozenset({"\\seen"}), 44827)],
    ),
    (
        b"* 12 FETCH (UID 7 BODY[] {5}\r\nab\r\nc)\r\n",  # section 4.3: a literal holds any octets, CRLF included
        [BodyStarted(12, 5), BodyChunk(b"ab\r\nc"), BodyEnded(), FetchData(12, 7, body_streamed=True)],
    ),
    (
        b"* 12 FETCH (BODY[] {3}\r\nabc FLAGS (\\Seen) UID 7)\r\n",  # section 7.4.2: items come in any order
        [
            BodyStarted(12, 3),
            BodyChunk(b"abc"),
            BodyEnded(),
            FetchData(12, 7, frozenset({"\\seen"}), body_streamed=True),
        ],
    ),
    (
        b"* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n",  # an empty mail
        [BodyStarted(1, 0), BodyEnded(), FetchData(1, 7, body_streamed=True)],
    ),
    (b'* 1 FETCH (UID 7 BODY[] "abc")\r\n', [FetchData(1, 7, body=b"abc")]),  # section 9: nstring
    (b"* 1 FETCH (UID 7 BODY[] NIL)\r\n", [FetchData(1, 7)]),  # section 9: nstring
    (b"+ Ready for additional command text\r\n", [ContinuationRequest("Ready for additional command text")]),
    (b"* NO see {5}\r\n", [StatusResponse(None, Condition.NO, "see {5}")]),  # free text holds no literal
    (b"* OK\r\n", [StatusResponse(None, Condition.OK, "")]),  # some servers leave the text out
    (b'* ID ("name" "x")\r\n', [OtherData("ID")]),  # RFC 2971
    (b"* ok lower case\r\n", [StatusResponse(None, Condition.OK, "lower case")]),  # section 9: case-insensitive
    (b"* PREAUTH welcome\r\n", [StatusResponse(None, Condition.PREAUTH, "welcome")]),  # section 7.1.4
    (
        b"* OK \x1b[31mred\r\n",  # no terminal obeys a server
        [StatusResponse(None, Condition.OK, "\\x1b[31mred")],
    ),
]


def _read(reader: ResponseReader) -> list[Response]:
    responses = []
    while (response := reader.next_response()) is not None:
        responses.append(response)
    return responses


def _joined(responses: list[Response]) -> list[Response]:
    """Make one chunk of the neighbouring chunks of a body: their cuts are those of the reads."""
    joined: list[Response] = []
    for response in responses:
        if isinstance(response, BodyChunk) and joined and isinstance(joined[-1], BodyChunk):
            joined[-1] = BodyChunk(joined[-1].data + response.data)
        else:
            joined.append(response)
    return joined


def _whole(data: bytes) -> list[Response]:
    reader = ResponseReader()
    reader.receive_data(data)
    return _read(reader)


def _byte_by_byte(data: bytes) -> list[Response]:
    reader = ResponseReader()
    responses = []
    for at in range(len(data)):
        reader.receive_data(data[at : at + 1])
        responses += _read(reader)
    return _joined(responses)


DELIVERIES: list[Callable[[bytes], list[Response]]] = [_whole, _byte_by_byte]


@pytest.mark.parametrize("deliver", DELIVERIES)
@pytest.mark.parametrize(("data", "expected"), CASES)
def test_a_response_is_read_with_and_without_bytes_behind_it(
    data: bytes, expected: list[Response], deliver: Callable[[bytes], list[Response]]
) -> None:
    assert deliver(data) == expected
    assert deliver(data + BEHIND) == [*expected, BEHIND_VALUE]


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"*\r\n",
        b"* \r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"* OK bare line feed\n",
        b"* 1 FETCH\r\n",
        b"* 1 FETCH (UID)\r\n",
        b"* 1 FETCH (UID x)\r\n",
        b"* 1 FETCH (UID 99999999999)\r\n",
        b"* 1 FETCH (UID 1\r\n",
        b"* 1 FETCH (UID 1))\r\n",
        b"* 1 FETCH ((UID) 1)\r\n",
        b"* 1 FETCH (FLAGS x)\r\n",
        b"* SEARCH 1 x\r\n",
        b'* LIST () "/\r\n',
        b'* LIST "/" x\r\n',
        b"* X {4294967296}\r\n",
        b"* X [a\r\n",
        b"* X " + b"(" * 100 + b")" * 100 + b"\r\n",
        b"* (a) b\r\n",
    ],
)
def test_nonsense_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        _byte_by_byte(data)


def test_a_line_without_end_is_refused_at_64_kib() -> None:
    reader = ResponseReader()
    reader.receive_data(b"* OK " + b"x" * (MAX_RESPONSE_BYTES - 5))
    assert reader.next_response() is None
    reader.receive_data(b"x")
    with pytest.raises(RemoteProtocolError):
        reader.next_response()


def test_small_literals_count_against_the_bound_of_a_response() -> None:
    reader = ResponseReader()
    reader.receive_data(b"* LIST () NIL {%d}\r\n" % MAX_RESPONSE_BYTES)
    with pytest.raises(RemoteProtocolError, match="at most 65536"):
        reader.next_response()


def test_many_small_literals_together_are_bounded() -> None:
    reader = ResponseReader()
    reader.receive_data(b"* X " + b"{1000}\r\n" + (b"y" * 1000 + b" {1000}\r\n") * 70)
    with pytest.raises(RemoteProtocolError, match="at most 65536"):
        reader.next_response()


def test_a_body_is_passed_on_before_it_is_complete() -> None:
    reader = ResponseReader()
    reader.receive_data(b"* 1 FETCH (BODY[] {50000000}\r\nabc")
    assert _read(reader) == [BodyStarted(1, 50_000_000), BodyChunk(b"abc")]
    assert reader.take_rest() == b""


def test_a_body_may_be_larger_than_the_bound_of_a_response() -> None:
    size = 3 * MAX_RESPONSE_BYTES
    reader = ResponseReader()
    reader.receive_data(b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % size + b"x" * size + b")\r\n")
    assert [type(each) for each in _read(reader)] == [BodyStarted, BodyChunk, BodyEnded, FetchData]


def test_the_repr_of_a_chunk_shows_no_mail() -> None:
    assert "secret" not in repr(BodyChunk(b"secret"))
    assert "secret" not in repr(FetchData(1, body=b"secret"))


IMAP_LIKE = st.lists(
    st.sampled_from(
        [
            b"* ",
            b"OK",
            b" ",
            b"\r\n",
            b"FETCH (",
            b"BODY[] ",
            b"{3}\r\n",
            b"{",
            b"}",
            b"(",
            b")",
            b'"',
            b"\\",
            b"1",
            b"[",
        ]
    )
    | st.binary(max_size=4),
    max_size=40,
).map(b"".join)


@given(st.lists(IMAP_LIKE | st.binary(max_size=40), max_size=6))
def test_random_bytes_raise_nothing_but_a_protocol_error(pieces: list[bytes]) -> None:
    reader = ResponseReader()
    try:
        for piece in pieces:
            reader.receive_data(piece)
            _read(reader)
    except RemoteProtocolError:
        pass


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6))
def test_a_body_arrives_unchanged_whatever_the_reads(body: bytes, cuts: list[int]) -> None:
    data = b"* 1 FETCH (UID 9 BODY[] {%d}\r\n%b)\r\n" % (len(body), body)
    reader = ResponseReader()
    responses = []
    bounds = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in itertools.pairwise(bounds):
        reader.receive_data(data[start:end])
        responses += _read(reader)
    assert b"".join(each.data for each in responses if isinstance(each, BodyChunk)) == body
    assert responses[-1] == FetchData(1, 9, body_streamed=True)

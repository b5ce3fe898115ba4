"""The proxy's bytes are those of SAP's page "Using the TCP Protocol for Cloud Applications" (SAP) and of RFC 1928."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.socks5 import (
    Authenticated,
    AuthenticationRequested,
    Connected,
    ConnectRequested,
    MethodAccepted,
    Refused,
    Reply,
    Socks5Client,
    Socks5Server,
)
from maco_wire.socks5.addresses import four_octets
from maco_wire.socks5.server import MAX_EARLY_BYTES
from tests.maco_wire.deliveries import TRAILING, Deliver, collect, either_way, in_pieces

METHODS = bytes.fromhex("05 01 80")  # SAP, message 1
AUTHENTICATION = b"\x01\x00\x00\x00\x05a.b.c\x08TE9DMQ=="  # SAP, message 3, with location ID LOC1
CONNECT = b"\x05\x01\x00\x03\x0cmail.virtual\x00\x8f"  # SAP, message 5


def server_after(*messages: bytes) -> Socks5Server:
    """Return a server that has read the messages, accepting each token, with nothing left to send."""
    server = Socks5Server()
    for message in messages:
        if any(isinstance(event, AuthenticationRequested) for event in server.receive_data(message)):
            server.accept_authentication()
    server.data_to_send()
    return server


def reply_bytes(reply: int) -> bytes:
    return bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])  # RFC 1928, section 6, with ATYP 1


@either_way
@pytest.mark.parametrize("offer", [METHODS, bytes.fromhex("05 03 00 02 80")], ids=["80 alone", "80 among others"])
def test_method_80_is_chosen_where_it_is_offered(deliver: Deliver, offer: bytes) -> None:
    server = Socks5Server()
    assert collect(server.receive_data, deliver(offer)) == []
    assert server.data_to_send() == bytes.fromhex("05 80")  # SAP, message 2
    assert not server.must_close


@either_way
@pytest.mark.parametrize("offer", [bytes.fromhex("05 01 00"), bytes.fromhex("05 02 00 02"), bytes.fromhex("05 00")])
def test_without_method_80_the_answer_is_05_ff_and_the_end(deliver: Deliver, offer: bytes) -> None:
    server = Socks5Server()
    (event,) = collect(server.receive_data, deliver(offer))
    assert isinstance(event, Refused)
    assert (event.step, event.code) == ("method", 0xFF)
    # RFC 1928, section 3: "If the selected METHOD is X'FF', none of the methods … are acceptable"
    assert server.data_to_send() == bytes.fromhex("05 FF")
    assert server.must_close


@either_way
def test_the_token_and_the_decoded_location_id_are_handed_out(deliver: Deliver) -> None:
    server = server_after(METHODS)
    assert collect(server.receive_data, deliver(AUTHENTICATION)) == [AuthenticationRequested("a.b.c", "LOC1")]
    assert server.data_to_send() == b""


@either_way
def test_no_location_id_is_an_empty_one(deliver: Deliver) -> None:
    server = server_after(METHODS)
    message = b"\x01\x00\x00\x00\x05a.b.c\x00"
    assert collect(server.receive_data, deliver(message)) == [AuthenticationRequested("a.b.c", "")]


def test_a_location_id_may_be_any_printable_text() -> None:
    server = server_after(METHODS)
    location = base64.b64encode("Köln Süd".encode())
    message = b"\x01\x00\x00\x00\x05a.b.c" + bytes([len(location)]) + location
    assert server.receive_data(message) == [AuthenticationRequested("a.b.c", "Köln Süd")]


def test_an_accepted_token_is_answered_01_00() -> None:
    server = server_after(METHODS)
    server.receive_data(AUTHENTICATION)
    assert server.accept_authentication() == []
    assert server.data_to_send() == bytes.fromhex("01 00")  # SAP, message 4
    assert not server.must_close


@pytest.mark.parametrize(("status", "answer"), [(5, "01 05"), (1, "01 01")])
def test_a_refused_token_is_answered_01_and_the_status_and_the_end(status: int, answer: str) -> None:
    server = server_after(METHODS)
    server.receive_data(AUTHENTICATION)
    server.refuse_authentication(status)
    assert server.data_to_send() == bytes.fromhex(answer)
    assert server.must_close


def test_a_refused_token_is_answered_with_status_05_unless_told_otherwise() -> None:
    server = server_after(METHODS)
    server.receive_data(AUTHENTICATION)
    server.refuse_authentication()
    assert server.data_to_send() == bytes.fromhex("01 05")  # facts, 1.2: "send 01 05 and close"


@either_way
@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"\x01\x00\x00\x00\x00\x00", 5),
        (b"\x01\x00\x00\x00\x02\xc3\xbc\x00", 5),
        (b"\x01\x00\x00\x00\x03a b\x00", 5),
        (b"\x01\x00\x00\x00\x01a\x04T*9D", 1),
        (b"\x01\x00\x00\x00\x01a\x03TE9", 1),
        (b"\x01\x00\x00\x00\x01a\x04//79", 1),
        (b"\x01\x00\x00\x00\x01a\x04DQo=", 1),
        (b"\x01\x00\x00\x00\x01a\x02\xc3\xbc", 1),
    ],
    ids=[
        "no token",
        "token not ASCII",
        "token with a space",
        "location not Base64",
        "location without padding",
        "location not UTF-8",
        "location with a line break",
        "location not ASCII",
    ],
)
def test_an_unusable_token_or_location_is_refused_on_the_wire(deliver: Deliver, message: bytes, status: int) -> None:
    server = server_after(METHODS)
    (event,) = collect(server.receive_data, deliver(message))
    assert isinstance(event, Refused)
    assert (event.step, event.code) == ("authentication", status)
    assert server.data_to_send() == bytes([1, status])
    assert server.must_close


def test_a_token_length_beyond_64_kib_is_an_error_before_the_token_is_buffered() -> None:
    server = server_after(METHODS)
    with pytest.raises(RemoteProtocolError, match="65537 bytes"):
        server.receive_data(b"\x01" + (64 * 1024 + 1).to_bytes(4, "big"))


def test_a_token_of_64_kib_is_accepted() -> None:
    server = server_after(METHODS)
    token = b"x" * 64 * 1024
    events = server.receive_data(b"\x01" + len(token).to_bytes(4, "big") + token + b"\x00")
    assert events == [AuthenticationRequested(token.decode(), "")]


@either_way
@pytest.mark.parametrize(
    ("message", "host", "port"),
    [
        (CONNECT, "mail.virtual", 143),
        (b"\x05\x01\x00\x01\x0a\x00\x00\xff\x03\xe1", "10.0.0.255", 993),
        (b"\x05\x01\x00\x03\x04MaIl\xff\xff", "MaIl", 65535),
        (b"\x05\x01\x00\x03\xff" + b"h" * 255 + b"\x00\x01", "h" * 255, 1),
    ],
    ids=["DOMAIN", "IPv4", "as sent", "longest"],
)
def test_connect_hands_out_the_virtual_host_as_sent(deliver: Deliver, message: bytes, host: str, port: int) -> None:
    server = server_after(METHODS, AUTHENTICATION)
    assert collect(server.receive_data, deliver(message)) == [ConnectRequested(host, port)]
    assert server.data_to_send() == b""


@either_way
@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (bytes.fromhex("05 02 00 01"), 7),
        (bytes.fromhex("05 03 00 01"), 7),
        (bytes.fromhex("05 00 00 04"), 7),
        (bytes.fromhex("05 01 00 04"), 8),
        (bytes.fromhex("05 01 00 02"), 8),
        (b"\x05\x01\x00\x03\x00\x00\x8f", 1),
        (b"\x05\x01\x00\x03\x04a\r\nb\x00\x8f", 1),
        (b"\x05\x01\x00\x03\x02\xc3\xbc\x00\x8f", 1),
        (b"\x05\x01\x00\x03\x01a\x00\x00", 1),
        (b"\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x00", 1),
    ],
    ids=[
        "BIND",
        "UDP ASSOCIATE",
        "command before address type",
        "IPv6",
        "unknown address type",
        "empty host",
        "line break in host",
        "host not ASCII",
        "port 0",
        "port 0 of an IPv4 address",
    ],
)
def test_a_request_nobody_can_honour_is_refused_on_the_wire(deliver: Deliver, message: bytes, reply: int) -> None:
    server = server_after(METHODS, AUTHENTICATION)
    (event,) = collect(server.receive_data, deliver(message))
    assert isinstance(event, Refused)
    assert (event.step, event.code) == ("connect", reply)  # SAP's table of reply codes
    assert server.data_to_send() == reply_bytes(reply)
    assert server.must_close


def test_success_is_answered_with_address_type_1() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.accept()
    assert server.data_to_send() == bytes.fromhex("05 00 00 01 00000000 0000")  # SAP, message 6
    assert not server.must_close


def test_a_bound_name_is_answered_with_address_type_3() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.accept("mail", 143)
    assert server.data_to_send() == b"\x05\x00\x00\x03\x04mail\x00\x8f"  # RFC 1928, section 5


@pytest.mark.parametrize("reply", [code for code in Reply if code])
def test_each_reply_code_reaches_the_wire_unchanged(reply: Reply) -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.refuse(reply)
    assert server.data_to_send() == reply_bytes(reply)
    assert server.must_close


def test_an_accepted_token_can_still_end_in_reply_05() -> None:
    server = server_after(METHODS)
    server.receive_data(AUTHENTICATION)
    server.accept_authentication()
    server.receive_data(CONNECT)
    server.refuse(Reply.CONNECTION_REFUSED)
    assert server.data_to_send() == b"\x01\x00" + reply_bytes(5)  # facts, 1.2: "01 00 followed by REP 05"


def test_a_client_that_sends_ahead_is_read_in_turn() -> None:
    server = Socks5Server()
    assert server.receive_data(METHODS + AUTHENTICATION + CONNECT + TRAILING) == [
        AuthenticationRequested("a.b.c", "LOC1")
    ]
    assert server.data_to_send() == bytes.fromhex("05 80")
    assert server.accept_authentication() == [ConnectRequested("mail.virtual", 143)]
    server.accept()
    assert server.trailing_data == TRAILING


def test_payload_sent_while_the_back_end_is_dialled_is_kept() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    assert collect(server.receive_data, [TRAILING, b"more"]) == []
    server.accept()
    assert server.trailing_data == TRAILING + b"more"


def test_what_a_client_may_send_ahead_is_bounded() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.receive_data(bytes(MAX_EARLY_BYTES))
    with pytest.raises(RemoteProtocolError, match="sent ahead"):
        server.receive_data(b"x")


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ([], b"\x04\x01"),
        ([], b"GET / HTTP/1.1\r\n\r\n"),
        ([METHODS], b"\x05\x01\x00"),
        ([METHODS, AUTHENTICATION], b"\x04\x01\x00"),
    ],
    ids=["SOCKS4", "HTTP", "no sub-negotiation", "SOCKS4 request"],
)
def test_a_wrong_version_is_an_error(before: list[bytes], message: bytes) -> None:
    server = server_after(*before)
    with pytest.raises(RemoteProtocolError, match="version"):
        server.receive_data(message)
    assert server.must_close
    assert server.data_to_send() == b""


@either_way
def test_a_reserved_byte_other_than_00_is_an_error(deliver: Deliver) -> None:
    server = server_after(METHODS, AUTHENTICATION)
    with pytest.raises(RemoteProtocolError, match="reserved byte"):
        collect(server.receive_data, deliver(bytes.fromhex("05 01 01 01")))  # RFC 1928, section 4


@pytest.mark.parametrize("messages", [[], [METHODS], [METHODS, AUTHENTICATION[:7]], [METHODS, AUTHENTICATION, CONNECT]])
def test_the_end_of_the_stream_before_the_answer_is_an_error(messages: list[bytes]) -> None:
    server = server_after(*messages)
    with pytest.raises(RemoteProtocolError, match="end of the stream"):
        server.receive_eof()


def test_the_end_of_the_stream_after_the_answer_is_no_error() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.accept()
    assert server.receive_eof() == []


def test_decisions_out_of_turn_are_the_callers_fault() -> None:
    server = Socks5Server()
    for decide in (server.accept_authentication, server.refuse_authentication, server.accept):
        with pytest.raises(LocalProtocolError, match="not the caller's decision"):
            decide()
    with pytest.raises(LocalProtocolError, match="not the caller's decision"):
        server.refuse(Reply.FORBIDDEN)


def test_data_after_the_handshake_is_not_for_this_machine() -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    server.accept()
    with pytest.raises(LocalProtocolError, match="payload"):
        server.receive_data(TRAILING)


@pytest.mark.parametrize("code", [0, -1, 256])
def test_success_is_no_refusal(code: int) -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    with pytest.raises(LocalProtocolError, match="from 1 to 255"):
        server.refuse(code)


@pytest.mark.parametrize(("host", "port"), [("", 0), ("a b", 0), ("mail", 65536), ("mail", -1)])
def test_a_bound_address_that_does_not_fit_the_wire_is_the_callers_fault(host: str, port: int) -> None:
    server = server_after(METHODS, AUTHENTICATION, CONNECT)
    with pytest.raises(LocalProtocolError):
        server.accept(host, port)


def test_no_representation_shows_the_token() -> None:
    server = server_after(METHODS)
    (event,) = server.receive_data(AUTHENTICATION)
    assert "a.b.c" not in repr(event) + repr(server)


@given(
    token=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=300),
    location_id=st.text(max_size=40).filter(str.isprintable),
    host=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255),
    port=st.integers(1, 0xFFFF),
    cuts=st.lists(st.integers(0, 2000), max_size=10),
)
def test_what_the_client_asks_is_what_the_server_hears(
    token: str, location_id: str, host: str, port: int, cuts: list[int]
) -> None:
    client = Socks5Client(token=token, location_id=location_id, host=host, port=port)
    server = Socks5Server()
    collect(server.receive_data, in_pieces(client.data_to_send(), cuts))
    assert collect(client.receive_data, in_pieces(server.data_to_send(), cuts)) == [MethodAccepted()]
    asked = collect(server.receive_data, in_pieces(client.data_to_send(), cuts))
    assert asked == [AuthenticationRequested(token, location_id)]
    server.accept_authentication()
    assert collect(client.receive_data, in_pieces(server.data_to_send(), cuts)) == [Authenticated()]
    (request,) = collect(server.receive_data, in_pieces(client.data_to_send(), cuts))
    assert isinstance(request, ConnectRequested)
    assert request.host == host or four_octets(host) is not None  # an IPv4 address may lose leading zeros
    assert request.port == port
    server.accept("10.0.0.1", 1)
    assert collect(client.receive_data, in_pieces(server.data_to_send(), cuts)) == [Connected("10.0.0.1", 1)]


@given(st.integers(0, 3), st.lists(st.binary(max_size=40), max_size=8))
def test_random_bytes_never_raise_anything_but_a_protocol_error(step: int, pieces: list[bytes]) -> None:
    server = server_after(*[METHODS, AUTHENTICATION, CONNECT][:step])
    with contextlib.suppress(RemoteProtocolError):
        for piece in pieces:
            if any(isinstance(event, Refused) for event in server.receive_data(piece)):
                break

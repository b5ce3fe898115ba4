"""The client's bytes are those of SAP's page "Using the TCP Protocol for Cloud Applications" (SAP, message 1 to 6)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.socks5 import (
    Authenticated,
    AuthenticationRefused,
    Connected,
    ConnectRefused,
    MethodAccepted,
    MethodRefused,
    Reply,
    Socks5Client,
)
from tests.maco_wire.deliveries import TRAILING, Deliver, collect, either_way

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
SUCCESS = bytes.fromhex("05 00 00 01 00000000 0000")  # RFC 1928, section 6


def new_client(host: str = "mail.virtual", port: int = 143, location_id: str = "", token: str = TOKEN) -> Socks5Client:
    return Socks5Client(token=token, location_id=location_id, host=host, port=port)


def authenticating_client(**settings: str) -> Socks5Client:
    client = new_client(**settings)  # type: ignore[arg-type]
    client.data_to_send()
    client.receive_data(b"\x05\x80")
    return client


def connecting_client(host: str = "mail.virtual", port: int = 143) -> Socks5Client:
    client = new_client(host, port)
    client.data_to_send()
    client.receive_data(b"\x05\x80")
    client.data_to_send()
    client.receive_data(b"\x01\x00")
    return client


def test_the_first_message_offers_method_80_alone() -> None:
    assert new_client().data_to_send() == bytes.fromhex("05 01 80")  # SAP, message 1


def test_nothing_is_sent_twice() -> None:
    client = new_client()
    client.data_to_send()
    assert client.data_to_send() == b""


@either_way
def test_the_token_leaves_only_after_the_method_was_accepted(deliver: Deliver) -> None:
    client = new_client()
    client.data_to_send()
    assert collect(client.receive_data, deliver(b"\x05\x80")) == [MethodAccepted()]  # SAP, message 2
    assert client.data_to_send() != b""


def test_the_token_message_has_a_four_byte_length_and_no_location() -> None:
    client = authenticating_client()
    # SAP, message 3: 01 + L4 + JWT + l1, "00 if there is no location ID"; the token has 29 = 0x1D characters.
    assert client.data_to_send() == b"\x01" + b"\x00\x00\x00\x1d" + TOKEN.encode() + b"\x00"


def test_the_location_length_counts_the_base64_text() -> None:
    client = authenticating_client(location_id="LOC1")
    # SAP, message 3: "l1 counts the Base64 text, not the raw ID"; Base64 of LOC1 by RFC 4648 is TE9DMQ==.
    assert client.data_to_send().endswith(TOKEN.encode() + b"\x08" + b"TE9DMQ==")


def test_a_location_id_of_189_bytes_is_the_longest() -> None:
    client = authenticating_client(location_id="x" * 189)
    assert client.data_to_send()[5 + len(TOKEN)] == 252  # facts, 1.1: "189 bytes (Base64 252)"
    with pytest.raises(LocalProtocolError, match="189"):
        new_client(location_id="x" * 190)


@either_way
def test_connect_names_the_host_after_the_token_was_accepted(deliver: Deliver) -> None:
    client = authenticating_client()
    client.data_to_send()
    assert collect(client.receive_data, deliver(b"\x01\x00")) == [Authenticated()]  # SAP, message 4
    # SAP, message 5: 05 01 00 + ATYP 03 + length 0x0C + host + port 143
    assert client.data_to_send() == b"\x05\x01\x00\x03\x0cmail.virtual\x00\x8f"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.255", b"\x01\x0a\x00\x00\xff"),
        ("0.0.0.0", b"\x01\x00\x00\x00\x00"),
        ("10.0.0.256", b"\x03\x0a10.0.0.256"),
        ("10.0.0", b"\x03\x0610.0.0"),
        ("1.2.3.4.5", b"\x03\x091.2.3.4.5"),
        ("1.2.3.+4", b"\x03\x081.2.3.+4"),
        ("1.2..4", b"\x03\x061.2..4"),
    ],
)
def test_address_type_01_is_for_four_decimal_octets_only(host: str, address: bytes) -> None:
    # SAP, message 5: "ATYP 01 + 4 bytes if the host is four decimal octets 0-255, otherwise 03"
    assert connecting_client(host, 993).data_to_send() == b"\x05\x01\x00" + address + b"\x03\xe1"


@either_way
@pytest.mark.parametrize(
    ("reply", "bound_host", "bound_port"),
    [
        (SUCCESS, "0.0.0.0", 0),
        (bytes.fromhex("05 00 00 01 7f000001 1f90"), "127.0.0.1", 8080),
        (b"\x05\x00\x00\x03\x04mail\x00\x8f", "mail", 143),
        (b"\x05\x00\x00\x03\x00\x00\x00", "", 0),
    ],
    ids=["IPv4 zero", "IPv4", "DOMAIN", "empty DOMAIN"],
)
def test_a_success_reply_connects(deliver: Deliver, reply: bytes, bound_host: str, bound_port: int) -> None:
    client = connecting_client()
    assert collect(client.receive_data, deliver(reply)) == [Connected(bound_host, bound_port)]
    assert client.trailing_data == b""


@pytest.mark.parametrize("reply", [SUCCESS, b"\x05\x00\x00\x03\x04mail\x00\x8f"], ids=["IPv4", "DOMAIN"])
def test_a_greeting_glued_behind_the_reply_is_kept(reply: bytes) -> None:
    client = connecting_client()
    client.receive_data(reply + TRAILING)
    assert client.trailing_data == TRAILING


@either_way
@pytest.mark.parametrize("method", [0xFF, 0x00, 0x02])
def test_any_other_method_is_a_refusal(deliver: Deliver, method: int) -> None:
    client = new_client()
    client.data_to_send()
    assert collect(client.receive_data, deliver(bytes([5, method]))) == [MethodRefused(method)]
    assert client.data_to_send() == b""


@either_way
@pytest.mark.parametrize("status", [0x01, 0x05, 0xFF])
def test_any_other_status_is_a_failed_authentication(deliver: Deliver, status: int) -> None:
    client = authenticating_client()
    client.data_to_send()
    # SAP, message 4: "any other status is a failed authentication for SAP's sample client"
    assert collect(client.receive_data, deliver(bytes([1, status]))) == [AuthenticationRefused(status)]
    assert client.data_to_send() == b""


@pytest.mark.parametrize("reply", [*[code for code in Reply if code], 0x09, 0xFF])
def test_any_other_reply_is_a_refusal_as_soon_as_it_is_read(reply: int) -> None:
    client = connecting_client()
    # SAP, message 6: "sample client reads REP first and throws at once if it is not 0"
    assert client.receive_data(bytes([5, reply])) == [ConnectRefused(reply)]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 8])
def test_the_reply_names_are_those_of_the_sap_table(code: int) -> None:
    names = [
        "SUCCESS",
        "FAILURE",
        "FORBIDDEN",
        "NETWORK_UNREACHABLE",
        "HOST_UNREACHABLE",
        "CONNECTION_REFUSED",
        "TTL_EXPIRED",
        "COMMAND_UNSUPPORTED",
        "ADDRESS_UNSUPPORTED",
    ]
    assert Reply(code).name == names[code]


@either_way
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (bytes.fromhex("05 00 00 04") + bytes(18), "address type"),  # facts, 1.1: "answer only with ATYP 1 or 3"
        (bytes.fromhex("05 00 00 02 00"), "address type"),
        (bytes.fromhex("05 00 01 01 00000000 0000"), "reserved byte"),  # RFC 1928, section 6
        (b"\x04\x00", "version"),
        (b"HTTP/1.1 400 Bad Request\r\n", "version"),
    ],
    ids=["IPv6", "unknown address type", "reserved byte", "SOCKS4", "HTTP"],
)
def test_a_reply_that_the_protocol_does_not_allow_is_an_error(deliver: Deliver, reply: bytes, expected: str) -> None:
    client = connecting_client()
    with pytest.raises(RemoteProtocolError, match=expected):
        collect(client.receive_data, deliver(reply))


def test_a_wrong_version_before_the_method_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="version 05"):
        new_client().receive_data(b"H")


def test_a_wrong_version_before_the_status_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="version 01"):
        authenticating_client().receive_data(b"\x05")


def test_an_answer_to_a_question_not_yet_asked_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="silence"):
        new_client().receive_data(b"\x05\x80\x01\x00")


def test_the_end_of_the_stream_in_every_step_is_an_error() -> None:
    for client in (new_client(), authenticating_client(), connecting_client()):
        with pytest.raises(RemoteProtocolError, match="end of the stream"):
            client.receive_eof()


def test_the_end_of_the_stream_after_a_refusal_is_no_error() -> None:
    client = new_client()
    client.receive_data(b"\x05\xff")
    assert client.receive_eof() == []


def test_payload_is_not_for_this_machine() -> None:
    client = connecting_client()
    client.receive_data(SUCCESS)
    with pytest.raises(LocalProtocolError, match="payload"):
        client.receive_data(TRAILING)


def test_a_failed_machine_takes_no_more_data() -> None:
    client = new_client()
    with contextlib.suppress(RemoteProtocolError):
        client.receive_data(b"\x04")
    with pytest.raises(LocalProtocolError, match="protocol error"):
        client.receive_data(b"\x05\x80")


@pytest.mark.parametrize("host", ["", "a b", "mail\r\n", "münchen.example", "x" * 256])
def test_a_host_that_does_not_fit_the_wire_is_refused_here(host: str) -> None:
    with pytest.raises(LocalProtocolError, match="host name"):
        new_client(host)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_does_not_fit_the_wire_is_refused_here(port: int) -> None:
    with pytest.raises(LocalProtocolError, match="port"):
        new_client(port=port)


@pytest.mark.parametrize("token", ["", "two words", "ü", "x" * (64 * 1024 + 1)], ids=["none", "space", "ü", "long"])
def test_a_token_that_does_not_fit_the_wire_is_refused_here_without_showing_it(token: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        new_client(token=token)
    assert not token or token not in str(caught.value)


def test_the_representation_does_not_show_the_token() -> None:
    assert repr(new_client()) == "<Socks5Client mail.virtual:143 METHOD>"


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_random_bytes_never_raise_anything_but_a_protocol_error(pieces: list[bytes]) -> None:
    client = new_client()
    with contextlib.suppress(RemoteProtocolError):
        for piece in [b"\x05\x80", b"\x01\x00", *pieces]:
            if any(isinstance(event, Connected | ConnectRefused) for event in client.receive_data(piece)):
                break

"""A ClientHello is recognized however records and reads cut it; the inputs come from OpenSSL itself."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import LocalProtocolError
from maco_wire.tls_peek import MAX_PEEKED, ClientHello, NotTls, TlsPeek, Verdict, looks_like_client_hello
from tests.maco_wire.deliveries import TRAILING, Deliver, byte_by_byte, either_way, in_pieces


def openssl_hello(server_name: str | None = "mail.stadtwerke.example", **settings: object) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    for name, value in settings.items():
        setattr(context, name, value)
    context.set_alpn_protocols(["imap", "h2"])
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


HELLO = openssl_hello()
EXPECTED = ClientHello("mail.stadtwerke.example", 0x0303, (0x0304, 0x0303), ("imap", "h2"))


def cut_into_records(hello: bytes, size: int) -> bytes:
    """Return the handshake message of a one-record hello in records of ``size`` bytes (RFC 8446, section 5.1)."""
    message = hello[5:]
    parts = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(hello[:3] + len(part).to_bytes(2, "big") + part for part in parts)


def verdict(pieces: Iterable[bytes]) -> Verdict | None:
    """Feed the pieces until there is a verdict."""
    peek = TlsPeek()
    return next((found for piece in pieces if (found := peek.receive_data(piece)) is not None), None)


def hand_made_hello(extensions: bytes | None) -> bytes:
    """Return a ClientHello of RFC 8446, section 4.1.2, with the given extension block."""
    body = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x02\x00\x2f" + b"\x01\x00"
    if extensions is not None:
        body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


@either_way
def test_the_hello_of_openssl_is_read(deliver: Deliver) -> None:
    assert verdict(deliver(HELLO)) == EXPECTED


def test_the_verdict_comes_with_the_last_byte() -> None:
    peek = TlsPeek()
    assert [peek.receive_data(piece) for piece in byte_by_byte(HELLO)] == [None] * (len(HELLO) - 1) + [EXPECTED]


@either_way
@pytest.mark.parametrize("size", [1, 3, 4, 100, 16384])
def test_a_hello_cut_over_several_records_is_read(deliver: Deliver, size: int) -> None:
    assert verdict(deliver(cut_into_records(HELLO, size))) == EXPECTED


@pytest.mark.parametrize("behind", [TRAILING, b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\xff\xff"])
def test_what_follows_the_hello_is_not_looked_at(behind: bytes) -> None:
    assert verdict([HELLO + behind]) == EXPECTED


def test_a_hello_without_server_name_has_an_empty_one() -> None:
    found = verdict([openssl_hello(None)])
    assert isinstance(found, ClientHello)
    assert found.server_name == ""


def test_a_tls_1_2_hello_has_no_supported_versions() -> None:
    found = verdict([openssl_hello(maximum_version=ssl.TLSVersion.TLSv1_2)])
    assert isinstance(found, ClientHello)
    assert (found.legacy_version, found.supported_versions) == (0x0303, ())


@pytest.mark.parametrize("extensions", [None, b""])
def test_a_hello_without_extensions_is_read(extensions: bytes | None) -> None:
    assert verdict([hand_made_hello(extensions)]) == ClientHello("", 0x0301, (), ())


@pytest.mark.parametrize(
    ("extension", "server_name"),
    [
        (b"\x00\x00\x00\x06\x00\x04\x00\x00\x01m", "m"),  # RFC 6066, section 3
        (b"\x00\x00\x00\x0a\x00\x08\x07\x00\x01x\x00\x00\x01m", "m"),
        (b"\x00\x00\x00\x07\x00\x05\x00\x00\x02\xc3\xbc", "\\xc3\\xbc"),
        (b"\x00\x00\x00\x02\x00\x00", ""),
    ],
    ids=["host name", "behind another name type", "not ASCII", "empty list"],
)
def test_the_server_name_is_the_host_name_of_the_extension(extension: bytes, server_name: str) -> None:
    found = verdict([hand_made_hello(extension)])
    assert isinstance(found, ClientHello)
    assert found.server_name == server_name


@either_way
@pytest.mark.parametrize(
    "data",
    [
        b"* OK ready\r\n",
        b"a1 STARTTLS\r\n",
        b"\x16\x02",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\x00\x04\x02",
        b"\x16\x03\x01\x00\x04\x01\x00\x40\x00",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        hand_made_hello(b"\x00\x00\x00\x06\x00\x04\x00\x00\x09m"),
        hand_made_hello(b"\x00\x2b\x00\x02\x01\x03"),
        hand_made_hello(b"\x00\x10\x00\xff"),
    ],
    ids=[
        "greeting",
        "command",
        "record version",
        "empty record",
        "long record",
        "ServerHello",
        "long message",
        "empty message",
        "server name beyond its list",
        "odd versions",
        "extension beyond the block",
    ],
)
def test_anything_else_is_not_tls(deliver: Deliver, data: bytes) -> None:
    assert isinstance(verdict(deliver(data)), NotTls)


def test_what_is_held_back_is_bounded() -> None:
    peek = TlsPeek()
    body = b"\x01\x00\x3f\xfc" + bytes(MAX_PEEKED)
    endless = b"".join(b"\x16\x03\x01\x00\x01" + body[at : at + 1] for at in range(4000))
    assert peek.receive_data(endless[: MAX_PEEKED - 1]) is None
    assert isinstance(peek.receive_data(endless[MAX_PEEKED - 1 :]), NotTls)


def test_after_the_verdict_a_peek_takes_nothing() -> None:
    peek = TlsPeek()
    peek.receive_data(TRAILING)
    with pytest.raises(LocalProtocolError):
        peek.receive_data(TRAILING)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HELLO, True),
        (HELLO[:6], True),
        (HELLO[:5], False),
        (b"", False),
        (b"\x16\x03\x01\x00\x04\x02", False),
        (b"\x16\x02\x01\x00\x04\x01", False),
        (b"\x17\x03\x01\x00\x04\x01", False),
    ],
)
def test_six_bytes_tell_whether_it_looks_like_a_hello(data: bytes, expected: bool) -> None:
    assert looks_like_client_hello(data) is expected
    assert looks_like_client_hello(memoryview(data)) is expected


@given(st.integers(1, 600), st.lists(st.integers(0, 5000), max_size=10))
def test_no_cut_changes_the_verdict(size: int, cuts: list[int]) -> None:
    assert verdict(in_pieces(cut_into_records(HELLO, size), cuts)) == EXPECTED


@given(st.lists(st.binary(max_size=60), max_size=6), st.integers(0, len(HELLO)))
def test_random_bytes_never_raise_anything(pieces: list[bytes], kept: int) -> None:
    verdict([HELLO[:kept], *pieces])


@given(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)), max_size=8))
def test_a_damaged_hello_never_raises_anything(damages: list[tuple[int, int]]) -> None:
    damaged = bytearray(HELLO)
    for at, value in damages:
        damaged[at] = value
    verdict([bytes(damaged)])

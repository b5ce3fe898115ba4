"""A wire cut into pieces: who spoke, which TLS record it was, and nothing secret in clear."""

from __future__ import annotations

from collections.abc import Sequence

from maco_lab.page.masking import Mask
from maco_lab.page.wire_pieces import IN_CLEAR, LIKE_TLS, MAX_CLEAR, MAX_SHOWN, Piece, Wire, pieces_of
from maco_lab.taps.chunk import TapChunk
from maco_lab.taps.conversation import conversation
from tests.maco_lab.tapped import TappedWire

RANDOM = bytes(range(32))
MASK = Mask(["Geheim4711"])


def record(content_type: int, body: bytes) -> bytes:
    """RFC 8446, section 5.1: type, legacy version, length."""
    return bytes([content_type, 3, 3]) + len(body).to_bytes(2, "big") + body


def hello(message: int, random: bytes = RANDOM) -> bytes:
    """RFC 8446, section 4.1.2: type, length, legacy version, random."""
    body = b"\x03\x03" + random + b"\x00"
    return record(22, bytes([message]) + len(body).to_bytes(3, "big") + body)


CLIENT_HELLO, SERVER_HELLO = hello(1), hello(2)


def wire(*passed: tuple[bool, bytes], incomplete: bool = False, client_is_maco_side: bool = True) -> Wire:
    tapped = TappedWire()
    for from_client, data in passed:
        tapped.passes(data, from_client=from_client)
    chunks: Sequence[TapChunk] = tapped.chunks
    return Wire(tuple(chunks), conversation(chunks, tapped.connection), client_is_maco_side, incomplete)


def pieces(seen: Wire) -> list[Piece]:
    return pieces_of(seen, {RANDOM: "MaCo with Mail server"}, MASK)


IMAP = [(False, b"* OK ready\r\n"), (True, b"A1 STARTTLS\r\n"), (False, b"A1 OK\r\n")]
TLS = [
    (True, CLIENT_HELLO),
    (False, SERVER_HELLO + record(20, b"\x01") + record(23, b"x" * 300)),
    (True, record(20, b"\x01") + record(23, b"y")),
    (False, record(21, b"\x01\x00")),
]


def test_who_spoke_in_clear_is_told_in_order() -> None:
    found = pieces(wire(*IMAP))

    assert [(each.kind, each.to_mail_server, each.data) for each in found] == [
        (IN_CLEAR, from_client, data) for from_client, data in IMAP
    ]


def test_each_record_behind_starttls_has_its_name_and_its_session() -> None:
    found = pieces(wire(*IMAP, *TLS))[3:]

    assert [each.kind for each in found] == [
        *("handshake: ClientHello", "handshake: ServerHello", "change cipher spec", "application data"),
        *("change cipher spec", "application data", "alert"),
    ]
    assert {each.session for each in found} == {"MaCo with Mail server"}


def test_a_session_that_no_keys_name_has_no_name() -> None:
    found = pieces(wire((True, hello(1, bytes(32))), (False, hello(2))))

    assert [each.session for each in found] == ["", ""]


def test_a_record_that_comes_in_many_reads_is_one_piece() -> None:
    found = pieces(wire(*((True, bytes([byte])) for byte in CLIENT_HELLO)))

    assert [(each.size, each.offset) for each in found] == [(len(CLIENT_HELLO), 0)]


def test_text_that_comes_in_many_reads_is_one_piece_until_the_other_end_speaks() -> None:
    found = pieces(wire((False, b"* O"), (False, b"K\r\n"), (True, b"A1 NOOP\r\n"), (False, b"A1 OK\r\n")))

    assert [each.data for each in found] == [b"* OK\r\n", b"A1 NOOP\r\n", b"A1 OK\r\n"]


def test_long_text_is_several_pieces_and_a_long_record_shows_its_beginning() -> None:
    text = pieces(wire((False, b"z" * (MAX_CLEAR + 1))))
    (encrypted,) = [each for each in pieces(wire(*TLS)) if each.kind == "application data" and not each.to_mail_server]

    assert [each.size for each in text] == [MAX_CLEAR, 1]
    assert (encrypted.size, len(encrypted.data)) == (305, MAX_SHOWN)


def test_a_secret_over_two_pieces_is_hidden_in_both() -> None:
    found = pieces(wire((True, b"x" * (MAX_CLEAR - 4) + b"Geheim4711\r\n")))

    assert [each.hidden for each in found] == [(range(MAX_CLEAR - 4, MAX_CLEAR),), (range(6),)]


def test_a_secret_that_the_other_end_interrupts_is_hidden_in_both_parts() -> None:
    found = pieces(wire((True, b"Geheim"), (False, b"+\r\n"), (True, b"4711\r\n")))

    assert [each.hidden for each in found] == [(range(6),), (), (range(4),)]


def test_the_tunnels_client_speaks_towards_maco() -> None:
    found = pieces(wire((True, CLIENT_HELLO), client_is_maco_side=False))

    assert [each.to_mail_server for each in found] == [False]


def test_what_begins_in_the_middle_is_not_shown_unless_all_of_it_is_tls() -> None:
    lost = (True, b"heim4711")

    assert pieces(wire(lost, incomplete=True)) == []
    (tunnel,) = pieces(wire(lost, incomplete=True, client_is_maco_side=False))
    assert tunnel.kind == LIKE_TLS

from __future__ import annotations

import pytest

from mailserver_sim.headers import split_header
from mailserver_sim.imap.mime import parse_message
from mailserver_sim.imap.sections import Section, SectionText, cut, section_bytes

INNER = b"Subject: inner\r\n\r\ninner text"
MESSAGE = (
    b"From: a@b.example\r\nSubject: outer\r\nX-Long: one\r\n two\r\n"
    b'Content-Type: multipart/mixed; boundary="cut me"\r\n\r\n'
    b"preamble\r\n--cut me\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    b"--cut me\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--cut me--\r\nepilogue"
)
TREE = parse_message(*split_header(MESSAGE))
PLAIN = parse_message(*split_header(b"Subject: x\r\n\r\nbody"))


@pytest.mark.parametrize(
    ("numbers", "text", "expected"),
    [
        # RFC 3501, section 6.4.5, "an example of a complex message with some of its part specifiers"
        ((), "", MESSAGE),
        ((), "TEXT", MESSAGE.split(b"\r\n\r\n", 1)[1]),
        ((1,), "", b"first"),
        ((1,), "MIME", b"Content-Type: text/plain\r\n\r\n"),
        ((2,), "", INNER),
        ((2,), "HEADER", b"Subject: inner\r\n\r\n"),
        ((2,), "TEXT", b"inner text"),
        ((2, 1), "", b"inner text"),
        ((3,), "", None),
        ((1, 1), "", None),
        ((1,), "HEADER", None),
        ((2, 2), "", None),
        ((2, 1, 1), "", None),
    ],
)
def test_a_section_is_the_messages_own_bytes(
    numbers: tuple[int, ...], text: SectionText, expected: bytes | None
) -> None:
    assert section_bytes(TREE, Section(numbers, text)) == expected


def test_part_1_of_a_message_that_is_no_multipart_is_its_body() -> None:
    assert section_bytes(PLAIN, Section((1,))) == b"body"
    assert section_bytes(PLAIN, Section((2,))) is None
    assert section_bytes(PLAIN, Section((1, 1))) is None


def test_listed_fields_come_with_their_folding_and_the_blank_line() -> None:
    section = Section((), "HEADER.FIELDS", (b"x-long", b"SUBJECT"))
    assert section_bytes(TREE, section) == b"Subject: outer\r\nX-Long: one\r\n two\r\n\r\n"


def test_the_other_fields_come_with_not() -> None:
    section = Section((2,), "HEADER.FIELDS.NOT", (b"from",))
    assert section_bytes(TREE, section) == b"Subject: inner\r\n\r\n"


@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [(0, 2, b"ab"), (1, 99, b"bcd"), (4, 1, b""), (99, 5, b"")],
)
def test_a_partial_is_cut_at_the_end_of_the_text(offset: int, count: int, expected: bytes) -> None:
    assert cut(b"abcd", offset, count) == expected


def test_a_multipart_without_end_keeps_its_last_part() -> None:
    tree = parse_message(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", b"--b\r\n\r\nlast")
    assert section_bytes(tree, Section((1,))) == b"last"


def test_nesting_without_end_does_not_recurse_without_end() -> None:
    header = b"Content-Type: message/rfc822\r\n\r\n"
    parse_message(header, header * 5000)

"""Commands on the wire: what is quoted, what is a literal, and that secrets stay out of sight."""

from __future__ import annotations

import pytest

from maco_client.imap.commands import encode_command, mailbox, uid_set
from maco_wire.exceptions import LocalProtocolError


def test_plain_text_is_quoted() -> None:
    # RFC 3501, section 6.2.3: C: a001 LOGIN SMITH SESAME (quoted form of the same astrings, section 9)
    assert encode_command("a001", "LOGIN", "SMITH", "SESAME").chunks == (b'a001 LOGIN "SMITH" "SESAME"\r\n',)


def test_literals_are_cut_where_the_server_must_answer() -> None:
    # RFC 3501, section 7.5: C: A001 LOGIN {11}  S: +  C: FRED FOOBAR {7}  S: +  C: fat man
    assert encode_command("A001", "LOGIN", "FRED\\FOOBAR", 'fat"man').chunks == (
        b"A001 LOGIN {11}\r\n",
        b"FRED\\FOOBAR {7}\r\n",
        b'fat"man\r\n',
    )


@pytest.mark.parametrize(
    ("password", "literal"),
    [
        ('a"b', b'a"b'),
        ("a\\b", b"a\\b"),
        ("gr\u00fcn", "gr\u00fcn".encode()),
        ("line\r\nA2 LOGOUT", b"line\r\nA2 LOGOUT"),
        ("x" * 600, b"x" * 600),
    ],
)
def test_what_a_quoted_string_cannot_safely_hold_travels_as_a_literal(password: str, literal: bytes) -> None:
    assert encode_command("A1", "LOGIN", "u", password).chunks == (
        b'A1 LOGIN "u" {%d}\r\n' % len(literal),
        literal + b"\r\n",
    )


def test_an_empty_string_is_quoted() -> None:
    # RFC 3501, section 4.3: "The empty string is represented as either "" ... or as {0} followed by CRLF."
    assert encode_command("A1", "LIST", "", "INBOX").chunks == (b'A1 LIST "" "INBOX"\r\n',)


def test_nul_cannot_be_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode_command("A1", "LOGIN", "u", "a\0b")


def test_the_repr_of_a_command_shows_no_password() -> None:
    assert "SESAME" not in repr(encode_command("A1", "LOGIN", "SMITH", "SESAME"))


@pytest.mark.parametrize(
    ("uids", "expected"),
    # RFC 3501, section 9, sequence-set: "Example: a message sequence number set of 2,4:7,9"
    [([1], b"1"), ([2, 4, 5, 6, 7, 9], b"2,4:7,9"), ([3, 1, 2], b"1:3")],
)
def test_uids_are_written_as_ranges(uids: list[int], expected: bytes) -> None:
    assert uid_set(uids) == expected


def test_inbox_is_inbox_in_any_case() -> None:
    assert mailbox("inbox") == "INBOX"

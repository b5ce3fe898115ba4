"""What a payload trace shows of a client: commands without secrets, whole and in pieces."""

from __future__ import annotations

import pytest

from connector_sim.logs.masking import MAX_LINE, BackEndMask, ClientMask

SHOWN = [
    b"a001 CAPABILITY\r\n",
    b"a2 SELECT INBOX\r\n",
    b"a3 uid fetch 1:* (FLAGS BODY.PEEK[])\r\n",
    b"noop\n",
    b"STAT\r\n",
    b"RETR 1\r\n",
    b"EHLO client.example\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"DONE\r\n",
]
HIDDEN = [
    b"a LOGIN me Geheim4711\r\n",
    b"a login {2}\r\nme {10}\r\nGeheim4711\r\n",
    b"a LOGIN {2+}\r\nme {17+}\r\nmy list of stones\r\n",  # begins as a command with its tag does
    b"a APPEND INBOX {14}\r\nNOOP Geheim\r\n\r\n",
    b"a APPEND " + b"x" * (MAX_LINE - 14) + b" {6}\r\nNOOP\r\n\r\n",
    b"a APPEND " + b"x" * 2 * MAX_LINE + b" {6}\r\nNOOP\r\n\r\n",
    b"BDAT 12 LAST\r\nNOOP hidden\n",
    b"a AUTHENTICATE PLAIN AGFAYgBjCg==\r\n",
    b"AUTH PLAIN AGFAYgBjCg==\r\n",
    b"AGFAYgBjCg==\r\n",
    b"USER me\r\n",
    b"PASS Geheim4711\r\n",
    b"APOP me c4c9334bac560ecc979e58001b3e22fb\r\n",
    b"SELECT LOGIN me Geheim4711\r\n",  # a tag that is called as a command is
    b"NOOP AUTHENTICATE PLAIN Geheim\r\n",
    b"GET / HTTP/1.1\r\n",
    b"Authorization: Bearer abc\r\n",
    b"Subject: a mail\r\n",
    b"a SELECT caf\xc3\xa9\r\n",
    b"\x16\x03\x01\x02\x00\x01\n",
]


def masked(data: bytes) -> bytes:
    return b"." * len(data)


MAIL = b"List of meters: 4711\r\nCheck the price\r\n..\r\n.\r\n"


def test_a_mail_that_is_sent_is_masked_to_its_end() -> None:
    sent = b"DATA\r\n" + MAIL + b"QUIT\r\n"

    assert ClientMask().receive_data(sent) == b"DATA\r\n" + masked(MAIL) + b"QUIT\r\n"


@pytest.mark.parametrize("line", SHOWN)
def test_commands_that_carry_no_secret_are_shown(line: bytes) -> None:
    assert ClientMask().receive_data(line) == line


@pytest.mark.parametrize("line", HIDDEN)
def test_everything_else_is_masked(line: bytes) -> None:
    assert ClientMask().receive_data(line) == masked(line)


def test_pieces_are_told_as_their_lines_are_whole() -> None:
    whole = b"".join((*SHOWN, *HIDDEN))
    expected = b"".join((*SHOWN, *map(masked, HIDDEN)))
    mask = ClientMask()

    assert b"".join(mask.receive_data(bytes([each])) for each in whole) == expected


def test_a_line_that_is_not_whole_is_not_told() -> None:
    assert ClientMask().receive_data(b"a SELECT INB") == b""


def test_a_line_that_is_too_long_is_masked_to_its_end() -> None:
    line = b"a NOOP " + b"x" * (2 * MAX_LINE)
    mask = ClientMask()

    told = mask.receive_data(line) + mask.receive_data(b" y\r\n") + mask.receive_data(b"NOOP\r\n")
    assert told == masked(line + b" y\r\n") + b"NOOP\r\n"


@pytest.mark.parametrize("greeting", [b"* OK ready\r\n", b"+OK\r\n", b"220 mail.example ESMTP\r\n"])
def test_what_greets_as_a_mail_server_is_shown(greeting: bytes) -> None:
    mask = BackEndMask()

    assert (mask.receive_data(greeting), mask.receive_data(b"more")) == (greeting, b"more")


def test_what_does_not_is_masked() -> None:
    mask = BackEndMask()

    assert (mask.receive_data(b"HTTP/1.1 200\r\n"), mask.receive_data(b"* OK")) == (b"." * 14, b"....")

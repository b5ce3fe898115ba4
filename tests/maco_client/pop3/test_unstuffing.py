"""Dot-stuffing undone piece by piece (RFC 1939, section 3)."""

from __future__ import annotations

import pytest

from maco_client.pop3.unstuffing import Unstuffing

CASES = {
    "plain": (b"a\r\nb\r\n.\r\n", b"a\r\nb\r\n"),
    "empty": (b".\r\n", b""),
    "a stuffed first line": (b"..a\r\n.\r\n", b".a\r\n"),
    "a dot alone": (b"a\r\n..\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
    "several dots": (b"....\r\n.\r\n", b"...\r\n"),
    "a dot within a line": (b"a.b\r\nc.\r\n.\r\n", b"a.b\r\nc.\r\n"),
    "a lone LF ends no line": (b"a\n.\r\nb\n..c\r\n.\r\n", b"a\n.\r\nb\n..c\r\n"),
    "a lone CR ends no line": (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n"),
    "empty lines": (b"\r\n\r\n\r\n..\r\n\r\n.\r\n", b"\r\n\r\n\r\n.\r\n\r\n"),
}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize("behind", [b"", b"+OK next\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_a_message_comes_as_it_was_however_it_is_cut(name: str, size: int, behind: bytes) -> None:
    wire, expected = CASES[name]
    stream = wire + behind
    machine, message, rest = Unstuffing(), b"", None
    at = 0
    while rest is None:
        piece, rest = machine.receive_data(stream[at : at + size])
        message += piece
        at += size

    assert (message, rest + stream[at:]) == (expected, behind)


def test_nothing_but_a_few_bytes_is_held_back() -> None:
    machine = Unstuffing()
    for _ in range(100):
        machine.receive_data(b"\r\n" * 500)

    came, behind = machine.receive_data(b"x" * 1000)
    assert (behind, 1000 <= len(came) + 4 <= 1010) == (None, True)

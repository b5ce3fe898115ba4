"""Secrets are found however they are written, and nothing else is."""

from __future__ import annotations

import base64
import quopri

import pytest

from maco_lab.page.masking import Mask

SECRET = 'Strom4711"Post\\fach'
MASK = Mask([SECRET, "GasLine", ""])
TOKEN = b"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl-_x"


def hidden(data: bytes) -> list[bytes]:
    return [data[each.start : each.stop] for each in MASK.hidden(data)]


def test_a_password_in_a_quoted_string_is_hidden_with_its_backslashes() -> None:
    assert hidden(rb'A1 LOGIN "u" "Strom4711\"Post\\fach"') == [rb"Strom4711\"Post\\fach"]


def test_a_password_in_a_literal_is_hidden() -> None:
    assert hidden(b"{19}\r\n" + SECRET.encode() + b"\r\n") == [SECRET.encode()]


@pytest.mark.parametrize("before", [b"", b"\0", b"\0\0"])
def test_a_secret_in_base64_is_hidden_in_every_alignment(before: bytes) -> None:
    (found,) = hidden(base64.b64encode(before + SECRET.encode() + b"zz"))

    assert len(found) >= len(SECRET) * 4 // 3 - 2


def test_a_secret_in_base64_over_lines_is_hidden() -> None:
    encoded = base64.b64encode(SECRET.encode())
    (found,) = hidden(encoded[:9] + b"\r\n" + encoded[9:])

    assert b"\r\n" in found


def test_a_secret_in_quoted_printable_is_hidden() -> None:
    encoded = quopri.encodestring(b"x" * 70 + b"GasLine")

    assert b"=\n" in encoded
    assert len(hidden(encoded)) == 1


def test_a_token_is_hidden_by_its_form() -> None:
    assert hidden(b"\x01\x00\x00\x00\x34" + TOKEN + b"\x00") == [TOKEN]


def test_what_is_no_secret_is_shown() -> None:
    assert hidden(b'A1 LOGIN "strom" "other"\r\n* OK ready') == []


def test_a_mask_does_not_tell_what_it_hides() -> None:
    assert "Gas" not in repr(MASK)

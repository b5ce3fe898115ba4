from __future__ import annotations

import pytest

from mailserver_sim.headers import header_fields, split_header, subject_of


@pytest.mark.parametrize(
    ("raw", "header", "body"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n\r\n", b"body"),
        (b"A: b\n\nbody", b"A: b\n\n", b"body"),
        (b"A: b\r\n", b"A: b\r\n", b""),
        (b"\r\nbody", b"\r\n", b"body"),
        (b"\r\nbody\r\n\r\nmore", b"\r\n", b"body\r\n\r\nmore"),
        (b"", b"", b""),
    ],
)
def test_a_message_is_split_behind_the_empty_line(raw: bytes, header: bytes, body: bytes) -> None:
    assert split_header(raw) == (header, body)


def test_a_folded_field_is_unfolded_and_its_bytes_are_kept() -> None:
    # RFC 5322, section 2.2.3: "Unfolding is accomplished by simply removing any CRLF that is immediately followed
    # by WSP."
    (field,) = header_fields(b"Subject: This\r\n is a test\r\n\r\n")
    assert (field.name, field.value, field.raw) == ("subject", b"This is a test", b"Subject: This\r\n is a test\r\n")


def test_an_encoded_subject_is_decoded() -> None:
    # RFC 2047, section 8: "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=" is "Keld Jørn Simonsen".
    assert subject_of(b"Subject: =?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=\r\n\r\n") == "Keld Jørn Simonsen"


def test_a_subject_in_an_unknown_charset_is_given_as_it_is() -> None:
    assert subject_of(b"Subject: =?x-none?Q?a?=\r\n\r\n") == "=?x-none?Q?a?="


def test_a_message_without_subject_has_an_empty_one() -> None:
    assert subject_of(b"From: a@b.example\r\n\r\nSubject: no field\r\n") == ""

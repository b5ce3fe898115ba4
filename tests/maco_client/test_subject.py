"""The subject of a mail, whatever its header looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.subject import LONGEST_SUBJECT, subject_of


@pytest.mark.parametrize(
    ("head", "subject"),
    [
        (b"Subject: MSCONS_TL\r\n\r\nx", "MSCONS_TL"),
        (b"From: a\r\nSUBJECT:x\r\n\r\n", "x"),
        (b"Subject: one\r\n two\r\n\tthree\r\nTo: b\r\n\r\n", "one two\tthree".replace("\t", "\\t")),
        # RFC 2047, section 8: "=?ISO-8859-1?Q?Andr=E9?= Pirard"
        (b"Subject: =?ISO-8859-1?Q?Andr=E9?= Pirard\r\n\r\n", "Andr\u00e9 Pirard"),
        (b"Subject: =?utf-8?B?TcO8bmNoZW4=?=\r\n\r\n", "M\u00fcnchen"),
        (b"Subject: =?utf-8?B?!!!?=\r\n\r\n", None),
        (b"Subject: =?no-such-charset?Q?abc?=\r\n\r\n", "abc"),
        (b"Subject: M\xc3\xbcnchen\r\n\r\n", "M\u00fcnchen"),
        (b"Subject: \x1b[31mred\r\n\r\n", "\\x1b[31mred"),
        (b"Subject: =?utf-8?Q?=1B[31mred?=\r\n\r\n", "\\x1b[31mred"),
        (b"From: a\r\n\r\nSubject: in the body\r\n", ""),
        (b"\r\nSubject: in the body\r\n", ""),
        (b"X-Subject: no\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_a_subject_is_decoded_and_printable(head: bytes, subject: str | None) -> None:
    found = subject_of(head)
    assert found.isprintable()
    assert subject is None or found == subject


def test_a_subject_is_bounded() -> None:
    assert len(subject_of(b"Subject: " + b"x" * 5000)) == LONGEST_SUBJECT


@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: f"=?utf-8?q?{text}?=".encode()))
def test_no_subject_is_an_error(value: bytes) -> None:
    assert subject_of(b"Subject: " + value + b"\r\n\r\n").isprintable()


def test_encoded_words_may_stay_as_they_are() -> None:
    assert (
        subject_of(b"Subject: =?utf-8?Q?M=C3=BC?=\r\n next\r\n\r\n", decode_words=False) == "=?utf-8?Q?M=C3=BC?= next"
    )

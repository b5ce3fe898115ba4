"""What is wrong with a mail is a property of it: found in the corpus, and no mail at all makes the reader fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.message.problems import LONGEST_PROBLEM, MOST_PROBLEMS, problems_in
from maco_client.message.reading import read_message
from tests.maco_client.message.corpus import CORPUS, PART, Specimen, multipart

WORDS = (
    *(b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"Content-Disposition", b"From", b":", b";", b"="),
    *(b"multipart/mixed", b"multipart/", b"text/plain", b"message/rfc822", b"message/external-body", b"boundary", b"b"),
    *(b"charset", b"utf-7", b"idna", b"punycode", b"unicode_escape", b"undefined", b"hex", b"name*0*", b"filename*"),
    *(b"base64", b"quoted-printable", b"x-uuencode", b"=?utf-8?q?=E4?=", b"=?x?b?!?=", b"=?utf-8?b?=", b"''%ff", b'"'),
    *(b"\r\n", b"\n", b"\r\n\r\n", b"--b", b"--b--", b" ", b"\t", b"\0", b"\xff", b"=", b"begin 666 x\r\n", b"("),
)


@pytest.mark.parametrize("specimen", CORPUS, ids=lambda each: each.name)
def test_the_problems_of_a_mail_are_told(specimen: Specimen) -> None:
    found = problems_in(specimen.raw)
    assert tuple(each.text for each in found) == specimen.problems
    assert specimen.unreadable in next((each.text for each in found if each.unreadable), "")
    assert any(each.unreadable for each in found) == bool(specimen.unreadable)


def test_what_the_missing_end_of_a_mail_would_show_is_not_told() -> None:
    cut = multipart(b"; boundary=b", PART)
    assert problems_in(cut, is_whole=False) == ()


def test_problems_are_few_and_short() -> None:
    parts = b"".join(b"--b\r\nContent-Transfer-Encoding: %d%b\r\n\r\n" % (n, b"x" * 500) for n in range(100))
    found = problems_in(multipart(b"; boundary=b", parts + b"--b--"))
    assert len(found) == MOST_PROBLEMS
    assert max(len(each.text) for each in found) == LONGEST_PROBLEM


@given(st.lists(st.sampled_from(WORDS), max_size=60).map(b"".join))
def test_no_mail_makes_the_reader_fail(raw: bytes) -> None:
    problems_in(raw)
    message = read_message(raw, include_original_mail=True)
    assert message.original == raw
    assert all(value.isprintable() for _, value in message.headers)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(raw: bytes) -> None:
    for declared in (b"", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"Content-Type: text/plain;"):
        assert problems_in(declared + raw) == problems_in(declared + raw)
        read_message(declared + raw)

"""The sample is a mail and an interchange whose envelopes count right."""

from __future__ import annotations

import datetime as dt
import email
import email.message
import email.policy

import pytest

from maco_lab.samples import random_reference, sample_mail

NOW = dt.datetime(2026, 3, 4, 5, 6, tzinfo=dt.UTC)
REFERENCE = "M123456789"


def mail(**options: str) -> email.message.EmailMessage:
    content = sample_mail("strom@stadtwerke.example", now=NOW, reference=REFERENCE, **options)
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


def segments() -> list[list[str]]:
    """Return the segments of the attachment, split by UNA's signs (EDIFACT, ISO 9735-1, section 8)."""
    (attachment,) = mail().iter_attachments()
    content = attachment.get_content()
    assert isinstance(content, bytes)
    text = content.decode("iso-8859-1")
    assert text.startswith("UNA:+.? '")
    return [segment.split("+") for segment in text[9:].split("'") if segment]


def test_it_is_a_mail_without_defects_with_one_attachment() -> None:
    message = mail()

    assert message.defects == []
    assert (message["From"], message["To"]) == ("edifact@netz.example", "strom@stadtwerke.example")
    assert len(list(message.iter_attachments())) == 1
    assert message["Date"].datetime == NOW


def test_every_line_ends_with_crlf_and_none_is_too_long() -> None:
    """RFC 5322, section 2.1.1: 998 characters at most."""
    content = sample_mail("a@b.example", now=NOW)

    assert content.count(b"\n") == content.count(b"\r\n") > 10
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_the_subject_is_the_name_of_the_attached_file() -> None:
    (attachment,) = mail().iter_attachments()

    assert (
        mail()["Subject"]
        == attachment.get_filename()
        == "MSCONS_TL_9900000000001_9900000000002_20260304_M123456789.txt"
    )


def test_the_interchange_is_framed_by_one_reference() -> None:
    """UNB's DE0020 and UNZ's DE0020 are the same; UNZ counts one message."""
    first, *_, last = segments()

    assert (first[0], first[5]) == ("UNB", REFERENCE)
    assert last == ["UNZ", "1", REFERENCE]


def test_the_test_flag_of_unb_is_set() -> None:
    """DE0035 is the eleventh element of UNB; 1 means that the interchange is a test."""
    assert segments()[0][11:] == ["1"]


def test_unt_counts_the_segments_of_its_message_with_unh_and_unt() -> None:
    inside = segments()[1:-1]

    assert (inside[0][0], inside[-1][0]) == ("UNH", "UNT")
    assert inside[-1][1:] == [str(len(inside)), inside[0][1]]


def test_the_measured_period_has_an_end_behind_its_begin() -> None:
    """DTM qualifiers 163 and 164: begin and end of the period."""
    times = {segment[1][:3]: segment[1][4:16] for segment in segments() if segment[0] == "DTM"}

    assert times["163"] == "202603022300"
    assert times["164"] == "202603032300"


def test_a_canary_stands_on_a_line_of_its_own_early_in_the_body() -> None:
    content = sample_mail("a@b.example", now=NOW, canary="ABCDEF0123456789")

    assert content.index(b"\r\nABCDEF0123456789\r\n") < 1000


def test_references_differ_from_mail_to_mail() -> None:
    subjects = {email.message_from_bytes(sample_mail("a@b.example", now=NOW))["Subject"] for _ in range(20)}

    assert len(subjects) == 20


@pytest.mark.parametrize("length", [1, 24])
def test_a_random_reference_is_capital_letters_and_digits(length: int) -> None:
    reference = random_reference(length)

    assert len(reference) == length
    assert set(reference) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

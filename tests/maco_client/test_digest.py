"""Which mails are the same: those that the sender sent as one."""

from __future__ import annotations

import hashlib

import pytest

from maco_client.digest import HEADER_BYTES, digest_of

MAIL = b"Received: by a\r\nMessage-ID: <1@nb.example>\r\nSubject: MSCONS\r\n\r\nUNA:+.? '\r\n"


def test_a_digest_is_that_of_all_bytes() -> None:
    assert digest_of([MAIL]).raw == hashlib.sha256(MAIL).digest()


@pytest.mark.parametrize("step", [1, 7, len(MAIL)])
def test_pieces_make_no_difference(step: int) -> None:
    assert digest_of(MAIL[at : at + step] for at in range(0, len(MAIL), step)) == digest_of([MAIL])


@pytest.mark.parametrize(
    "again",
    [
        MAIL.replace(b"by a", b"by b"),
        MAIL.replace(b"Message-ID: <", b"message-id:\r\n <"),
        b"X-Way: 2\r\n" + MAIL,
    ],
)
def test_what_servers_on_the_way_write_makes_no_other_mail(again: bytes) -> None:
    first, second = digest_of([MAIL]), digest_of([again])
    assert first.raw != second.raw
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    "other",
    [MAIL.replace(b"UNA", b"UNB"), MAIL.replace(b"<1@", b"<2@"), MAIL + b"x", MAIL.replace(b"\r\n\r\n", b"\r\n")],
)
def test_another_message_id_or_content_is_another_mail(other: bytes) -> None:
    assert digest_of([MAIL]).fingerprint != digest_of([other]).fingerprint


def test_without_a_message_id_every_byte_counts() -> None:
    without = MAIL.replace(b"Message-ID", b"X-ID")
    assert digest_of([without]).fingerprint != digest_of([without.replace(b"by a", b"by b")]).fingerprint
    assert digest_of([without]).fingerprint == digest_of([without]).raw


def test_a_message_id_in_the_content_is_none() -> None:
    mail = b"Subject: x\r\n\r\nMessage-ID: <1@nb.example>\r\n"
    assert digest_of([mail]).fingerprint == digest_of([mail]).raw


def test_a_header_without_end_is_read_to_its_bound() -> None:
    endless = b"Message-ID: <1@nb.example>\r\nX: " + b"y" * HEADER_BYTES
    assert digest_of([endless + b"a"]).fingerprint != digest_of([endless + b"b"]).fingerprint

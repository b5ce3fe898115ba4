"""A stored mail as an integration flow sees it, by MaCo's settings."""

from __future__ import annotations

from itertools import count

import pytest

from maco_client.message.reading import Attachment, read_message
from tests.maco_client.message.corpus import EDIFACT, whole


def numbered_guids() -> object:
    numbers = count(1)
    return lambda: f"guid{next(numbers)}"


def with_attachments(*names: str) -> bytes:
    parts = [b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"]
    for name in names:
        disposition = f'attachment; filename="{name}"' if name else "attachment"
        parts.append(
            f"--b\r\nContent-Type: application/edifact\r\nContent-Disposition: {disposition}\r\n\r\n{name}\r\n".encode()
        )
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(parts) + b"--b--\r\n"


def test_header_fields_are_decoded_and_unfolded() -> None:
    message = read_message(whole())
    assert message.header("subject") == "Z\u00e4hlerst\u00e4nde f\u00fcr M\u00e4rz"
    assert message.header("From") == "Netz S\u00fcd <netz@nb.example>"
    assert message.header("X-Missing") == ""


def test_without_decode_mime_headers_they_are_unfolded_alone() -> None:
    message = read_message(b"Subject: =?utf-8?q?Z=C3=A4hler?=\r\n next\r\n\r\n", decode_mime_headers=False)
    assert message.header("Subject") == "=?utf-8?q?Z=C3=A4hler?= next"


@pytest.mark.parametrize("word", ["=?x-none?q?a?=", "=?utf-8?b?!!!?=", "=?utf-8?b?YQ", "=?utf-8*de?q?a?="])
def test_an_odd_encoded_word_is_no_error(word: str) -> None:
    assert read_message(f"Subject: {word}\r\n\r\n".encode()).header("Subject")


def test_text_and_attachments_are_told_apart() -> None:
    message = read_message(whole())
    assert message.text == "Anbei die Z\u00e4hlerst\u00e4nde.\n"
    assert message.attachments == (Attachment("MSCONS_M\u00e4rz.txt", "application/edifact", EDIFACT),)


def test_remove_attachments_drops_them() -> None:
    message = read_message(whole(), remove_attachments=True)
    assert (message.attachments, message.text) == ((), "Anbei die Z\u00e4hlerst\u00e4nde.\n")


def test_include_original_mail_keeps_every_byte() -> None:
    assert read_message(whole(), include_original_mail=True).original == whole()
    assert read_message(whole()).original is None


# facts 2.2: "equal names all receive _<GUID> before the extension (also the first); a unique name stays; a missing name
# becomes a GUID"
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
        (["a.txt", "a.txt", "b.txt"], ["a_guid1.txt", "a_guid2.txt", "b.txt"]),
        (["a", "a"], ["a_guid1", "a_guid2"]),
        (["", "a.txt", ""], ["guid1", "a.txt", "guid2"]),
        ([".x", ".x"], [".x_guid1", ".x_guid2"]),
        (["a.tar.gz", "a.tar.gz"], ["a.tar_guid1.gz", "a.tar_guid2.gz"]),
    ],
)
def test_names_of_attachments_are_made_unique(names: list[str], told: list[str]) -> None:
    message = read_message(with_attachments(*names), new_guid=numbered_guids())  # type: ignore[arg-type]
    assert [each.name for each in message.attachments] == told


def test_a_mail_within_a_mail_is_one_attachment() -> None:
    inner = b"Subject: inner\r\n\r\nhello\r\n"
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nouter\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--b--\r\n"
    )
    message = read_message(raw)
    assert message.text == "outer"
    assert [each.content_type for each in message.attachments] == ["message/rfc822"]
    assert b"Subject: inner" in message.attachments[0].content

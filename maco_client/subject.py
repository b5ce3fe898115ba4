"""The subject of a mail, for people to recognize it by; never an error, however broken the header is."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

from maco_client.imap import printable

LONGEST_SUBJECT = 200

_HEADER_END = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_SUBJECT = re.compile(rb"^subject:[ \t]*(?P<value>.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


def subject_of(head: bytes) -> str:
    """Return the decoded Subject (RFC 5322, RFC 2047) of the mail that begins with ``head``; empty if there is none."""
    end = _HEADER_END.search(head)
    found = _SUBJECT.search(head[: end.start()] if end else head)
    if found is None:
        return ""
    raw = _FOLD.sub(b"", found["value"]).strip()
    return _decoded(raw)[:LONGEST_SUBJECT]


def _decoded(raw: bytes) -> str:
    text = printable(raw)
    try:
        words = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return printable("".join(_word(value, charset) for value, charset in words).encode("utf-8", "replace"))


def _word(value: bytes | str, charset: str | None) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):
        return value.decode("ascii", "replace")

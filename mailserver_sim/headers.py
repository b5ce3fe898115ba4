"""Header fields of a message, read from its own bytes (RFC 5322, section 2.2) and never written anew."""

from __future__ import annotations

import email.errors
import email.header
import re
from dataclasses import dataclass

LONGEST_DECODED = 4096
"""How many bytes of a subject are decoded: a peer may send one of many megabytes."""

_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^([^\s:]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)(?:\r?\n|\Z)", re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: ``name`` in lower case, ``value`` unfolded and stripped, ``raw`` with its line end."""

    name: str
    value: bytes
    raw: bytes


def split_header(raw: bytes) -> tuple[bytes, bytes]:
    """Split a message behind the empty line that ends its header; without one it is all header."""
    if raw.startswith((b"\r\n", b"\n")):
        end = raw.index(b"\n") + 1
        return raw[:end], raw[end:]
    found = _END_OF_HEADER.search(raw)
    return (raw, b"") if found is None else (raw[: found.end()], raw[found.end() :])


def header_fields(header: bytes) -> list[Field]:
    """Return the fields of a header in their order."""
    return [
        Field(found[1].decode("latin-1").lower(), _FOLD.sub(b"", found[2]).strip(), found[0])
        for found in _FIELD.finditer(header)
    ]


def readable(value: bytes) -> str:
    """Return a field's value with its encoded words (RFC 2047) decoded."""
    text = value.decode("utf-8", "replace")
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except (ValueError, LookupError, email.errors.HeaderParseError):  # an unknown charset, or bad Base64
        return text


def subject_of(raw: bytes) -> str:
    """Return the subject of a message, decoded, of a very long one only the beginning; empty without one."""
    header, _ = split_header(raw)
    subjects = (field.value for field in header_fields(header) if field.name == "subject")
    return readable(next(subjects, b"")[:LONGEST_DECODED])

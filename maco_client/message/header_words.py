"""Header fields: unfolded (RFC 5322, section 2.2.3), and their encoded words (RFC 2047) decoded or left alone."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

from maco_client.imap import printable
from maco_client.message.parts import decode

_FOLD = re.compile(r"\r?\n(?=[ \t])")


def decoded_words(text: str) -> str:
    """Return ``text`` with its encoded words decoded; what cannot be decoded stays as it is."""
    try:
        words = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(_word(value, charset) for value, charset in words) or text


def unfolded(text: str) -> str:
    """Return the value of a field as one line of printable text."""
    return printable(_FOLD.sub("", text).strip().encode("utf-8", "surrogateescape"))


def _word(value: bytes | str, charset: str | None) -> str:
    return value if isinstance(value, str) else decode(value, charset or "ascii").text

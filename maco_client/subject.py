"""The subject of a mail, for people to recognize it by; never an error, however broken the header is."""

from __future__ import annotations

import re

from maco_client.digest import header_of
from maco_client.imap import printable
from maco_client.message.header_words import decoded_words

LONGEST_SUBJECT = 200

_SUBJECT = re.compile(rb"^subject:[ \t]*(?P<value>.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


def subject_of(head: bytes, *, decode_words: bool = True) -> str:
    """Return the Subject (RFC 5322) of the mail that begins with ``head``; empty if there is none.

    Its encoded words (RFC 2047) are decoded, or left as they are.
    """
    found = _SUBJECT.search(header_of(head))
    if found is None:
        return ""
    line = printable(_FOLD.sub(b"", found["value"]).strip())
    text = decoded_words(line) if decode_words else line
    return printable(text.encode("utf-8", "replace"))[:LONGEST_SUBJECT]

"""What makes two mails the same: all bytes of them, or what the sender wrote.

A mail that is sent twice passes through mail servers twice, and each writes a Received field of its own: the bytes
differ. Its Message-ID (RFC 5322, section 3.6.4: "a globally unique identifier") and what stands behind its header do
not. A Message-ID alone proves nothing, since careless senders use one again; with the same content it does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADER_BYTES = 64 * 1024
"""How far the end of a header is looked for; a longer one counts as content from there on."""

_HEADER_END = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:(?P<value>.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Digest:
    """SHA-256 of all bytes (``raw``), and of Message-ID and content (``fingerprint``).

    Without a Message-ID the two are the same: such mails are the same only byte by byte.
    """

    raw: bytes
    fingerprint: bytes


def digest_of(pieces: Iterable[bytes]) -> Digest:
    """Read a mail piece by piece; keeps no more of it than its header."""
    raw = hashlib.sha256()
    content = hashlib.sha256()
    head: bytearray | None = bytearray()
    message_id = b""
    for piece in pieces:
        raw.update(piece)
        if head is None:
            content.update(piece)
            continue
        head += piece
        if len(head) >= HEADER_BYTES:
            message_id = _begin(bytes(head), content)
            head = None
    if head is not None:
        message_id = _begin(bytes(head), content)
    everything = raw.digest()
    if not message_id:
        return Digest(everything, everything)
    return Digest(everything, hashlib.sha256(message_id + b"\0" + content.digest()).digest())


def header_of(head: bytes) -> bytes:
    """Return the header of the mail that begins with ``head``, without the empty line behind it."""
    return split(head)[0]


def split(head: bytes) -> tuple[bytes, bytes]:
    """Return header and content of what ``head`` holds of a mail, both without the empty line between."""
    end = _HEADER_END.search(head, 0, HEADER_BYTES)
    return (head[: end.start()], head[end.end() :]) if end else (head[:HEADER_BYTES], head[HEADER_BYTES:])


def _begin(head: bytes, content: hashlib._Hash) -> bytes:
    """Return the Message-ID, and begin ``content`` with what stands behind the header."""
    header, rest = split(head)
    content.update(rest)
    found = _MESSAGE_ID.search(header)
    return b"".join(found["value"].split()) if found else b""

"""From the bytes of a mail to its MIME parts (RFC 2045, RFC 2046), within bounds and without ever failing."""

from __future__ import annotations

import codecs
import email
import email.feedparser
import email.message
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass

from maco_client.digest import split

_WITH_PARTS = frozenset({"multipart", "message"})
MAX_PARTS = 10_000
"""Lines that could begin a part: more are not looked at, as each would cost more memory than it has bytes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text in a declared charset: ``fault`` is empty, ``unknown`` (charset) or ``invalid`` (bytes)."""

    text: str
    charset: str
    fault: str = ""


def parse(raw: bytes) -> email.message.Message | None:
    """Return the parsed mail; None if it has too many parts, or parts too deep in parts, to be looked at."""
    if raw.count(b"\n--") > MAX_PARTS:
        return None
    header, body = split(raw)
    parser = email.feedparser.FeedParser(policy=email.policy.compat32)
    parser.feed(f"{header.decode('ascii', 'surrogateescape')}\r\n\r\n")
    message = parser.close()
    if message.get_content_maintype() not in _WITH_PARTS:  # most mails: no line of the body has to be looked at
        message.set_payload(body.decode("ascii", "surrogateescape"))
        return message
    try:
        return email.message_from_bytes(raw, policy=email.policy.compat32)
    except RecursionError:
        return None


def leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    """Yield the parts that hold no parts; a mail within a mail is one part."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and isinstance(part.get_payload(), list):
            waiting.extend(reversed(_parts(part)))
        else:
            yield part


def every(message: email.message.Message) -> Iterator[email.message.Message]:
    """Yield the mail and all parts of it, those of mails within it too."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(_parts(part)))


def content(part: email.message.Message) -> bytes:
    """Return what a part holds, its transfer encoding undone as far as it can be; a mail within a mail as it is."""
    if part.is_multipart():
        return b"".join(inner.as_bytes() for inner in _parts(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def decode(raw: bytes, charset: str) -> Decoded:
    """Return bytes as text; what cannot be decoded is replaced."""
    try:
        name = codecs.lookup(charset).name
        return Decoded(raw.decode(name), charset)
    except (LookupError, ValueError, TypeError):
        pass
    try:
        # Some codecs of Python are no charsets ("base64", "rot13"), and refuse to make text.
        return Decoded(raw.decode(charset, "replace"), charset, "invalid")
    except (LookupError, ValueError, TypeError):
        return Decoded(raw.decode("ascii", "replace"), charset, "unknown")


def charset_of(part: email.message.Message) -> str:
    """Return the declared charset of a part; us-ascii if it declares none (RFC 2045, section 5.2)."""
    try:
        charset = part.get_content_charset()
    except (LookupError, ValueError):  # an RFC 2231 parameter in a charset of its own
        return "us-ascii"
    return charset or "us-ascii"


def _parts(part: email.message.Message) -> list[email.message.Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, email.message.Message)] if isinstance(payload, list) else []

"""The parts of a message as ranges of its own bytes: nothing is decoded, nothing is written anew.

Python's email package reads the header fields; it cannot give back the exact bytes of a part, so the cutting is done
here (RFC 2046, section 5.1).
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailserver_sim.headers import header_fields, split_header
from mailserver_sim.imap.parameters import Pairs, parse_field

DEEPEST = 30
MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Entity:
    """A message or a part of one; ``parts`` are those of a multipart, ``message`` that of a message/rfc822."""

    header: bytes
    body: bytes
    main_type: str
    sub_type: str
    parameters: Pairs = ()
    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The unfolded values of the header fields by name in lower case; of a repeated field the first."""
    parts: tuple[Entity, ...] = ()
    message: Entity | None = None
    fields: email.message.Message = field(default_factory=email.message.Message, repr=False, compare=False)


def parse_message(header: bytes, body: bytes) -> Entity:
    """Return the tree of a message."""
    return _parse(header, body, "text/plain", 0)


def _parse(header: bytes, body: bytes, default_type: str, depth: int) -> Entity:
    fields = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(header)
    fields.set_default_type(default_type)
    main_type, _, sub_type = fields.get_content_type().partition("/")
    values = first_values(header)
    parameters = parse_field(values.get("content-type", b"").decode("latin-1")).parameters
    parts: tuple[Entity, ...] = ()
    message: Entity | None = None
    if main_type == "multipart" and depth < DEEPEST:
        parts = _parts(fields, body, sub_type, depth)
        if not parts:  # a multipart without any part is shown as what it looks like
            main_type, sub_type, parameters = "text", "plain", ()
    elif (main_type, sub_type) == ("message", "rfc822") and depth < DEEPEST:
        message = _parse(*split_header(body), "text/plain", depth + 1)
    return Entity(header, body, main_type, sub_type, parameters, values, parts, message, fields)


def first_values(header: bytes) -> dict[str, bytes]:
    """Return the unfolded value of every field by its name in lower case; of a repeated field the first."""
    values: dict[str, bytes] = {}
    for each in header_fields(header):
        values.setdefault(each.name, each.value)
    return values


def _parts(fields: email.message.Message, body: bytes, sub_type: str, depth: int) -> tuple[Entity, ...]:
    boundary = fields.get_boundary()
    if not boundary:
        return ()
    default = "message/rfc822" if sub_type == "digest" else "text/plain"
    cut = _cut(body, boundary.encode("utf-8", "surrogateescape"))
    return tuple(_parse(*split_header(part), default, depth + 1) for part in cut)


def _cut(body: bytes, boundary: bytes) -> list[bytes]:
    """Cut a multipart body at its delimiters. "The CRLF preceding the boundary delimiter line" belongs to it."""
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
    parts: list[bytes] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            parts.append(body[start : found.start()].removesuffix(b"\n").removesuffix(b"\r"))
        start = found.end()
        if found[1] or len(parts) >= MOST_PARTS:
            return parts
    if start is not None:
        parts.append(body[start:])
    return parts

"""``BODY[section]<partial>``: which bytes of a message a client means (RFC 3501, section 6.4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mailserver_sim.headers import header_fields
from mailserver_sim.imap.mime import Entity

SectionText: TypeAlias = Literal["", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"]


@dataclass(frozen=True, slots=True)
class Section:
    """The part's numbers from the outside in, what of it, and the names of the wanted fields."""

    numbers: tuple[int, ...] = ()
    text: SectionText = ""
    fields: tuple[bytes, ...] = ()


def section_bytes(message: Entity, section: Section) -> bytes | None:
    """Return the bytes of a section; None when the message has no such part."""
    part = _part(message, section.numbers)
    if part is None:
        return None
    if section.text == "MIME":
        return part.header
    if not section.text:
        return part.body if section.numbers else part.header + part.body
    # "HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, and TEXT [...] refer to the [RFC-2822] header of the message or of
    # an encapsulated [MIME-IMT] MESSAGE/RFC822 message."
    inner = part.message if section.numbers else part
    if inner is None:
        return None
    if section.text == "TEXT":
        return inner.body
    return inner.header if section.text == "HEADER" else _some_fields(inner.header, section)


def cut(data: bytes, offset: int, count: int) -> bytes:
    """Return ``count`` bytes from ``offset``: fewer at the end, none beyond it.

    "If the starting octet is beyond the end of the text, an empty string is returned."
    """
    return data[offset : offset + count]


def _part(message: Entity, numbers: tuple[int, ...]) -> Entity | None:
    current = message
    for depth, number in enumerate(numbers):
        inner = current.message if depth else None
        container = inner or current
        if container.parts:
            if number > len(container.parts):
                return None
            current = container.parts[number - 1]
        # "Every message has at least one part number": part 1 of a message that is no multipart is its body.
        elif number == 1 and (depth == 0 or inner is not None):
            current = container
        else:
            return None
    return current


def _some_fields(header: bytes, section: Section) -> bytes:
    wanted = {name.lower() for name in section.fields}
    listed = section.text == "HEADER.FIELDS"
    chosen = [each.raw for each in header_fields(header) if (each.name.encode("latin-1") in wanted) is listed]
    # "the delimiting blank line between the header and the body is included"
    return b"".join(raw if raw.endswith(b"\n") else raw + b"\r\n" for raw in chosen) + b"\r\n"

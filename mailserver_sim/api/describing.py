"""From a stored message to the shape that tells of it. Pure.

Whatever somebody sent is told as well as it can be: what cannot be decoded is told undecoded, and never an error.
"""

from __future__ import annotations

import base64
import binascii
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailserver_sim.api import shapes
from mailserver_sim.finding import Found
from mailserver_sim.headers import LONGEST_DECODED, header_fields, readable
from mailserver_sim.imap.mime import Entity, parse_message
from mailserver_sim.store.values import Content


def message(found: Found) -> shapes.Message:
    """Return a message without its body."""
    return shapes.Message.model_validate(_message(found))


def whole_message(found: Found, content: Content) -> shapes.WholeMessage:
    """Return a message with its text and its attachments."""
    parts = _Parts()
    for part in _leaves(parse_message(content.header, content.body)):
        parts.take(part)
    return shapes.WholeMessage.model_validate(
        {**_message(found), "text": parts.text, "html": parts.html, "attachments": parts.attachments}
    )


def _message(found: Found) -> dict[str, object]:
    fields = header_fields(found.header)[: shapes.MAX_FIELDS]
    headers = [
        shapes.HeaderField(name=each.name, value=_utf8(readable(each.value[:LONGEST_DECODED]))) for each in fields
    ]
    first = {each.name: each.value for each in reversed(headers)}
    return {
        "user": found.user,
        "mailbox": found.mailbox,
        "uid": found.info.uid,
        "flags": sorted(found.info.flags),
        "internal_date": found.info.internal_date.isoformat(),
        "size": found.info.size,
        "subject": first.get("subject", ""),
        "sender": first.get("from", ""),
        "to": first.get("to", ""),
        "date": first.get("date", ""),
        "message_id": first.get("message-id", ""),
        "headers": headers,
    }


def _leaves(entity: Entity) -> Iterator[Entity]:
    if not entity.parts:
        yield entity
    for part in entity.parts:
        yield from _leaves(part)


@dataclass(slots=True)
class _Parts:
    """The first plain text, the first HTML, and everything else."""

    text: str = ""
    html: str = ""
    attachments: list[shapes.Attachment] = field(default_factory=list)

    def take(self, part: Entity) -> None:
        """Put a part where it belongs."""
        content, kind = _decoded(part), f"{part.main_type}/{part.sub_type}"
        name = part.fields.get_filename("")
        is_attached = bool(name) or part.fields.get_content_disposition() == "attachment"
        if kind == "text/plain" and not is_attached and not self.text:
            self.text = _text(part, content)
        elif kind == "text/html" and not is_attached and not self.html:
            self.html = _text(part, content)
        else:
            self.attachments.append(
                shapes.Attachment(
                    filename=_utf8(readable(name.encode("utf-8", "replace"))),
                    content_type=_utf8(kind),
                    size=len(content),
                )
            )


def _decoded(part: Entity) -> bytes:
    """Return the content of a part (RFC 2045, section 6); as it is where it is not what it says."""
    match str(part.fields.get("content-transfer-encoding", "")).strip().lower():
        case "base64":
            try:
                return base64.b64decode(part.body)
            except binascii.Error:
                return part.body
        case "quoted-printable":
            return quopri.decodestring(part.body)
    return part.body


def _text(part: Entity, content: bytes) -> str:
    charset = part.fields.get_content_charset("utf-8")
    begin = content[: shapes.MAX_TEXT_BYTES]
    try:
        return _utf8(begin.decode(charset, "replace"))
    except (LookupError, ValueError):
        return begin.decode("utf-8", "replace")


def _utf8(text: str) -> str:
    """Return ``text`` without lone surrogates: JSON carries none."""
    return text.encode("utf-8", "replace").decode("utf-8")

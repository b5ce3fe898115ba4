"""A stored mail as MaCo hands it to an integration flow: header fields, text and attachments.

Facts of CPI's adapter: attachments whose names are equal all get ``_<GUID>`` before the extension, the first one too; a
name that is there once stays; a missing one becomes a GUID.
"""

from __future__ import annotations

import email.message
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from maco_client.message.header_words import decoded_words, unfolded
from maco_client.message.parts import charset_of, content, decode, leaves, parse
from maco_client.message.problems import Problem, problems_in

ORIGINAL_MESSAGE = "SAP_MAIL_ORIGINAL_MESSAGE"
"""The property of an integration flow that holds the raw mail with "Include Original Mail"."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment, its transfer encoding undone."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A mail as a flow sees it; ``headers`` are in the order of the mail.

    ``original`` is the raw mail with "Include Original Mail", else None; ``problems`` is what is wrong with the mail.
    """

    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]
    original: bytes | None = field(default=None, repr=False)

    def header(self, name: str) -> str:
        """Return the first field of this name, in any case; empty if there is none."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")


def _new_guid() -> str:
    return str(uuid.uuid4())


def read_message(
    raw: bytes,
    *,
    decode_mime_headers: bool = True,
    remove_attachments: bool = False,
    include_original_mail: bool = False,
    new_guid: Callable[[], str] = _new_guid,
) -> Message:
    """Read a mail by MaCo's settings of the same names; never an error, however broken the mail is."""
    message = parse(raw)
    original = raw if include_original_mail else None
    if message is None:
        return Message((), "", (), problems_in(raw), original)
    text, attached = _split(message)
    return Message(
        headers=tuple((name, _field(str(value), decode=decode_mime_headers)) for name, value in message.raw_items()),
        text=decode(content(text), charset_of(text)).text if text is not None else "",
        attachments=() if remove_attachments else _attachments(attached, new_guid),
        problems=problems_in(raw),
        original=original,
    )


def _field(value: str, *, decode: bool) -> str:
    line = unfolded(value)
    return unfolded(decoded_words(line)) if decode else line


def _split(message: email.message.Message) -> tuple[email.message.Message | None, list[email.message.Message]]:
    """Return the part that is the text of the mail, and all others."""
    parts = list(leaves(message))
    texts = [part for part in parts if part.get_content_maintype() == "text" and not _is_attachment(part)]
    text = texts[0] if texts else None
    return text, [part for part in parts if part is not text and part not in texts]


def _is_attachment(part: email.message.Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _attachments(parts: list[email.message.Message], new_guid: Callable[[], str]) -> tuple[Attachment, ...]:
    names = [_file_name(part) for part in parts]
    counts = Counter(names)
    return tuple(
        Attachment(_unique(name, counts[name], new_guid), part.get_content_type(), content(part))
        for name, part in zip(names, parts, strict=True)
    )


def _unique(name: str, count: int, new_guid: Callable[[], str]) -> str:
    if not name:
        return new_guid()
    if count == 1:
        return name
    stem, dot, extension = name.rpartition(".")
    return f"{stem}_{new_guid()}{dot}{extension}" if stem else f"{name}_{new_guid()}"


def _file_name(part: email.message.Message) -> str:
    """Return the name that the sender gave a part, as one line of printable text; empty if there is none."""
    try:
        name = part.get_filename("")
    except (LookupError, ValueError):  # an RFC 2231 parameter in a charset that is none
        return ""
    return unfolded(decoded_words(unfolded(name)))

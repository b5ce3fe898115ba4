"""Decide whether a message matches a search (RFC 3501, section 6.4.4).

A message is read only when a key needs its header or its body, and its body only when a key asks for that.
"""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable
from typing import assert_never

from mailserver_sim.headers import header_fields, readable
from mailserver_sim.imap import search_keys as keys
from mailserver_sim.imap.mime import Entity, parse_message
from mailserver_sim.store.values import Content, MessageInfo


class Candidate:
    """One message as a search looks at it; ``read_header`` and ``read_content`` are called at most once."""

    def __init__(
        self,
        number: int,
        info: MessageInfo,
        *,
        recent: bool,
        read_header: Callable[[], bytes],
        read_content: Callable[[], Content | None],
    ) -> None:
        self.number = number
        self.info = info
        self.recent = recent
        self._read_header = read_header
        self._read_content = read_content
        self._header: bytes | None = None
        self._body_texts: list[str] | None = None

    @property
    def header(self) -> bytes:
        """Return the header's bytes."""
        if self._header is None:
            self._header = self._read_header()
        return self._header

    @property
    def body_texts(self) -> list[str]:
        """Return the body as it was sent and every text part of it decoded, all of them case-folded."""
        if self._body_texts is None:
            content = self._read_content() or Content(b"", b"")
            parts = _decoded_texts(parse_message(content.header, content.body))
            self._body_texts = [content.body.decode("utf-8", "replace").casefold(), *parts]
        return self._body_texts


def matches(key: keys.SearchKey, message: Candidate, *, largest_number: int, largest_uid: int) -> bool:
    """Tell whether a message matches; the largest numbers are what ``*`` stands for."""

    def holds(each: keys.SearchKey) -> bool:
        return matches(each, message, largest_number=largest_number, largest_uid=largest_uid)

    match key:
        case keys.Both(keys=parts):
            return all(holds(each) for each in parts)
        case keys.Either(first=first, second=second):
            return holds(first) or holds(second)
        case keys.Negated(key=negated):
            return not holds(negated)
        case keys.InSet(numbers=numbers, by_uid=by_uid):
            own = message.info.uid if by_uid else message.number
            return numbers.contains(own, largest_uid if by_uid else largest_number)
        case _:
            return _holds_alone(key, message)


def _holds_alone(
    key: keys.HasFlag | keys.IsRecent | keys.HasText | keys.HasDate | keys.HasSize | keys.HasModseq, message: Candidate
) -> bool:
    match key:
        case keys.HasFlag(flag=flag):
            return any(flag.casefold() == each.casefold() for each in message.info.flags)
        case keys.IsRecent():
            return message.recent
        case keys.HasSize(larger=larger, size=size):
            return message.info.size > size if larger else message.info.size < size
        case keys.HasModseq(least=least):
            return message.info.modseq >= least
        case keys.HasDate():
            return _date_matches(key, message)
        case keys.HasText():
            return _text_matches(key, message)
        case _:
            assert_never(key)


def _date_matches(key: keys.HasDate, message: Candidate) -> bool:
    date = message.info.internal_date.date() if key.field == "internal" else _sent_date(message.header)
    if date is None:
        return False
    match key.relation:
        case "before":
            return date < key.date
        case "on":
            return date == key.date
        case "since":
            return date >= key.date
        case _:
            assert_never(key.relation)


def _sent_date(header: bytes) -> dt.date | None:
    for field in header_fields(header):
        if field.name == "date":
            try:
                return email.utils.parsedate_to_datetime(field.value.decode("latin-1")).date()
            except (ValueError, IndexError, TypeError, OverflowError):
                return None
    return None


def _text_matches(key: keys.HasText, message: Candidate) -> bool:
    wanted = key.text.casefold()
    if key.where in ("TEXT", "BODY"):
        in_header = key.where == "TEXT" and _in_header(wanted, message.header)
        return in_header or any(wanted in text for text in message.body_texts)
    # "If the string to search is zero-length, this matches all messages that have a header line with the field-name"
    return any(
        wanted in readable(field.value).casefold() for field in header_fields(message.header) if field.name == key.where
    )


def _in_header(wanted: str, header: bytes) -> bool:
    lines = (f"{field.name}: {readable(field.value).casefold()}" for field in header_fields(header))
    return any(wanted in line for line in lines) or wanted in header.decode("utf-8", "replace").casefold()


def _decoded_texts(entity: Entity) -> list[str]:
    if entity.message is not None:
        inner = entity.message
        return [inner.header.decode("utf-8", "replace").casefold(), *_decoded_texts(inner)]
    if entity.parts:
        return [text for part in entity.parts for text in _decoded_texts(part)]
    if entity.main_type != "text" or "content-transfer-encoding" not in entity.fields:
        return []
    part = entity.fields
    part.set_payload(entity.body.decode("latin-1"))
    decoded = part.get_payload(decode=True)
    assert isinstance(decoded, bytes)  # with decode=True, the payload of a single part is bytes
    charset = part.get_content_charset("utf-8")
    try:
        return [decoded.decode(charset, "replace").casefold()]
    except LookupError:
        return [decoded.decode("latin-1").casefold()]

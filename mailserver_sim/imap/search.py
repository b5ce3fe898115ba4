"""Decide whether a message matches a search (RFC 3501, section 6.4.4).

A message is read only when a key needs its header or its body, and its body only when a key asks for that.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import enum
import functools
from collections.abc import Callable, Sequence
from typing import assert_never

from mailserver_sim.headers import header_fields, readable
from mailserver_sim.imap import search_keys as keys
from mailserver_sim.imap.mime import Entity, parse_message
from mailserver_sim.imap.sequence import SAVED, Ranges, SequenceSet
from mailserver_sim.store.values import Content, Flags, MessageInfo

LONGEST_FIELD = 65536
"""How much of one header field is decoded and looked at."""


class Cost(enum.IntEnum):
    """What has to be read of a message to decide a key."""

    NOTHING = 0
    HEADER = 1
    BODY = 2


class Candidate:
    """One message as a search looks at it; ``read_header`` and ``read_content`` are called at most once."""

    def __init__(
        self,
        info: MessageInfo,
        *,
        recent: bool,
        read_header: Callable[[], bytes],
        read_content: Callable[[], Content | None],
    ) -> None:
        self.info = info
        self.recent = recent
        self._read_header = read_header
        self._read_content = read_content

    @functools.cached_property
    def header(self) -> bytes:
        """Return the header's bytes."""
        return self._read_header()

    @functools.cached_property
    def fields(self) -> list[tuple[str, str]]:
        """Return name and decoded value of every header field, the value case-folded."""
        return [(field.name, readable(field.value[:LONGEST_FIELD]).casefold()) for field in header_fields(self.header)]

    @functools.cached_property
    def body_texts(self) -> list[str]:
        """Return the body as it was sent and every text part of it decoded, all of them case-folded."""
        content = self._read_content() or Content(b"", b"")
        parts = _decoded_texts(parse_message(content.header, content.body))
        return [content.body.decode("utf-8", "replace").casefold(), *parts]


def cost(key: keys.SearchKey) -> Cost:
    """Return what must be read at most to decide a key."""
    match key:
        case keys.Both(keys=parts):
            return max(map(cost, parts), default=Cost.NOTHING)
        case keys.Either(first=first, second=second):
            return max(cost(first), cost(second))
        case keys.Negated(key=negated):
            return cost(negated)
        case keys.HasText(where=where):
            return Cost.BODY if where in ("TEXT", "BODY") else Cost.HEADER
        case keys.HasDate(field="sent"):
            return Cost.HEADER
        case _:
            return Cost.NOTHING


def resolved(key: keys.SearchKey, uids: Sequence[int], saved: frozenset[int]) -> keys.SearchKey:
    """Replace sets of numbers by the UIDs they mean, and let cheap keys come before those that read the message."""

    def inner(each: keys.SearchKey) -> keys.SearchKey:
        return resolved(each, uids, saved)

    match key:
        case keys.Both(keys=parts):
            return keys.Both(tuple(sorted(map(inner, parts), key=cost)))
        case keys.Either(first=first, second=second):
            return keys.Either(*sorted((inner(first), inner(second)), key=cost))
        case keys.Negated(key=negated):
            return keys.Negated(inner(negated))
        case keys.InSet(numbers=numbers, by_uid=by_uid):
            return keys.HasUid(_uids_in(numbers, uids, saved, by_uid=by_uid))
        case _:
            return key


def _uids_in(
    numbers: SequenceSet, uids: Sequence[int], saved: frozenset[int], *, by_uid: bool
) -> Ranges | frozenset[int]:
    """Return the UIDs that a set means without a look at each: a search may name the whole mailbox many times."""
    if numbers is SAVED:
        return saved
    if not uids:
        return frozenset()
    if by_uid:
        return numbers.up_to(uids[-1])
    count = len(uids)
    by_number = numbers.up_to(count).ranges
    return Ranges(tuple((uids[low - 1], uids[min(high, count) - 1]) for low, high in by_number if low <= count))


def matches(key: keys.SearchKey, message: Candidate, now: dt.datetime) -> bool:
    """Tell whether a message matches a resolved key."""
    match key:
        case keys.Both(keys=parts):
            return all(matches(each, message, now) for each in parts)
        case keys.Either(first=first, second=second):
            return matches(first, message, now) or matches(second, message, now)
        case keys.Negated(key=negated):
            return not matches(negated, message, now)
        case keys.InSet():
            raise AssertionError("resolved() leaves no set of numbers")
        case _:
            return _holds_alone(key, message, now)


def _holds_alone(key: keys.Lone, message: Candidate, now: dt.datetime) -> bool:
    match key:
        case keys.HasFlag(flag=flag):
            return has_flag(message.info.flags, flag)
        case keys.HasUid(uids=uids):
            return message.info.uid in uids
        case keys.IsRecent():
            return message.recent
        case keys.HasSize(larger=larger, size=size):
            return message.info.size > size if larger else message.info.size < size
        case keys.HasAge(older=older, seconds=seconds):
            age = (now - message.info.internal_date).total_seconds()
            return age >= seconds if older else age <= seconds
        case keys.HasModseq(least=least):
            return message.info.modseq >= least
        case keys.HasDate():
            return _date_matches(key, message)
        case keys.HasText():
            return _text_matches(key, message)
        case _:
            assert_never(key)


def has_flag(flags: Flags, flag: str) -> bool:
    """Tell whether a flag is set; keywords are compared in any case."""
    if flag in flags:
        return True
    return not flag.startswith("\\") and flag.casefold() in map(str.casefold, flags)


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
    moment = sent_at(header)
    return None if moment is None else moment.date()


def sent_at(header: bytes) -> dt.datetime | None:
    """Return the moment in the Date field; None without one, or without a valid one."""
    for field in header_fields(header):
        if field.name == "date":
            try:
                return email.utils.parsedate_to_datetime(field.value.decode("latin-1"))
            except (ValueError, IndexError, TypeError, OverflowError):
                return None
    return None


def _text_matches(key: keys.HasText, message: Candidate) -> bool:
    wanted = key.text.casefold()
    if key.where in ("TEXT", "BODY"):
        in_header = key.where == "TEXT" and _in_header(wanted, message)
        return in_header or any(wanted in text for text in message.body_texts)
    # "If the string to search is zero-length, this matches all messages that have a header line with the field-name"
    return any(wanted in value for name, value in message.fields if name == key.where)


def _in_header(wanted: str, message: Candidate) -> bool:
    lines = (f"{name}: {value}" for name, value in message.fields)
    return any(wanted in line for line in lines) or wanted in message.header.decode("utf-8", "replace").casefold()


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

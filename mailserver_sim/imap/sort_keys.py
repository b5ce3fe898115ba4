"""What SORT and THREAD compare: sort criteria, base subjects, sent dates (RFC 5256, sections 2 and 3)."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mailserver_sim.headers import LONGEST_DECODED, readable
from mailserver_sim.imap.addresses import parse_addresses
from mailserver_sim.imap.mime import first_values
from mailserver_sim.imap.search import sent_at
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.store.values import MessageInfo

MOST_CRITERIA = 20
_COMPARED = frozenset({"cc", "from", "in-reply-to", "message-id", "references", "subject", "to"})

# subj-blob = "[" *BLOBCHAR "]" *WSP; subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" (section 5)
_BLOB = r"\[[^\[\]]*\][ \t]*"
_LEADER = re.compile(rf"[ \t]+|(?:{_BLOB})*(?:re|fwd?)[ \t]*(?:{_BLOB})?:", re.IGNORECASE)
_PREFIX = re.compile(_BLOB)
_TRAILER = re.compile(r"(?:\(fwd\)|[ \t])\Z", re.IGNORECASE)
_FORWARDED = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)
_MESSAGE_ID = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_SPACES = re.compile(r"\s+")


def base_subject(subject: str) -> tuple[str, bool]:
    """Return what is left of a decoded subject without "Re:", "Fwd:" and list names, and whether it had any of the two.

    Section 2.1, steps 1 to 6.
    """
    text = _SPACES.sub(" ", subject)
    is_answer = False
    while True:
        text, was_forwarded = _without_trailers(text)
        text, was_answer = _without_leaders(text)
        is_answer = is_answer or was_forwarded or was_answer
        forwarded = _FORWARDED.match(text)
        if forwarded is None:
            return text, is_answer
        text, is_answer = forwarded[1], True


def _without_trailers(text: str) -> tuple[str, bool]:
    was_forwarded = False
    while (found := _TRAILER.search(text)) is not None:
        text = text[: found.start()]
        was_forwarded = was_forwarded or not found[0].isspace()
    return text, was_forwarded


def _without_leaders(text: str) -> tuple[str, bool]:
    was_answer = False
    while True:
        if (found := _LEADER.match(text)) is not None:
            text = text[found.end() :]
            was_answer = was_answer or not found[0].isspace()
        elif (found := _PREFIX.match(text)) is not None and found.end() < len(text):
            # "and removing that prefix leaves a non-empty subj-base": section 2.1, step 4
            text = text[found.end() :]
        else:
            return text, was_answer


class Sortable:
    """What is known of a message when it is sorted; strings are ready to be compared (I;UNICODE-CASEMAP)."""

    def __init__(self, info: MessageInfo, header: bytes) -> None:
        self.info = info
        # Of References the end counts: the parent is named last.
        self._values = {
            name: value[-LONGEST_DECODED:] if name == "references" else value[:LONGEST_DECODED]
            for name, value in first_values(header).items()
            if name in _COMPARED
        }
        # Without a valid Date it was sent when it arrived (section 2.2).
        sent = sent_at(header) or info.internal_date
        self.sent = sent.replace(tzinfo=dt.UTC) if sent.tzinfo is None else sent

    @functools.cached_property
    def _base_subject(self) -> tuple[str, bool]:
        return base_subject(readable(self._values.get("subject", b"")))

    @property
    def subject(self) -> str:
        """Return the base subject."""
        return self._base_subject[0].casefold()

    @property
    def is_answer(self) -> bool:
        """Tell whether the subject says that this is a reply or was forwarded."""
        return self._base_subject[1]

    def mailbox(self, field: str) -> str:
        """Return the "addr-mailbox of the first" address of a field; empty without one."""
        found = parse_addresses(self._text(field))
        return (found[0].mailbox or "").casefold() if found else ""

    @property
    def message_id(self) -> str:
        """Return the message ID; empty without a valid one."""
        return next(iter(_MESSAGE_ID.findall(self._text("message-id"))), "")

    @property
    def references(self) -> list[str]:
        """Return the IDs in References or, without any, the first one in In-Reply-To."""
        return _MESSAGE_ID.findall(self._text("references")) or _MESSAGE_ID.findall(self._text("in-reply-to"))[:1]

    def _text(self, field: str) -> str:
        return self._values.get(field, b"").decode("latin-1")


_CRITERIA: dict[str, Callable[[Sortable], Any]] = {
    "ARRIVAL": lambda message: message.info.internal_date,
    "CC": lambda message: message.mailbox("cc"),
    "DATE": lambda message: message.sent,
    "FROM": lambda message: message.mailbox("from"),
    "SIZE": lambda message: message.info.size,
    "SUBJECT": lambda message: message.subject,
    "TO": lambda message: message.mailbox("to"),
}
_WITHOUT_HEADER = frozenset({"ARRIVAL", "SIZE"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One sort key; ``reverse`` turns it alone."""

    name: str
    reverse: bool = False

    @property
    def needs_header(self) -> bool:
        """Tell whether the message has to be read for it."""
        return self.name not in _WITHOUT_HEADER


def read_criteria(arguments: Arguments) -> list[Criterion]:
    """Read the sort criteria in their parentheses. Raises CommandSyntaxError."""
    words = [word.upper() for word in arguments.parenthesized(arguments.atom)]
    criteria: list[Criterion] = []
    reverse = False
    for word in words:
        if word == "REVERSE" and not reverse:
            reverse = True
            continue
        if word not in _CRITERIA:
            raise CommandSyntaxError(f"Unknown sort criterion; known: REVERSE {' '.join(_CRITERIA)}")
        criteria.append(Criterion(word, reverse))
        reverse = False
    if reverse or not 0 < len(criteria) <= MOST_CRITERIA:
        raise CommandSyntaxError("Sort criteria were expected")
    return criteria


def in_order(messages: list[Sortable], criteria: list[Criterion]) -> list[Sortable]:
    """Return the messages, which are in the order of their numbers, sorted.

    "If two or more messages exactly match according to the sorting criteria, these messages are sorted according to
    the order in which they appear in the mailbox" (section 3), also with REVERSE: Python's sort is stable.
    """
    for criterion in reversed(criteria):
        messages = sorted(messages, key=_CRITERIA[criterion.name], reverse=criterion.reverse)
    return messages

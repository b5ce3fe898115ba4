"""The tokens of an untagged data response: atoms, strings and parenthesized lists (RFC 3501, sections 4 and 9).

An atom becomes ``str`` (NIL stays the atom "NIL"), a quoted string or small literal ``bytes``, a list ``tuple``; a
literal that was passed on as it came is a ``StreamedLiteral``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from maco_client.imap.text import broken, printable

MAX_DEPTH = 32

# Brackets belong to an atom as a whole: BODY[HEADER.FIELDS (SUBJECT)]<0> is one item name.
_TOKEN = re.compile(
    rb" *(?:(?P<open>\()|(?P<close>\))"
    rb'|"(?P<quoted>(?:[^"\\\r\n]|\\[^\r\n])*)"'
    rb'|(?P<atom>(?:[^\x00-\x20(){"\x7f\[]+|\[[^\]\x00-\x1f]*\])+)'
    rb"|\Z)"
)
_ESCAPED = re.compile(rb"\\(.)")


@dataclass(frozen=True, slots=True)
class StreamedLiteral:
    """Stands where a literal was whose bytes have been passed on already."""

    size: int


@dataclass(frozen=True, slots=True)
class CollectedLiteral:
    """A small literal, such as a mailbox name."""

    data: bytes


Token: TypeAlias = str | bytes | StreamedLiteral | tuple["Token", ...]
Part: TypeAlias = bytes | StreamedLiteral | CollectedLiteral
"""A response as it was read: text, with the literals between."""


class _Lists:
    """The lists that are open, outermost first."""

    def __init__(self) -> None:
        self._open: list[list[Token]] = [[]]

    def add(self, token: Token) -> None:
        self._open[-1].append(token)

    def begin(self) -> None:
        if len(self._open) > MAX_DEPTH:
            raise broken(f"lists at most {MAX_DEPTH} deep", "a deeper one")
        self._open.append([])

    def end(self) -> None:
        if len(self._open) == 1:
            raise broken("no ')' without '('", "one")
        inner = tuple(self._open.pop())
        self.add(inner)

    def finish(self) -> tuple[Token, ...]:
        if len(self._open) > 1:
            raise broken("')'", "the end of the response")
        return tuple(self._open[0])


def parse_tokens(parts: Iterable[Part]) -> tuple[Token, ...]:
    """Return the tokens of one response; raises RemoteProtocolError."""
    lists = _Lists()
    for part in parts:
        match part:
            case StreamedLiteral():
                lists.add(part)
            case CollectedLiteral(data):
                lists.add(data)
            case _:
                _parse_text(part, lists)
    return lists.finish()


def _parse_text(text: bytes, lists: _Lists) -> None:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise broken("an atom, a string or a list", text[at:].lstrip(b" "))
        at = found.end()
        match found.lastgroup:
            case "atom":
                lists.add(printable(found["atom"]))
            case "open":
                lists.begin()
            case "close":
                lists.end()
            case "quoted":
                lists.add(_ESCAPED.sub(rb"\1", found["quoted"]))

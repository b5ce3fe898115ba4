"""The addresses of a header field (RFC 5322, section 3.4, with the obsolete forms of 4.4), as ENVELOPE tells them.

One walk over the text and no step back: whatever a sender wrote costs no more than its length, and of that only so
much is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST_FIELD = 65536
"""How much of a field is read; a mail for a thousand people has less."""

# A quoted string that is never closed goes to the end.
_TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"?|\[[^\]\s]*\]?|[<>,;:@]|[^\s"(<>,;:@\[]+|.', re.DOTALL)
_COMMENT_PART = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """One address structure of RFC 3501, section 7.4.2; a host of None begins a group, or ends it without a mailbox."""

    name: str | None
    route: str | None
    mailbox: str | None
    host: str | None


GROUP_END = Address(None, None, None, None)


def parse_addresses(text: str) -> list[Address]:
    """Return the addresses and group marks in a field's unfolded value, in their order."""
    text = text[:LONGEST_FIELD]
    parser = _Parser()
    at = 0
    while at < len(text):
        if text[at] == "(":
            comment, at = _comment(text, at)
            parser.comment = comment
            continue
        found = _TOKEN.match(text, at)
        assert found is not None  # the last branch of the pattern matches any character
        parser.take(found[0])
        at = found.end()
    parser.end_of_text()
    return parser.addresses


def _comment(text: str, start: int) -> tuple[str, int]:
    """Return the text of the comment that begins at ``start``, which may hold others, and where it ends."""
    depth = 0
    for found in _COMMENT_PART.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return text[start + 1 : found.start()].strip(), found.end()
    return text[start + 1 :].strip(), len(text)


@dataclass(slots=True)
class _Parser:
    addresses: list[Address] = field(default_factory=list)
    comment: str = ""
    _words: list[str] = field(default_factory=list)
    _angle: list[str] | None = None
    _in_angle: bool = False
    _in_group: bool = False

    def take(self, piece: str) -> None:
        if piece.isspace():
            return
        if self._in_angle:
            self._take_in_angle(piece)
            return
        match piece:
            case "<":
                self._angle, self._in_angle = [], True
            case ",":
                self._end_mailbox()
            case ":":
                self._begin_group()
            case ";":
                self._end_group()
            case _:
                self._words.append(piece)

    def end_of_text(self) -> None:
        self._end_mailbox()
        self._end_group()

    def _take_in_angle(self, piece: str) -> None:
        if piece == ">":
            self._in_angle = False
        elif self._angle is not None:
            self._angle.append(piece)

    def _begin_group(self) -> None:
        # "[RFC-2822] group syntax is indicated by a special form of address structure in which the host name field is
        # NIL": RFC 3501, section 7.4.2.
        name, self._words, self._angle, self.comment = _phrase(self._words), [], None, ""
        self._end_group()
        self.addresses.append(Address(None, None, name, None))
        self._in_group = True

    def _end_group(self) -> None:
        self._end_mailbox()
        if self._in_group:
            # "If the mailbox name field is also NIL, this is an end of group marker".
            self.addresses.append(GROUP_END)
        self._in_group = False

    def _end_mailbox(self) -> None:
        words, angle, comment = self._words, self._angle, self.comment
        self._words, self._angle, self._in_angle, self.comment = [], None, False, ""
        if angle:
            self.addresses.append(_address(_phrase(words) or comment, angle))
        elif words and angle is None:
            self.addresses.append(_address(comment, words))


def _address(name: str, words: list[str]) -> Address:
    route = None
    if words[0] == "@" and ":" in words:
        # obs-angle-addr: "<@relay.example,@other.example:user@host>"
        end = words.index(":")
        route, words = "".join(words[:end]), words[end + 1 :]
    at = len(words) - 1 - words[::-1].index("@") if "@" in words else len(words)
    return Address(name or None, route, "".join(map(_unquoted, words[:at])), "".join(words[at + 1 :]))


def _phrase(words: list[str]) -> str:
    return " ".join(map(_unquoted, words))


def _unquoted(word: str) -> str:
    return _ESCAPED.sub(r"\1", word[1:].removesuffix('"')) if word.startswith('"') else word

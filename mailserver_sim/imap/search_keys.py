"""The keys of a SEARCH command (RFC 3501, section 6.4.4; RFC 5032) as a tree of values."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mailserver_sim.imap.sequence import Ranges, SequenceSet, parse_sequence_set
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import canonical_flag, parse_month

DEEPEST = 50
MOST_KEYS = 1000
CHARSETS = ("US-ASCII", "UTF-8", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252")
"""The first must be supported (RFC 3501, section 6.4.4); the last three are what old German mail programs use."""

DateField: TypeAlias = Literal["internal", "sent"]
Relation: TypeAlias = Literal["before", "on", "since"]

_DATE = re.compile(rb'(?P<quote>"?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})(?P=quote)')
# search-modsequence = "MODSEQ" [SP entry-name SP ("priv" / "shared" / "all")] SP mod-sequence-valzer
_ENTRY = re.compile(rb'(?:"/flags/(?:[^"\\]|\\[\\"])+" (?:priv|shared|all) )?', re.IGNORECASE)
_WORD = re.compile(rb"[A-Za-z]+")
_SEQUENCE_START = re.compile(rb"[0-9*$]")


class BadCharset(Exception):
    """The client asks for a charset that is not supported: NO [BADCHARSET (...)]."""


@dataclass(frozen=True, slots=True)
class HasFlag:
    """The message has this flag or keyword."""

    flag: str


@dataclass(frozen=True, slots=True)
class IsRecent:
    """This session was the first to be told of the message."""


@dataclass(frozen=True, slots=True)
class HasText:
    """The text is in the field ``where`` (lower case), or in ``BODY``, or in ``TEXT`` (header and body)."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class HasDate:
    """The internal or the sent date, "disregarding time and timezone", stands so to ``date``."""

    field: DateField
    relation: Relation
    date: dt.date


@dataclass(frozen=True, slots=True)
class HasSize:
    """The size in bytes is larger, or smaller, than ``size``."""

    larger: bool
    size: int


@dataclass(frozen=True, slots=True)
class HasAge:
    """The internal date is older, or younger, than so many seconds (RFC 5032)."""

    older: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class HasModseq:
    """The last change of the message has this MODSEQ or a later one (RFC 7162, section 3.1.5)."""

    least: int


@dataclass(frozen=True, slots=True)
class InSet:
    """The UID, or the message sequence number, is in the set; ``resolved`` makes ``HasUid`` of it."""

    numbers: SequenceSet
    by_uid: bool


@dataclass(frozen=True, slots=True)
class HasUid:
    """The UID is one of these."""

    uids: Ranges | frozenset[int]


@dataclass(frozen=True, slots=True)
class Both:
    """Every one of the keys holds; of none, this is ALL."""

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of two keys holds."""

    first: SearchKey
    second: SearchKey


@dataclass(frozen=True, slots=True)
class Negated:
    """The key does not hold."""

    key: SearchKey


Lone: TypeAlias = HasFlag | IsRecent | HasText | HasDate | HasSize | HasAge | HasModseq | HasUid
"""A key that contains no other."""

SearchKey: TypeAlias = Lone | InSet | Both | Either | Negated

_PLAIN: dict[str, SearchKey] = {
    "ALL": Both(()),
    "ANSWERED": HasFlag("\\Answered"),
    "DELETED": HasFlag("\\Deleted"),
    "DRAFT": HasFlag("\\Draft"),
    "FLAGGED": HasFlag("\\Flagged"),
    "SEEN": HasFlag("\\Seen"),
    "UNANSWERED": Negated(HasFlag("\\Answered")),
    "UNDELETED": Negated(HasFlag("\\Deleted")),
    "UNDRAFT": Negated(HasFlag("\\Draft")),
    "UNFLAGGED": Negated(HasFlag("\\Flagged")),
    "UNSEEN": Negated(HasFlag("\\Seen")),
    "RECENT": IsRecent(),
    "NEW": Both((IsRecent(), Negated(HasFlag("\\Seen")))),
    "OLD": Negated(IsRecent()),
}
_TEXT = {"SUBJECT", "FROM", "TO", "CC", "BCC", "TEXT", "BODY"}
_DATES: dict[str, tuple[DateField, Relation]] = {
    "BEFORE": ("internal", "before"),
    "ON": ("internal", "on"),
    "SINCE": ("internal", "since"),
    "SENTBEFORE": ("sent", "before"),
    "SENTON": ("sent", "on"),
    "SENTSINCE": ("sent", "since"),
}


def parse_search(arguments: Arguments) -> SearchKey:
    """Read the keys of a SEARCH with the charset before them. Raises CommandSyntaxError, BadCharset."""
    charset = "UTF-8"
    if arguments.skip(b"CHARSET "):
        if arguments.utf8:
            # RFC 6855, section 3: such a SEARCH is answered with BAD.
            raise CommandSyntaxError("No CHARSET behind ENABLE UTF8=ACCEPT", "CLIENTBUG")
        charset = read_charset(arguments)
    return parse_keys(arguments, charset)


def read_charset(arguments: Arguments) -> str:
    """Read the name of a charset and the space behind it. Raises CommandSyntaxError, BadCharset."""
    charset = arguments.astring().decode("ascii", "replace").upper()
    arguments.space()
    if charset not in CHARSETS:
        raise BadCharset(charset)
    return charset


def parse_keys(arguments: Arguments, charset: str) -> SearchKey:
    """Read search keys up to the end of the command. Raises CommandSyntaxError."""
    parser = _Parser(arguments, charset)
    keys = [parser.key(0)]
    while not arguments.at_end():
        arguments.space()
        keys.append(parser.key(0))
    return Both(tuple(keys))


def uses_modseq(key: SearchKey) -> bool:
    """Tell whether a key, or one within it, is MODSEQ."""
    match key:
        case HasModseq():
            return True
        case Both(keys=keys):
            return any(map(uses_modseq, keys))
        case Either(first=first, second=second):
            return uses_modseq(first) or uses_modseq(second)
        case Negated(key=negated):
            return uses_modseq(negated)
        case _:
            return False


class _Parser:
    def __init__(self, arguments: Arguments, charset: str) -> None:
        self._arguments = arguments
        self._charset = charset
        self._keys = 0

    def key(self, depth: int) -> SearchKey:
        self._keys += 1
        if depth > DEEPEST or self._keys > MOST_KEYS:
            raise CommandSyntaxError(f"A search has at most {MOST_KEYS} keys, nested {DEEPEST} deep")
        if self._arguments.next_is(b"("):
            keys = self._arguments.parenthesized(lambda: self.key(depth + 1))
            if not keys:
                raise CommandSyntaxError("A search key was expected")
            return Both(tuple(keys))
        if _SEQUENCE_START.match(self._arguments.peek()):
            return InSet(parse_sequence_set(self._arguments.sequence_set()), by_uid=False)
        name = self._arguments.match(_WORD, "A search key")[0].decode("ascii").upper()
        return _PLAIN[name] if name in _PLAIN else self._with_argument(name, depth)

    def _with_argument(self, name: str, depth: int) -> SearchKey:
        self._arguments.space()
        if name in _TEXT:
            return HasText(name if name in ("TEXT", "BODY") else name.lower(), self._text())
        if name in _DATES:
            return HasDate(*_DATES[name], self._date())
        match name:
            case "NOT":
                return Negated(self.key(depth + 1))
            case "OR":
                first = self.key(depth + 1)
                self._arguments.space()
                return Either(first, self.key(depth + 1))
            case "HEADER":
                field = self._text().lower()
                self._arguments.space()
                return HasText(field, self._text())
            case _:
                return self._number_or_flag(name)

    def _number_or_flag(self, name: str) -> SearchKey:
        match name:
            case "KEYWORD":
                return HasFlag(canonical_flag(self._arguments.flag()))
            case "UNKEYWORD":
                return Negated(HasFlag(canonical_flag(self._arguments.flag())))
            case "LARGER" | "SMALLER":
                return HasSize(name == "LARGER", self._arguments.number())
            case "OLDER" | "YOUNGER":
                return HasAge(name == "OLDER", self._positive())
            case "MODSEQ":
                self._arguments.match(_ENTRY, "A MODSEQ")  # all flags of a message share one MODSEQ
                return HasModseq(self._arguments.mod_sequence())
            case "UID":
                return InSet(parse_sequence_set(self._arguments.sequence_set()), by_uid=True)
            case _:
                raise CommandSyntaxError(f"Unknown search key {name[:40]}")

    def _positive(self) -> int:
        number = self._arguments.number()
        if not number:  # RFC 5032, section 3: "interval of seconds [...] nz-number"
            raise CommandSyntaxError("A number greater than 0 was expected")
        return number

    def _text(self) -> str:
        try:
            return self._arguments.astring().decode(self._charset)
        except UnicodeDecodeError as error:
            raise CommandSyntaxError(f"The text is not valid {self._charset}") from error

    def _date(self) -> dt.date:
        found = self._arguments.match(_DATE, "A date")
        try:
            return dt.date(int(found[4]), parse_month(found[3]), int(found[2]))
        except ValueError as error:
            raise CommandSyntaxError("Invalid date") from error

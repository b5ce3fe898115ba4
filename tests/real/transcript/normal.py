"""Bring two servers' answers into one form: what RFC 3501 leaves to the server is taken out, everything else stays.

``docs/imap-differences.md`` says what that is, in the section that ``page`` writes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable

from mailserver_sim.imap.wire import parse_date_time
from tests.real.transcript.player import Answered
from tests.real.transcript.structure import structure
from tests.real.transcript.values import Text, Value

NEW_MAIL = dt.timedelta(days=1)


_CODE = re.compile(rb"\[((?:[^\]\"]|\"[^\"]*\")*)\]")
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
# An item's name may hold a section with spaces and parentheses in it.
_ATOM = re.compile(rb"(?:\[[^\]]*\]|[^ ()\r\n\[])+")
_NUMBER_FIRST = re.compile(rb"(\d+) ([A-Z]+)(?: (.*))?\Z", re.DOTALL)
_UIDS_ONLY = {b"APPENDUID", b"COPYUID"}
_DROPPED_CODES = {b"HIGHESTMODSEQ", b"NOMODSEQ", b"CLOSED", b"CAPABILITY", b"CLIENTBUG", b""}
_OWN_COUNTERS = {"UIDVALIDITY", "HIGHESTMODSEQ", "MODSEQ"}
_VOLATILE_ATTRIBUTES = {"\\Marked", "\\UnMarked"}


def normal(answered: Answered) -> tuple[str, ...]:
    """Return the responses to a step in their normal form, the tagged one last."""
    responses = list(answered.responses)
    tagged = [] if answered.step.left_open or not responses else [responses.pop()]
    mailbox = _Mailbox()
    others = [line for response in responses if (line := _untagged(response, mailbox))]
    if not any(line.startswith("FLAGS") for line in others):  # no SELECT or EXAMINE
        mailbox.forget_recent()
    return (*sorted([*others, *mailbox.lines()]), *map(_tagged, tagged))


class _Mailbox:
    """What a step told of the messages, whatever it was told in: numbers as they were before the step."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._gone: list[int] = []
        self._items: dict[int, dict[str, str]] = {}

    def take(self, number: int, name: bytes, rest: bytes) -> None:
        match name:
            case b"EXPUNGE":
                self._gone.append(self._before(number))
                if b"EXISTS" in self._counts:
                    self._counts[b"EXISTS"] -= 1
            case b"FETCH":
                (pairs,) = _values(rest)
                assert isinstance(pairs, tuple)
                items = {_label(pairs[at]): _item(pairs[at], pairs[at + 1]) for at in range(0, len(pairs), 2)}
                self._items.setdefault(self._before(number), {}).update(items)
            case _:
                self._counts[name] = number

    def _before(self, number: int) -> int:
        for gone in sorted(self._gone):
            number += gone <= number
        return number

    def forget_recent(self) -> None:
        self._counts.pop(b"RECENT", None)

    def lines(self) -> Iterable[str]:
        yield from (f"{number} {name.decode()}" for name, number in self._counts.items())
        if self._gone:
            yield f"EXPUNGE of {sorted(self._gone)}"
        for number in self._items.keys() - set(self._gone):
            items = self._items[number]
            yield f"{number} FETCH ({' '.join(f'{name} {items[name]}' for name in sorted(items))})"


def _untagged(response: bytes, mailbox: _Mailbox) -> str:
    if not response:
        return "(the connection ends)"
    if not response.startswith(b"* "):  # the answer to the command before, of two in one step
        return ""
    body = response.removeprefix(b"* ").removesuffix(b"\r\n")
    numbered = _NUMBER_FIRST.match(body)
    if numbered is not None:
        mailbox.take(int(numbered[1]), numbered[2], numbered[3] or b"")
        return ""
    name, _, rest = body.partition(b" ")
    name = name.upper()
    if name in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
        return _status(name, rest) if name != b"OK" or _code(rest) else ""
    rule = _RULES.get(name, _as_it_is)
    return f"{name.decode()} {rule(_values(rest))}".rstrip()


def _tagged(response: bytes) -> str:
    if not response:
        return "(the connection ends)"
    _, _, rest = response.partition(b" ")
    name, _, text = rest.removesuffix(b"\r\n").partition(b" ")
    return _status(name, text)


def _status(name: bytes, text: bytes) -> str:
    code = _code(text)
    return name.decode() + (f" [{code}]" if code else "")


def _code(text: bytes) -> str:
    found = _CODE.match(text)
    if found is None:
        return ""
    name, _, rest = found[1].partition(b" ")
    name = name.upper()
    if name in _DROPPED_CODES:
        return ""
    if name == b"BADCHARSET":
        return "BADCHARSET"
    if name == b"UIDVALIDITY":
        return "UIDVALIDITY n"
    if name in _UIDS_ONLY:
        return f"{name.decode()} n {rest.partition(b' ')[2].decode()}"
    return f"{name.decode()} {_as_a_set(_values(rest))}".rstrip()


def _values(data: bytes) -> tuple[Value, ...]:
    values, end = _list(data, 0)
    assert end == len(data), data
    return values


def _list(data: bytes, at: int) -> tuple[tuple[Value, ...], int]:
    """Read values up to a closing parenthesis or the end."""
    values: list[Value] = []
    while at < len(data) and data[at : at + 1] != b")":
        if data[at : at + 1] == b" ":
            at += 1
        elif data[at : at + 1] == b"(":
            inner, at = _list(data, at + 1)
            values.append(inner)
            at += 1
        else:
            value, at = _single(data, at)
            values.append(value)
    return tuple(values), at


def _single(data: bytes, at: int) -> tuple[Value, int]:
    if (literal := _LITERAL.match(data, at)) is not None:
        end = literal.end() + int(literal[1])
        return Text(data[literal.end() : end]), end
    if (quoted := _QUOTED.match(data, at)) is not None:
        return Text(re.sub(rb"\\(.)", rb"\1", quoted[1])), quoted.end()
    atom = _ATOM.match(data, at)
    assert atom is not None, data[at:]
    return atom[0], atom.end()


def _shown(value: Value) -> str:
    match value:
        case Text(data=data):
            return '"' + re.sub(r'(["\\])', r"\\\1", _printable(data)) + '"'
        case bytes():
            return _printable(value)
        case _:
            return "(" + " ".join(map(_shown, value)) + ")"


def _printable(data: bytes) -> str:
    text = data.decode("latin-1").replace("\r\n", "␤")
    return re.sub(r"[^ -~␤]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _as_it_is(values: tuple[Value, ...]) -> str:
    return " ".join(map(_shown, values))


def _as_a_set(values: tuple[Value, ...]) -> str:
    return " ".join(_flags(value) if isinstance(value, tuple) else _shown(value) for value in values)


def _flags(value: Value) -> str:
    assert isinstance(value, tuple)
    return "(" + " ".join(sorted(set(map(_shown, value)) - _VOLATILE_ATTRIBUTES, key=str.lower)) + ")"


def _label(value: Value) -> str:
    return _shown(value).upper().replace('"', "")


def _item(name: Value, value: Value) -> str:
    match name:
        case b"FLAGS":
            return _flags(value)
        case b"MODSEQ":
            return "(n)"
        case b"INTERNALDATE":
            assert isinstance(value, Text)
            return _date(value.data)
        case b"BODY" | b"BODYSTRUCTURE":
            return _shown(structure(value))
        case _:
            return _shown(value)


def _date(data: bytes) -> str:
    moment = parse_date_time(b'"' + data + b'"').astimezone(dt.UTC)
    return "now" if abs(moment - dt.datetime.now(dt.UTC)) < NEW_MAIL else moment.isoformat(" ")


def _listed(values: tuple[Value, ...]) -> str:
    attributes, delimiter, name, *more = values
    return " ".join([_flags(attributes), *map(_shown, (delimiter, _mailbox_name(name))), *map(_extended_items, more)])


def _extended_items(value: Value) -> str:
    """An item's name may be an atom or a string."""
    assert isinstance(value, tuple)
    return " ".join(f"{_shown(value[at]).strip(chr(34))} {_shown(value[at + 1])}" for at in range(0, len(value), 2))


def _mailbox_name(name: Value) -> Value:
    """A name may be written as an atom or as a string, and INBOX in any case."""
    data = name.data if isinstance(name, Text) else name
    assert isinstance(data, bytes)
    return Text(b"INBOX" if data.upper() == b"INBOX" else data)


def _numbers(values: tuple[Value, ...]) -> str:
    numbers = [_shown(value) for value in values if isinstance(value, bytes)]
    return " ".join([*sorted(numbers, key=int), *_modseq(values)])


def _sorted(values: tuple[Value, ...]) -> str:
    numbers = [_shown(value) for value in values if isinstance(value, bytes)]
    return " ".join([*numbers, *_modseq(values)])


def _modseq(values: tuple[Value, ...]) -> list[str]:
    """What the counters of changes stand at is each server's own; that the highest one is told is not."""
    return [f"({_shown(value[0])} n)" for value in values if isinstance(value, tuple)]


def _counted(values: tuple[Value, ...]) -> str:
    name, pairs = values
    assert isinstance(pairs, tuple)
    counts = {_shown(pairs[at]): _shown(pairs[at + 1]) for at in range(0, len(pairs), 2)}
    counts |= dict.fromkeys(_OWN_COUNTERS & counts.keys(), "n")
    return f"{_shown(_mailbox_name(name))} ({' '.join(f'{item} {counts[item]}' for item in sorted(counts))})"


def _extended_search(values: tuple[Value, ...]) -> str:
    rest = list(values)
    shown = []
    if rest and isinstance(rest[0], tuple):  # the correlator
        shown.append("(TAG)")
        rest.pop(0)
    if rest and rest[0] == b"UID":
        shown.append("UID")
        rest.pop(0)
    items = {_shown(rest[at]): _shown(rest[at + 1]) for at in range(0, len(rest), 2)}
    items |= dict.fromkeys(_OWN_COUNTERS & items.keys(), "n")
    pairs = sorted(f"{name} {value}" for name, value in items.items())
    return " ".join([*shown, *pairs])


_RULES: dict[bytes, Callable[[tuple[Value, ...]], str]] = {
    b"FLAGS": _as_a_set,
    b"LIST": _listed,
    b"LSUB": _listed,
    b"SEARCH": _numbers,
    b"SORT": _sorted,
    b"ESEARCH": _extended_search,
    b"STATUS": _counted,
    b"CAPABILITY": lambda values: "with IMAP4rev1" if b"IMAP4rev1" in values else "without IMAP4rev1",
    b"ID": lambda _values: "(who it is)",
}

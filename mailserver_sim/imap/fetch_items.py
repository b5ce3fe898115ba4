"""The items of a FETCH command (RFC 3501, section 6.4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias, cast

from mailserver_sim.imap.sections import Section, SectionText
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import string

_MACROS = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_SIMPLE = frozenset({"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "UID", "MODSEQ"})
_NAME = re.compile(rb"[A-Za-z0-9.]+")
_PART_NUMBERS = re.compile(rb"[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*")
_SECTION_TEXT = re.compile(rb"HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME", re.IGNORECASE)
_ATOM = re.compile(rb"[A-Za-z0-9_.-]+")
# "<" number "." nz-number ">"
_PARTIAL = re.compile(rb"<([0-9]{1,10})\.([1-9][0-9]{0,9})>")


@dataclass(frozen=True, slots=True)
class Simple:
    """An item that is its name, for example ``RFC822.SIZE``; ``BODY`` alone is the short structure."""

    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of the message: ``label`` is how the answer names them, ``partial`` is (offset, count) in bytes."""

    section: Section
    label: bytes
    peek: bool = False
    partial: tuple[int, int] | None = None


FetchItem: TypeAlias = Simple | Body

_RFC822 = {
    "RFC822": Body(Section(), b"RFC822"),
    "RFC822.HEADER": Body(Section(text="HEADER"), b"RFC822.HEADER", peek=True),
    "RFC822.TEXT": Body(Section(text="TEXT"), b"RFC822.TEXT"),
}


def parse_fetch_items(arguments: Arguments) -> tuple[FetchItem, ...]:
    """Read a macro, one item or a list of items. Raises CommandSyntaxError."""
    if arguments.next_is(b"("):
        items = arguments.parenthesized(lambda: _item(arguments))
        if not items:
            raise CommandSyntaxError("At least one item was expected")
        return tuple(items)
    name = _name(arguments)
    if name in _MACROS:
        return tuple(Simple(each) for each in _MACROS[name])
    return (_named(name, arguments),)


def parse_changed_since(arguments: Arguments) -> int | None:
    """Read the only modifier there is: ``(CHANGEDSINCE modseq)`` behind the items (RFC 7162, section 3.1.4.1)."""
    if arguments.at_end():
        return None
    arguments.require(b" (CHANGEDSINCE ")
    modseq = arguments.mod_sequence()
    arguments.require(b")")
    return modseq


def _item(arguments: Arguments) -> FetchItem:
    return _named(_name(arguments), arguments)


def _name(arguments: Arguments) -> str:
    return arguments.match(_NAME, "An item")[0].decode("ascii").upper()


def _named(name: str, arguments: Arguments) -> FetchItem:
    if name in ("BODY", "BODY.PEEK") and arguments.next_is(b"["):
        return _body(arguments, peek=name == "BODY.PEEK")
    if name in _SIMPLE:
        return Simple(name)
    if name in _RFC822:
        return _RFC822[name]
    raise CommandSyntaxError(f"Unknown item {name[:40]}")


def _body(arguments: Arguments, *, peek: bool) -> Body:
    arguments.require(b"[")
    numbers: tuple[int, ...] = ()
    text: SectionText = ""
    fields: tuple[bytes, ...] = ()
    if not arguments.next_is(b"]"):
        numbers, has_text = _numbers(arguments)
        if has_text:
            text, fields = _section_text(arguments)
    if text == "MIME" and not numbers:
        raise CommandSyntaxError("MIME needs a part number before it")
    arguments.require(b"]")
    section = Section(numbers, text, fields)
    partial = _partial(arguments)
    return Body(section, _label(section, partial), peek, partial)


def _numbers(arguments: Arguments) -> tuple[tuple[int, ...], bool]:
    """Return the part numbers and whether a name follows."""
    if not _starts_with_digit(arguments):
        return (), True
    numbers = arguments.match(_PART_NUMBERS, "A part number")[0]
    return tuple(int(number) for number in numbers.split(b".")), arguments.skip(b".")


def _starts_with_digit(arguments: Arguments) -> bool:
    return any(arguments.next_is(b"%d" % digit) for digit in range(10))


def _section_text(arguments: Arguments) -> tuple[SectionText, tuple[bytes, ...]]:
    name = arguments.match(_SECTION_TEXT, "HEADER, HEADER.FIELDS, TEXT or MIME")[0].decode("ascii").upper()
    if not name.startswith("HEADER.FIELDS"):
        return cast("SectionText", name), ()
    arguments.space()
    fields = tuple(arguments.parenthesized(arguments.astring))
    if not fields:
        raise CommandSyntaxError("At least one field name was expected")
    return cast("SectionText", name), fields


def _partial(arguments: Arguments) -> tuple[int, int] | None:
    if not arguments.next_is(b"<"):
        return None
    found = arguments.match(_PARTIAL, "<offset.count>")
    return int(found[1]), int(found[2])


def _field_name(name: bytes) -> bytes:
    return name if _ATOM.fullmatch(name) else string(name)


def _label(section: Section, partial: tuple[int, int] | None) -> bytes:
    numbers = ".".join(str(number) for number in section.numbers).encode("ascii")
    text = section.text.encode("ascii")
    inside = numbers + (b"." if numbers and text else b"") + text
    if section.fields:
        inside += b" (" + b" ".join(_field_name(each) for each in section.fields) + b")"
    # "BODY[]<0.2048> [...] will be returned as BODY[]<0>": the origin alone, never the count.
    return b"BODY[" + inside + b"]" + (b"" if partial is None else b"<%d>" % partial[0])

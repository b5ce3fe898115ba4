"""Read the arguments of a command: atoms, strings, lists, numbers (RFC 3501, section 9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from mailserver_sim.imap.reader import Literal, Part

ItemT = TypeVar("ItemT")

# atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_LIST_MAILBOX = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+|\\\*')
_NUMBER = re.compile(rb"[0-9]{1,10}")
_MOD_SEQUENCE = re.compile(rb"[0-9]{1,19}")
_SEQUENCE = re.compile(rb"[0-9:*,]+|\$")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"')
_ESCAPED = re.compile(rb"\\(.)")


class CommandSyntaxError(Exception):
    """The client wrote something that is no command; ``text`` and ``code`` go into the BAD answer."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Arguments:
    """A cursor over the parts of one command. Every method raises CommandSyntaxError at what it cannot read."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.utf8 = False
        """Whether the client has enabled UTF8=ACCEPT: mailbox names are UTF-8 then."""
        self._parts = parts
        self._index = 0
        self._at = 0

    def at_end(self) -> bool:
        """Tell whether everything has been read."""
        return not self._text() and self._index >= len(self._parts) - 1

    def end(self) -> None:
        """Require that everything has been read."""
        if not self.at_end():
            raise CommandSyntaxError("Unexpected text behind the arguments")

    def next_is(self, character: bytes) -> bool:
        """Tell whether the next byte is ``character``."""
        return self._text().startswith(character)

    def peek(self) -> bytes:
        """Return the text up to the next literal."""
        return self._text()

    def space(self) -> None:
        """Read one space."""
        if not self.skip(b" "):
            raise CommandSyntaxError("A space was expected")

    def skip(self, text: bytes) -> bool:
        """Read ``text``, in any case, if it comes next, and tell whether it did."""
        if self._text()[: len(text)].upper() != text.upper():
            return False
        self._at += len(text)
        return True

    def require(self, text: bytes) -> None:
        """Read ``text``."""
        if not self.skip(text):
            raise CommandSyntaxError(f"{text.decode()} was expected")

    def atom(self) -> str:
        """Read an atom."""
        return self._match(_ATOM, "An atom").decode("ascii")

    def flag(self) -> str:
        """Read a flag: a keyword or a system flag."""
        return self._match(_FLAG, "A flag").decode("ascii")

    def number(self) -> int:
        """Read a number."""
        return int(self._match(_NUMBER, "A number"))

    def mod_sequence(self) -> int:
        """Read a MODSEQ, 0 included: mod-sequence-valzer (RFC 7162, section 7)."""
        return int(self._match(_MOD_SEQUENCE, "A MODSEQ"))

    def sequence_set(self) -> bytes:
        """Read the text of a sequence set."""
        return self._match(_SEQUENCE, "A sequence set")

    def astring(self) -> bytes:
        """Read an atom or a string."""
        return self.string() if self._string_is_next() else self._match(_ASTRING, "An argument")

    def list_mailbox(self) -> bytes:
        """Read a mailbox pattern, which may contain wildcards without quotes."""
        return self.string() if self._string_is_next() else self._match(_LIST_MAILBOX, "A mailbox pattern")

    def string(self) -> bytes:
        r"""Read a quoted string, whose ``\"`` and ``\\`` stand for one character each, or a literal."""
        if self._literal_is_next():
            return self._literal()
        quoted = self._match(_QUOTED, "A string")
        return _ESCAPED.sub(rb"\1", quoted[1:-1])

    def match(self, pattern: re.Pattern[bytes], name: str) -> re.Match[bytes]:
        """Read what ``pattern`` matches; ``name`` says what it is."""
        found = pattern.match(self._text())
        if found is None:
            raise CommandSyntaxError(f"{name} was expected")
        self._at += found.end()
        return found

    def parenthesized(self, item: Callable[[], ItemT]) -> list[ItemT]:
        """Read a list in parentheses whose items ``item`` reads; it may be empty."""
        self.require(b"(")
        items: list[ItemT] = []
        while not self.skip(b")"):
            if items:
                self.space()
            items.append(item())
        return items

    def _match(self, pattern: re.Pattern[bytes], name: str) -> bytes:
        return self.match(pattern, name)[0]

    def _text(self) -> bytes:
        part = self._parts[self._index]
        # Literals are stepped over when they are read, so the cursor always stands in text.
        assert isinstance(part, bytes)
        return part[self._at :]

    def _string_is_next(self) -> bool:
        return self.next_is(b'"') or self._literal_is_next()

    def _literal_is_next(self) -> bool:
        return not self._text() and self._index + 1 < len(self._parts)

    def _literal(self) -> bytes:
        literal = self._parts[self._index + 1]
        assert isinstance(literal, Literal)
        self._index += 2
        self._at = 0
        return literal.data

"""Cut what a client sends into commands, literals and plain lines: RFC 3501, section 2.2.1, and RFC 7888.

A pure machine that is asked for one event at a time, so that nothing behind a command is looked at before the command
has been carried out: what follows STARTTLS is still unread in ``trailing_data`` and never becomes a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

LINE_END = b"\n"
# literal = "{" number ["+"] "}" CRLF (RFC 7888, section 8); a negative number is no literal, and then no valid command.
_LITERAL = re.compile(rb"\{(\d{1,10})(\+?)\}\Z")


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that were sent with their count before them."""

    data: bytes = field(repr=False)


Part: TypeAlias = bytes | Literal


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A whole command: text and literals by turns, beginning and ending with text; no line ends."""

    parts: tuple[Part, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiteralAnnounced:
    """A literal of ``size`` bytes comes next; answer with ``accept_literal`` or ``refuse_literal``.

    ``client_waits`` is False for RFC 7888's non-synchronizing literals, whose bytes come whatever the server says.
    ``total`` counts the bytes of all literals of this command up to this one, ``parts`` is the command so far.
    """

    size: int
    total: int
    client_waits: bool
    parts: tuple[Part, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineReceived:
    """The line that ``expect_line`` asked for, without its end."""

    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """More text than the limit without an end; ``start`` is how it began. Nothing more can be read."""

    start: bytes = field(repr=False)


Event: TypeAlias = CommandReceived | LiteralAnnounced | LineReceived | LineTooLong


class CommandReader:
    """The state of one connection's input; ``max_line`` bounds the text of one command, its literals not counted."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._parts: list[Part] = []
        self._text_bytes = 0
        self._literal_bytes = 0
        self._literal_size: int | None = None
        self._undecided: int | None = None
        self._line_expected = False
        self._searched = 0

    @property
    def trailing_data(self) -> bytes:
        """Return what has been received and not yet been read."""
        return bytes(self._buffer)

    @property
    def buffered(self) -> int:
        """Return the number of bytes received and not yet read."""
        return len(self._buffer)

    @property
    def wanted(self) -> int:
        """Return how many bytes the literal that is being read still needs; 0 outside a literal."""
        return 0 if self._literal_size is None else max(0, self._literal_size - len(self._buffer))

    def receive_data(self, data: bytes) -> None:
        """Take bytes in pieces of any size."""
        self._buffer += data

    def discard(self) -> None:
        """Forget everything that has been received and not yet been read."""
        self._buffer.clear()
        self._searched = 0
        self._forget_command()

    def expect_line(self) -> None:
        """Read the next line as it is: the answer to a SASL challenge, or DONE."""
        self._line_expected = True

    def accept_literal(self) -> None:
        """Go on with the announced literal."""
        self._literal_size, self._undecided = self._undecided, None

    def refuse_literal(self) -> None:
        """Drop the command of the announced literal; its client waits and will send something else."""
        self._undecided = None
        self._forget_command()

    def next_event(self) -> Event | None:
        """Return the next event; None until more data, or a decision about a literal, has come."""
        if self._undecided is not None:
            return None
        if self._literal_size is not None and not self._read_literal(self._literal_size):
            return None
        line = self._read_line()
        if line is None:
            return self._too_long() if self._text_bytes + len(self._buffer) > self._max_line else None
        if self._line_expected:
            self._line_expected = False
            return LineReceived(line)
        return self._text(line)

    def _read_literal(self, size: int) -> bool:
        if len(self._buffer) < size:
            return False
        self._parts.append(Literal(bytes(memoryview(self._buffer)[:size])))
        del self._buffer[:size]
        self._literal_size = None
        return True

    def _read_line(self) -> bytes | None:
        end = self._buffer.find(LINE_END, self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        if self._text_bytes + end > self._max_line:
            self._searched = end
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _too_long(self) -> LineTooLong:
        first = self._parts[0] if self._parts else bytes(self._buffer[:64])
        self.discard()
        return LineTooLong(first if isinstance(first, bytes) else b"")

    def _text(self, line: bytes) -> Event:
        found = _LITERAL.search(line)
        if found is None:
            event = CommandReceived((*self._parts, line))
            self._forget_command()
            return event
        self._parts.append(line[: found.start()])
        self._text_bytes += len(line)
        size = int(found[1])
        self._literal_bytes += size
        self._undecided = size
        return LiteralAnnounced(size, self._literal_bytes, client_waits=not found[2], parts=tuple(self._parts))

    def _forget_command(self) -> None:
        self._parts = []
        self._text_bytes = self._literal_bytes = 0
        self._literal_size = None

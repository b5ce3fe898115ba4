"""What the server says: one line that begins with +OK or -ERR, and perhaps more lines up to one with a dot alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LONE_LINE_END = re.compile(rb"(?<!\r)\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_END = b".\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``code`` is a response code (RFC 2449, section 8), ``lines`` what follows, None for nothing."""

    succeeded: bool
    text: str
    code: str = ""
    lines: bytes | None = field(default=None, repr=False)

    def __bytes__(self) -> bytes:
        """Write it as it goes out."""
        said = f"[{self.code}] {self.text}" if self.code else self.text
        first = f"{'+OK' if self.succeeded else '-ERR'} {said}\r\n".encode("ascii", "replace")
        return first if self.lines is None else b"".join((first, stuffed(self.lines), _END))


def ok(text: str, lines: bytes | None = None) -> Reply:
    """Say that it worked."""
    return Reply(True, text, lines=lines)


def err(text: str, code: str = "") -> Reply:
    """Say that it did not."""
    return Reply(False, text, code)


def stuffed(data: bytes) -> bytes:
    """Return ``data`` as lines that end with CRLF, and none of them a dot alone (RFC 1939, section 3)."""
    if not data:
        return data
    data = _LONE_LINE_END.sub(b"\r\n", data)
    return _LEADING_DOT.sub(b"..", data if data.endswith(b"\n") else data + b"\r\n")


def top(header: bytes, body: bytes, count: int) -> bytes:
    """Return a header with the empty line behind it, and the first ``count`` lines of the body."""
    return header + b"".join(body.splitlines(keepends=True)[:count]) if count else header

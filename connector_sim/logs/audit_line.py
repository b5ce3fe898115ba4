"""A line of an audit file: CSV (RFC 4180) whose last column chains it to the line before. Pure.

``hash`` is SHA-256, in hex, over the hash of the line before, a line feed, and everything that stands before the last
comma of this line, in UTF-8. The first line of a log follows on the hash of its name. No field holds a line break, so a
line is an entry.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from dataclasses import dataclass

from connector_sim.logs.audit_entry import AuditEntry

COLUMNS = ("number", "timestamp", "type", "user", "object", "old", "new", "message", "hash")
HEADER = ",".join(COLUMNS)
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: the number of its last entry, and that entry's hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read; ``content`` is all but its hash."""

    number: int
    timestamp: str
    type: str
    user: str
    subject: str
    old: str
    new: str
    message: str
    hash: str
    content: str

    def follows(self, before: str) -> bool:
        """Tell whether it is what was written behind the line with this hash."""
        return _hash(before, self.content) == self.hash


class BadLine(Exception):
    """No line of an audit log."""


def first_link(scope: str) -> Link:
    """Return what the first entry of a log follows on."""
    return Link(0, hashlib.sha256(f"maco-lab audit log {scope}".encode()).hexdigest())


def next_line(before: Link, entry: AuditEntry) -> tuple[Link, str]:
    """Return the line of an entry without its line feed, and where the chain stands behind it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow((before.number + 1, timestamp(entry.at), *entry.fields()))
    content = out.getvalue()
    link = Link(before.number + 1, _hash(before.hash, content))
    return link, f"{content},{link.hash}"


def read_line(text: str) -> Line:
    """Read a line without its line feed. Raises BadLine."""
    content, comma, found = text.rpartition(",")
    try:
        rows = list(csv.reader([content], strict=True))
    except csv.Error as error:
        raise BadLine(text[:80]) from error
    if not comma or not _HASH.fullmatch(found) or len(rows) != 1 or len(rows[0]) != len(COLUMNS) - 1:
        raise BadLine(text[:80])
    number, *rest = rows[0]
    if not (number.isascii() and number.isdigit() and len(number) <= 15):
        raise BadLine(text[:80])
    return Line(int(number), *rest, found, content)  # type: ignore[call-arg]  # as many as there are columns


def timestamp(at: float) -> str:
    """Return a moment as the product's viewer shows it, and to the millisecond: 2026-11-26 17:45:01.123 +0000."""
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} +0000"


def _hash(before: str, content: str) -> str:
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()

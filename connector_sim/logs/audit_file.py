"""The files of one audit log: a new one each day, or when one has become too large; the oldest go.

Used by the writer's thread alone. The chain goes on over files and over restarts. Where it stands is read from the end
of the newest file, and from the side file where that knows more: an end that was cut off leaves a gap for ever.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from connector_sim.logs.audit_entry import SERVICE, AuditEntry
from connector_sim.logs.audit_head import Head, read_head, write_head
from connector_sim.logs.audit_line import HEADER, BadLine, Link, first_link, next_line, read_line
from connector_sim.logs.names import AUDIT, AUDIT_HEADS, as_name, audit_file, audit_order

MAX_FILE_BYTES = 5 * 1024 * 1024
MOST_FILES = 20
_TAIL_BYTES = 64 * 1024
"""How much of a file's end is read to find its last line; a line has less than a quarter of that."""


class AuditFile:
    """A target of the writer; its items are entries."""

    def __init__(
        self, folder: Path, scope: str, *, keep_days: Callable[[], int], clock: Callable[[], float] = time.time
    ) -> None:
        """``folder`` is the connector's log folder; ``keep_days`` says how long files are kept, 0 for ever."""
        self._folder = folder / AUDIT / as_name(scope)
        self._head_file = folder / AUDIT_HEADS / f"{as_name(scope)}.json"
        self._scope = as_name(scope)
        self._keep_days = keep_days
        self._clock = clock
        self._file = -1
        self._size = 0
        self._place = ("", 0)
        self._knows_place = False
        self._base = self._last = first_link(self._scope)

    def write(self, items: Sequence[AuditEntry], lost: int) -> None:
        """See Target."""
        if lost:
            text = f"{lost} entries could not be written"
            items = [AuditEntry(self._clock(), SERVICE, subject=self._scope, message=text), *items]
        try:
            for entry in items:
                self._make_room(_date(entry.at))
                link, line = next_line(self._last, entry)
                self._append(f"{line}\n".encode())
                self._last = link
        except OSError:
            self._close()
            self._knows_place = False  # nobody knows what of it was written
            raise

    def sync(self) -> None:
        """See Target; the file is open only while there is something to write."""
        if self._file >= 0:
            os.fsync(self._file)
            write_head(self._head_file, Head(self._base, self._last))
            self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _append(self, data: bytes) -> None:
        while data:
            count = os.write(self._file, data)
            self._size += count
            data = data[count:]

    def _make_room(self, date: str) -> None:
        """Have a file open that the next line goes into."""
        if not self._knows_place:
            self._look()
        if self._file < 0:
            self._open(max(self._place, (date, 1)))
        if self._place[0] < date:
            self._open((date, 1))
        elif self._size >= MAX_FILE_BYTES:
            self._open((self._place[0], self._place[1] + 1))

    def _open(self, place: tuple[str, int]) -> None:
        self._close()
        path = self._folder / audit_file(self._scope, *place)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size, self._place = os.fstat(self._file).st_size, place
        if not self._size:
            self._append(f"{HEADER}\n".encode())
        self._remove_old(place[0])

    def _look(self) -> None:
        """Find out where the chain stands, and drop the rest of a line that a sudden end has left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        head = read_head(self._head_file)
        files = audit_files(self._folder)
        self._place = audit_order(files[-1].name) or ("", 0) if files else ("", 0)
        for each in files[-1:]:
            _drop_unfinished_line(each)
        found = next((link for link in map(_last_link, reversed(files)) if link), None)
        first = first_link(self._scope)
        self._base = head.base if head else first
        self._last = max(head.last if head else first, found or first, key=lambda link: link.number)
        self._knows_place = True

    def _remove_old(self, today: str) -> None:
        """Remove files that are too old or too many, the side file first: what it has let go may be gone."""
        files = audit_files(self._folder)[:-1]
        keep_days = self._keep_days()
        oldest = (dt.date.fromisoformat(today) - dt.timedelta(days=keep_days)).isoformat() if keep_days else ""
        gone = [
            each
            for at, each in enumerate(files)
            if at <= len(files) - MOST_FILES or (audit_order(each.name) or ("",))[0] < oldest
        ]
        for each in gone:
            self._base = _last_link(each) or self._base
            write_head(self._head_file, Head(self._base, self._last))
            each.unlink(missing_ok=True)


def audit_files(folder: Path) -> list[Path]:
    """Return the files of one audit log, the oldest first. Raises OSError."""
    if not folder.is_dir():
        return []
    placed = [(place, each) for each in folder.iterdir() if (place := audit_order(each.name))]
    return [each for _, each in sorted(placed)]


def _last_link(path: Path) -> Link | None:
    """Return where the chain stands at the end of a file."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        tail = file.read()
    for line in reversed(tail.split(b"\n")):
        try:
            found = read_line(line.decode())
        except (BadLine, ValueError):
            continue
        return Link(found.number, found.hash)
    return None


def _drop_unfinished_line(path: Path) -> None:
    """Cut off the begin of a line that was never written to its end."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
        file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)


def _date(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()

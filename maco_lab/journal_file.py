"""Read the journal's file while a lab writes it: each entry once and in order, and what is missing is said.

A slow reader costs the lab nothing and loses nothing by being slow: the entries wait in the file. Only what the lab has
put aside for a second time (``journal.MAX_FILE_BYTES``) is gone; numbers have no gaps, so a gap tells how much.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from maco_lab.journal import put_aside

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: as it stands in the file, without its end, and as data."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """Entries that are kept nowhere any more, by their numbers."""

    first: int
    last: int


class JournalFile:
    """The file at ``path``, and the one that was put aside before it, read from entry ``since`` on."""

    def __init__(self, path: Path, *, since: int = 1) -> None:
        self._path = path
        self._next = since
        self._file: BinaryIO | None = None
        self._unfinished = b""

    def read(self) -> Iterator[Line | Missing]:
        """Yield what has come since the last call."""
        while self._file or self._open():
            yield from self._entries()
            if self._is_current() or not self._open():
                return

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        """Take the file in which reading goes on; False while there is none, or none with an entry."""
        before = _inode(self._file)
        try:
            newest = self._path.open("rb")
        except FileNotFoundError:
            return False
        first = _data(newest.readline())
        newest.seek(0)
        if first is None:
            newest.close()
            return False
        self.close()
        aside = self._opened_aside() if first["n"] > self._next else None
        if aside and _inode(aside) == before:
            aside.close()
            aside = None
        if aside:
            newest.close()
        self._file, self._unfinished = aside or newest, b""
        return True

    def _opened_aside(self) -> BinaryIO | None:
        try:
            return put_aside(self._path).open("rb")
        except FileNotFoundError:
            return None

    def _is_current(self) -> bool:
        """Tell whether the file is still the one that is written; a run that begins anew empties it."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return True
        if self._file is None or status.st_ino != _inode(self._file):
            return status.st_size == 0  # put aside a moment ago: the first entry of the new one is still to come
        if status.st_size < self._file.tell():
            self._file.seek(0)
            self._next, self._unfinished = 1, b""
            return False
        return True

    def _entries(self) -> Iterator[Line | Missing]:
        if self._file is None:
            return
        while chunk := self._file.read(CHUNK_BYTES):
            *whole, self._unfinished = (self._unfinished + chunk).split(b"\n")
            for line in whole:
                yield from self._entry(line)

    def _entry(self, line: bytes) -> Iterator[Line | Missing]:
        data = _data(line + b"\n")
        if data is None or data["n"] < self._next:
            return
        if data["n"] > self._next:
            yield Missing(self._next, data["n"] - 1)
        self._next = data["n"] + 1
        yield Line(line.decode("utf-8", "replace"), data)


def _inode(file: BinaryIO | None) -> int | None:
    return os.fstat(file.fileno()).st_ino if file else None


def _data(line: bytes) -> dict[str, Any] | None:
    """Return an entry as data; None for a line that is not whole, as a full disk leaves one."""
    if not line.endswith(b"\n"):
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and type(data.get("n")) is int else None

"""A text file of bounded size: when it is full it gets a number, and the oldest of those go ("20 files kept").

Used by the writer's thread alone. ``scc_core.trc`` is the newest, ``scc_core.1.trc`` the one before it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

MOST_FILES = 20
DAY_S = 24 * 60 * 60


class RollingFile:
    """A target of the writer; its items are lines in bytes, with their line feeds."""

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: Callable[[], int],
        keep_days: Callable[[], int],
        tell_lost: Callable[[int], bytes],
    ) -> None:
        """``most_bytes`` and ``keep_days`` (0: for ever) are asked anew; ``tell_lost`` returns a line that says so."""
        self.path = path
        self._most_bytes = most_bytes
        self._keep_days = keep_days
        self._tell_lost = tell_lost
        self._file = -1
        self._size = 0

    def write(self, items: Sequence[bytes], lost: int) -> None:
        """See Target."""
        lines = [self._tell_lost(lost), *items] if lost else items
        at = 0
        while at < len(lines):
            self._open()
            room = self._most_bytes() - self._size
            if self._size and len(lines[at]) > room:
                self._roll()
                continue
            together = bytearray(lines[at])
            at += 1
            while at < len(lines) and len(together) + len(lines[at]) <= room:
                together += lines[at]
                at += 1
            self._append(together)

    def sync(self) -> None:
        """See Target. A trace is for reading, not for proof: it is left to the kernel to bring it to the disk."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        if self._file < 0:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._file).st_size

    def _append(self, data: bytes | bytearray) -> None:
        rest = memoryview(data)
        while rest:
            count = os.write(self._file, rest)
            self._size += count
            rest = rest[count:]

    def _roll(self) -> None:
        self.sync()
        self._numbered(MOST_FILES - 1).unlink(missing_ok=True)
        for number in range(MOST_FILES - 2, -1, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._remove_old()

    def _remove_old(self) -> None:
        if keep_days := self._keep_days():
            for number in range(1, MOST_FILES):
                path = self._numbered(number)
                if path.exists() and path.stat().st_mtime < time.time() - keep_days * DAY_S:
                    path.unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        """Return the path of a file that is full; 0 is the newest file itself."""
        return self.path.with_suffix(f".{number}{self.path.suffix}") if number else self.path

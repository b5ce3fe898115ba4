"""Read what was logged: the files there are, the end of one, and entries of an audit log that are looked for.

Run in the writer's thread or in a program of its own: it waits for the disk. Every answer is bounded.
"""

from __future__ import annotations

import collections
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connector_sim.logs.audit_check import MAX_LINE
from connector_sim.logs.audit_file import audit_files
from connector_sim.logs.audit_line import BadLine, Line, read_line
from connector_sim.logs.names import AUDIT, as_name

MOST_FILES = 2000
MOST_BYTES = 8 * 1024 * 1024
"""Of a file, at most its last bytes are read."""
MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file; ``name`` is its path in the log folder, ``changed`` is in seconds since 1970."""

    name: str
    size: int
    changed: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of an audit log; what is left empty is not asked for. All that is given must hold."""

    types: frozenset[str] = frozenset()
    pattern: str = ""
    """A glob pattern for the whole text of an entry, in which upper and lower case are the same."""
    since: str = ""
    """The earliest timestamp, as it stands in the log or the beginning of one."""
    until: str = ""
    limit: int = 100
    """The newest so many, MOST_ENTRIES at most."""

    def takes(self, line: Line) -> bool:
        """Tell whether an entry is wanted."""
        return (
            (not self.types or line.type in self.types)
            and line.timestamp >= self.since
            and (not self.until or line.timestamp <= self.until)
            and (not self.pattern or fnmatch.fnmatchcase(_text(line).lower(), self.pattern.lower()))
        )


def log_files(folder: Path) -> list[LogFile]:
    """Return every file of a connector's log folder, the one changed last first. Raises OSError."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.endswith(".new"):
            status = path.stat()
            found.append(LogFile(path.relative_to(folder).as_posix(), status.st_size, status.st_mtime))
            if len(found) == MOST_FILES:
                break
    return sorted(found, key=lambda each: (-each.changed, each.name))


def read_end(folder: Path, name: str) -> bytes:
    """Return the end of a file that ``log_files`` has. Raises OSError, FileNotFoundError for any other name."""
    if name not in {each.name for each in log_files(folder)}:
        raise FileNotFoundError(name)
    with (folder / name).open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - MOST_BYTES))
        return file.read()


def find_entries(folder: Path, scope: str, wanted: Wanted) -> list[Line]:
    """Return the newest entries that are wanted, in their order. Raises OSError."""
    return list(collections.deque(entries(folder, scope, wanted), min(wanted.limit, MOST_ENTRIES)))


def entries(folder: Path, scope: str, wanted: Wanted) -> Iterator[Line]:
    """Yield the entries that are wanted, the oldest first and whatever their limit. Raises OSError."""
    for path in audit_files(folder / AUDIT / as_name(scope)):
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for text in iter(lambda: file.readline(MAX_LINE), ""):
                try:
                    line = read_line(text.rstrip("\n"))
                except BadLine:
                    continue
                if wanted.takes(line):
                    yield line


def _text(line: Line) -> str:
    return f"{line.type} {line.user} {line.subject} {line.old} {line.new} {line.message}"

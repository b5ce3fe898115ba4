"""Message locks: one poll at a time for host, user name and folder, also among processes that share an inbox.

As in CPI a lock ends with its poll, after "Lock Timeout (in min)", or by hand. Unlike CPI, whose nodes cannot look at
each other, a lock is over as well when the process that took it is gone from this machine.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LockPlace:
    """What a poll has for itself."""

    host: str
    user: str
    folder: str


@dataclass(frozen=True, slots=True)
class PollLock:
    """A lock that is held; times are seconds since 1970, ``holder`` is the number of a process."""

    place: LockPlace
    holder: int
    created_at: float
    expires_at: float


def take(database: sqlite3.Connection, place: LockPlace, token: str, *, now: float, seconds: float) -> PollLock | None:
    """Take the lock within the caller's transaction; return the one in the way if it is held."""
    row = database.execute(
        "SELECT holder, created_at, expires_at FROM poll_lock WHERE host = ? AND user = ? AND folder = ?", _key(place)
    ).fetchone()
    if row is not None and row[2] > now and _is_alive(row[0]):
        return PollLock(place, _process(row[0]), row[1], row[2])
    database.execute(
        "INSERT OR REPLACE INTO poll_lock (host, user, folder, holder, token, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*_key(place), _identity(os.getpid()), token, now, now + seconds),
    )
    return None


def is_held(database: sqlite3.Connection, token: str, *, now: float) -> bool:
    """Tell whether the lock that was taken with ``token`` is held still."""
    query = "SELECT 1 FROM poll_lock WHERE token = ? AND expires_at > ?"
    return database.execute(query, (token, now)).fetchone() is not None


def give_back(database: sqlite3.Connection, token: str) -> None:
    """End the lock that was taken with ``token``, unless somebody else has it by now."""
    database.execute("DELETE FROM poll_lock WHERE token = ?", (token,))


def release(database: sqlite3.Connection, place: LockPlace) -> bool:
    """End a lock by hand, whoever holds it; False if there is none."""
    query = "DELETE FROM poll_lock WHERE host = ? AND user = ? AND folder = ?"
    return bool(database.execute(query, _key(place)).rowcount)


def select_all(database: sqlite3.Connection, *, now: float) -> list[PollLock]:
    """Return every lock that is held, the newest first."""
    rows = database.execute(
        "SELECT host, user, folder, holder, created_at, expires_at FROM poll_lock WHERE expires_at > ?"
        " ORDER BY created_at DESC",
        (now,),
    )
    return [PollLock(LockPlace(*row[:3]), _process(row[3]), row[4], row[5]) for row in rows if _is_alive(row[3])]


def _key(place: LockPlace) -> tuple[str, str, str]:
    return place.host, place.user, place.folder


def _identity(process: int) -> str:
    """Name a process for good: its number, and when it began where the system tells (Linux), as numbers come again."""
    try:
        # proc(5): the 22nd field, counted behind the name in brackets, which may hold blanks.
        started = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = ""
    return f"{process}:{started}"


def _process(identity: str) -> int:
    return int(identity.partition(":")[0])


def _is_alive(identity: str) -> bool:
    process = _process(identity)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return _identity(process) == identity

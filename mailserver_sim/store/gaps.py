"""Statements about the UIDs that removed messages have left: with them a mailbox is counted without being read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from mailserver_sim.store.uids import Run, UidRuns, runs_of


def note(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> None:
    """Note that messages are gone."""
    for run in runs_of(sorted(uids)):
        _widen(connection, mailbox_id, *run)


def present_uids(connection: sqlite3.Connection, mailbox_id: int, uid_next: int) -> UidRuns:
    """Return the UIDs of the messages that are there."""
    # The primary key is what holds the rows, so they ascend.
    gaps = connection.execute("SELECT first, last FROM gap WHERE mailbox_id = ?", (mailbox_id,))
    return UidRuns.between_gaps(uid_next, gaps)


def forget(connection: sqlite3.Connection, mailbox_id: int) -> None:
    """Forget the gaps of a mailbox that is deleted."""
    connection.execute("DELETE FROM gap WHERE mailbox_id = ?", (mailbox_id,))


def move(connection: sqlite3.Connection, mailbox_id: int, target_id: int) -> None:
    """Give all gaps of a mailbox to one that has none."""
    connection.execute("UPDATE gap SET mailbox_id = ? WHERE mailbox_id = ?", (target_id, mailbox_id))


def _widen(connection: sqlite3.Connection, mailbox_id: int, first: int, last: int) -> None:
    """Write a gap as one with those that it touches."""
    before: Run | None = connection.execute(
        "SELECT first, last FROM gap WHERE mailbox_id = ? AND first < ? ORDER BY first DESC LIMIT 1",
        (mailbox_id, first),
    ).fetchone()
    behind: Run | None = connection.execute(
        "DELETE FROM gap WHERE mailbox_id = ? AND first = ? RETURNING first, last", (mailbox_id, last + 1)
    ).fetchone()
    if before is not None and before[1] == first - 1:
        first = before[0]
    if behind is not None:
        last = behind[1]
    connection.execute(
        "INSERT INTO gap VALUES (?, ?, ?) ON CONFLICT (mailbox_id, first) DO UPDATE SET last = excluded.last",
        (mailbox_id, first, last),
    )

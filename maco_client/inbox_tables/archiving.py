"""How far the archiving of each mail has come, so that a copy whose answer was lost is found again.

A row is written before COPY is sent: where the copy would go, and the lowest UID that it can get there. It stays: it
tells where in the archive the mail is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveStep:
    """The archiving of the inbox's mail ``mail_id`` by COPY.

    ``uid_validity`` and ``uid_next`` are the archive folder's before the copy (0 and 1 where the server did not tell);
    ``copied`` tells that the server has answered, ``copied_uid`` what it said, if it said that.
    """

    mail_id: int
    folder: str
    uid_validity: int
    uid_next: int
    copied: bool = False
    copied_uid: int | None = None


def select_steps(database: sqlite3.Connection, mail_ids: Sequence[int]) -> dict[int, ArchiveStep]:
    """Return how far the archiving of these mails has come, by their number in the inbox."""
    found: dict[int, ArchiveStep] = {}
    for mail_id in mail_ids:
        row = database.execute(
            "SELECT mail, folder, uid_validity, uid_next, copied, copied_uid FROM archiving WHERE mail = ?", (mail_id,)
        ).fetchone()
        if row is not None:
            number, folder, uid_validity, uid_next, copied, copied_uid = row
            found[number] = ArchiveStep(number, folder, uid_validity, uid_next, bool(copied), copied_uid)
    return found


def save_steps(database: sqlite3.Connection, steps: Iterable[ArchiveStep]) -> None:
    """Write steps down, in place of what was known of them."""
    database.executemany(
        "INSERT OR REPLACE INTO archiving (mail, folder, uid_validity, uid_next, copied, copied_uid)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(each.mail_id, each.folder, each.uid_validity, each.uid_next, each.copied, each.copied_uid) for each in steps],
    )


def select_claimed(
    database: sqlite3.Connection, server: str, user: str, folder: str, uid_validity: int, uids: Sequence[int]
) -> set[int]:
    """Return those of ``uids`` in an archive folder that are known to be the copies of mails."""
    rows = database.execute(
        "SELECT copied_uid FROM archiving JOIN mail ON mail.id = archiving.mail WHERE mail.server = ? AND mail.user = ?"
        " AND archiving.folder = ? AND archiving.uid_validity = ? AND archiving.copied = 1",
        (server, user, folder, uid_validity),
    )
    return {uid for (uid,) in rows}.intersection(uids)

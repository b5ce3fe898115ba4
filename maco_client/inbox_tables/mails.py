"""The mails of the inbox: each identity once, and each with what is known of its past."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from maco_client.arrival import Arrival

_VARIABLES_PER_QUERY = 500

MAILDROP = 0
"""No UIDVALIDITY: RFC 3501, section 9, has nz-number for it."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What gives a UID its meaning: the first four parts of a mail's identity.

    A maildrop of POP3 has UIDVALIDITY ``MAILDROP``, and the numbers of ``unique_ids`` for UIDs.
    """

    server: str
    user: str
    folder: str
    uid_validity: int


@dataclass(frozen=True, slots=True)
class InboxMail:
    """A mail in the inbox.

    ``post_processed`` tells whether the server side was dealt with since, ``duplicate_of`` the entry of the first mail
    of this user that was the same, ``problems`` what is wrong with the mail itself, ``unique_id`` what POP3 calls it.
    """

    id: int
    connection: str
    mailbox: Mailbox
    uid: int
    size: int
    subject: str
    stored_at: str
    post_processed: bool
    duplicate_of: int | None = None
    problems: tuple[str, ...] = ()
    unique_id: str = ""


Stored: TypeAlias = tuple[InboxMail, bool]
"""A mail, and whether it is new."""

COLUMNS = (
    "SELECT id, connection, server, user, folder, uid_validity, uid, size, subject, stored_at, post_processed,"
    " duplicate_of, problems, CASE WHEN uid_validity = 0 THEN (SELECT text FROM unique_id AS told WHERE told.server ="
    " mail.server AND told.user = mail.user AND told.number = mail.uid) END FROM mail"
)
_VANISHED = (
    "uid_validity = 0 AND uid IN (SELECT number FROM unique_id AS told WHERE told.server = mail.server"
    " AND told.user = mail.user AND state = 'vanished')"
)
_IN_MAILBOX = "server = ? AND user = ? AND folder = ? AND uid_validity = ?"


def mail_of(row: Sequence[Any]) -> InboxMail:
    """Return the mail of a row of ``COLUMNS``."""
    number, connection, server, user, folder, uid_validity, uid, size, subject, stored_at, done, *more = row
    duplicate, told, unique_id = more
    return InboxMail(
        number,
        connection,
        Mailbox(server, user, folder, uid_validity),
        uid,
        size,
        subject,
        stored_at,
        bool(done),
        duplicate,
        tuple(told.split("\n")) if told else (),
        unique_id or "",
    )


def select_known(database: sqlite3.Connection, mailbox: Mailbox, uids: Sequence[int]) -> dict[int, InboxMail]:
    """Return those of ``uids`` that are in the inbox."""
    found: dict[int, InboxMail] = {}
    for first in range(0, len(uids), _VARIABLES_PER_QUERY):
        some = uids[first : first + _VARIABLES_PER_QUERY]
        rows = database.execute(
            f"{COLUMNS} WHERE {_IN_MAILBOX} AND uid IN ({','.join('?' * len(some))})", (*_key(mailbox), *some)
        )
        found |= {mail.uid: mail for mail in map(mail_of, rows)}
    return found


def select_unfinished(database: sqlite3.Connection, mailbox: Mailbox) -> list[int]:
    """Return the UIDs of stored mails whose post-processing was cut short."""
    rows = database.execute(
        f"SELECT uid FROM mail WHERE {_IN_MAILBOX} AND post_processed = 0 ORDER BY uid",  # noqa: S608 - constants only
        _key(mailbox),
    )
    return [uid for (uid,) in rows]


def insert(
    database: sqlite3.Connection, mailbox: Mailbox, arrival: Arrival, *, connection: str, stored_at: str
) -> Stored:
    """Store a mail within the caller's transaction, unless it is there.

    It is there if its identity is, or the very same bytes under another UIDVALIDITY of the folder or a unique-id that
    is listed no more: then the server has numbered its mails anew, and the entry gets the new number.
    """
    known = select_known(database, mailbox, [arrival.uid])
    if known:
        return known[arrival.uid], False
    renumbered = _renumber(database, mailbox, arrival)
    if renumbered is not None:
        return renumbered, False
    duplicate_of = _first_like(database, mailbox, arrival)
    number = database.execute(
        "INSERT INTO mail (connection, server, user, folder, uid_validity, uid, size, subject, stored_at, problems,"
        " digest, fingerprint, duplicate_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(connection, *_key(mailbox), arrival.uid, arrival.spool.size, arrival.subject, stored_at),
            *("\n".join(arrival.problems), arrival.digest.raw, arrival.digest.fingerprint, duplicate_of),
        ),
    ).lastrowid
    assert number is not None  # SQLite sets it at every INSERT
    _insert_body(database, number, arrival)
    return mail_of(database.execute(f"{COLUMNS} WHERE id = ?", (number,)).fetchone()), True


def mark_post_processed(database: sqlite3.Connection, mailbox: Mailbox, uids: Sequence[int]) -> None:
    """Remember that mails were dealt with on the server."""
    database.executemany(
        f"UPDATE mail SET post_processed = 1 WHERE {_IN_MAILBOX} AND uid = ?",  # noqa: S608 - constants only
        [(*_key(mailbox), uid) for uid in uids],
    )


def _renumber(database: sqlite3.Connection, mailbox: Mailbox, arrival: Arrival) -> InboxMail | None:
    row = database.execute(
        f"{COLUMNS} WHERE digest = ? AND server = ? AND user = ? AND folder = ? AND (uid_validity != ? OR {_VANISHED})"
        " ORDER BY id LIMIT 1",
        (arrival.digest.raw, *_key(mailbox)),
    ).fetchone()
    if row is None:
        return None
    mail = mail_of(row)
    database.execute(
        "UPDATE mail SET uid_validity = ?, uid = ? WHERE id = ?", (mailbox.uid_validity, arrival.uid, mail.id)
    )
    # Whether the copy in the archive has outlived what made the server number anew is to be looked up.
    database.execute("UPDATE archiving SET copied = 0, uid_next = 1 WHERE mail = ?", (mail.id,))
    return mail_of(database.execute(f"{COLUMNS} WHERE id = ?", (mail.id,)).fetchone())


def _first_like(database: sqlite3.Connection, mailbox: Mailbox, arrival: Arrival) -> int | None:
    (first,) = database.execute(
        "SELECT min(id) FROM mail WHERE fingerprint = ? AND server = ? AND user = ?",
        (arrival.digest.fingerprint, mailbox.server, mailbox.user),
    ).fetchone()
    found: int | None = first
    return found


def _insert_body(database: sqlite3.Connection, mail_id: int, arrival: Arrival) -> None:
    """Write the body in pieces: a mail of any size costs one piece of memory."""
    database.execute("INSERT INTO body (mail, raw) VALUES (?, zeroblob(?))", (mail_id, arrival.spool.size))
    with database.blobopen("body", "raw", mail_id) as blob:
        for piece in arrival.spool.pieces():
            blob.write(piece)


def _key(mailbox: Mailbox) -> tuple[str, str, str, int]:
    return mailbox.server, mailbox.user, mailbox.folder, mailbox.uid_validity

"""MaCo's inbox: every mail it has taken over, durably and once.

One rule: a mail's identity is server, user, folder, UIDVALIDITY and UID (RFC 3501, section 2.3.1.1: together they "MUST
refer to a single message"), and SQLite keeps it unique. ``store`` returns after the commit has reached the disk; only
then may the mail be touched on the server. All writing is done by one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from maco_client.failures import InboxError
from maco_client.spool import Spool

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0
_VARIABLES_PER_QUERY = 500

_SCHEMA = """
CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    post_processed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (server, user, folder, uid_validity, uid)
);
CREATE TABLE body (mail INTEGER PRIMARY KEY REFERENCES mail (id), raw BLOB NOT NULL);
"""
# The bodies have a table of their own: SQLite rewrites a whole row, and a flag is set on each mail after it is stored.

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What gives a UID its meaning: the first four parts of a mail's identity."""

    server: str
    user: str
    folder: str
    uid_validity: int


@dataclass(frozen=True, slots=True)
class InboxMail:
    """A mail in the inbox; ``post_processed`` tells whether the server side was dealt with since."""

    id: int
    connection: str
    mailbox: Mailbox
    uid: int
    size: int
    subject: str
    stored_at: str
    post_processed: bool


class Inbox:
    """The inbox in the SQLite file ``path``; raises InboxError if the file is of a newer schema or no inbox."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="maco-inbox")
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}
        try:
            self._database = self._writer.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._writer.shutdown()
            raise InboxError(f"{path}: {error}") from error
        except InboxError:
            self._writer.shutdown()
            raise

    def close(self) -> None:
        """Finish what is being written, then close."""
        self._writer.submit(self._database.close)
        self._writer.shutdown()

    def new_spool(self) -> Spool:
        """Return an empty spool for one mail; close it in any case."""
        return Spool(self._path.parent, self._writer)

    def poll_lock(self, server: str, user: str, folder: str) -> asyncio.Lock:
        """Return the lock that a poll holds: as in CPI, one for host, user name and folder."""
        return self._locks.setdefault((server, user, folder), asyncio.Lock())

    async def known(self, mailbox: Mailbox, uids: Collection[int]) -> dict[int, InboxMail]:
        """Return those of ``uids`` that are in the inbox."""
        wanted = sorted(uids)
        mails = await self._write(lambda: self._select_some(mailbox, wanted))
        return {mail.uid: mail for mail in mails}

    async def unfinished(self, mailbox: Mailbox) -> list[int]:
        """Return the UIDs of stored mails whose post-processing was cut short."""
        mails = await self._write(lambda: self._select(mailbox, "post_processed = 0", []))
        return [mail.uid for mail in mails]

    async def store(
        self, mailbox: Mailbox, uid: int, spool: Spool, *, connection: str, subject: str
    ) -> tuple[InboxMail, bool]:
        """Commit a mail and return it, with True if it is new and False if its identity was there before."""
        return await self._write(lambda: self._insert(mailbox, uid, spool, connection, subject))

    async def mark_post_processed(self, mailbox: Mailbox, uid: int) -> None:
        """Remember that the mail was dealt with on the server."""
        await self._write(lambda: self._update(mailbox, uid))

    async def clear(self) -> None:
        """Forget every mail; what is on a server is then fetched again."""
        await self._write(self._clear)

    def mails(self, connection: str | None = None) -> list[InboxMail]:
        """Return all mails, or those of one e-mail connection, oldest first. May be called from any thread."""
        where, values = ("connection = ?", (connection,)) if connection is not None else ("1", ())
        with self._reading() as database:
            rows = database.execute(f"{_COLUMNS} WHERE {where} ORDER BY id", values)
            return [_mail(row) for row in rows]

    def raw(self, mail_id: int) -> bytes:
        """Return a mail as it was received; raises KeyError. May be called from any thread."""
        with self._reading() as database:
            row = database.execute("SELECT raw FROM body WHERE mail = ?", (mail_id,)).fetchone()
        if row is None:
            raise KeyError(mail_id)
        raw: bytes = row[0]
        return raw

    async def _write(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work)
        except sqlite3.Error as error:
            raise InboxError(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _prepare(database, self._path)
        except BaseException:
            database.close()
            raise
        return database

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as database:
            yield database

    def _select(self, mailbox: Mailbox, condition: str, values: list[int]) -> list[InboxMail]:
        rows = self._database.execute(
            f"{_COLUMNS} WHERE {_IN_MAILBOX} AND {condition} ORDER BY uid",
            (*_key(mailbox), *values),
        )
        return [_mail(row) for row in rows]

    def _select_some(self, mailbox: Mailbox, uids: list[int]) -> list[InboxMail]:
        found: list[InboxMail] = []
        for first in range(0, len(uids), _VARIABLES_PER_QUERY):
            some = uids[first : first + _VARIABLES_PER_QUERY]
            found += self._select(mailbox, f"uid IN ({','.join('?' * len(some))})", some)
        return found

    def _insert(
        self, mailbox: Mailbox, uid: int, spool: Spool, connection: str, subject: str
    ) -> tuple[InboxMail, bool]:
        with _transaction(self._database):
            known = self._select(mailbox, "uid = ?", [uid])
            if known:
                return known[0], False
            stored_at = datetime.now(UTC).isoformat(timespec="seconds")
            mail_id = self._database.execute(
                "INSERT INTO mail (connection, server, user, folder, uid_validity, uid, size, subject, stored_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (connection, *_key(mailbox), uid, spool.size, subject, stored_at),
            ).lastrowid
            assert mail_id is not None  # SQLite sets it at every INSERT
            self._insert_body(mail_id, spool)
        return InboxMail(mail_id, connection, mailbox, uid, spool.size, subject, stored_at, False), True

    def _insert_body(self, mail_id: int, spool: Spool) -> None:
        """Write the body in pieces: a mail of any size costs one piece of memory."""
        self._database.execute("INSERT INTO body (mail, raw) VALUES (?, zeroblob(?))", (mail_id, spool.size))
        with self._database.blobopen("body", "raw", mail_id) as blob:
            for piece in spool.pieces():
                blob.write(piece)

    def _clear(self) -> None:
        with _transaction(self._database):
            self._database.execute("DELETE FROM body")
            self._database.execute("DELETE FROM mail")

    def _update(self, mailbox: Mailbox, uid: int) -> None:
        self._database.execute(
            f"UPDATE mail SET post_processed = 1 WHERE {_IN_MAILBOX} AND uid = ?",  # noqa: S608 - constants only
            (*_key(mailbox), uid),
        )


_COLUMNS = (
    "SELECT id, connection, server, user, folder, uid_validity, uid, size, subject, stored_at, post_processed FROM mail"
)
_IN_MAILBOX = "server = ? AND user = ? AND folder = ? AND uid_validity = ?"


def _key(mailbox: Mailbox) -> tuple[str, str, str, int]:
    return mailbox.server, mailbox.user, mailbox.folder, mailbox.uid_validity


def _mail(row: tuple[int, str, str, str, str, int, int, int, str, str, int]) -> InboxMail:
    number, connection, server, user, folder, uid_validity, uid, size, subject, stored_at, post_processed = row
    mailbox = Mailbox(server, user, folder, uid_validity)
    return InboxMail(number, connection, mailbox, uid, size, subject, stored_at, bool(post_processed))


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise InboxError(f"{path}: schema {version} is newer than this program's {SCHEMA_VERSION}: use a newer program")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # a commit outlives a power failure
    database.execute("PRAGMA fullfsync = 1")  # the same on macOS, where fsync alone does not reach the platter
    with _transaction(database):
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # SQLite itself rolls back when the disk is full
            database.execute("ROLLBACK")
        raise

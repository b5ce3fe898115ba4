"""The tables of the inbox file, and how an older file becomes one of today."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from maco_client.digest import digest_of
from maco_client.failures import InboxError

SCHEMA_VERSION = 3
PIECE_BYTES = 1024 * 1024

_FIRST = """
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

_SECOND = """
ALTER TABLE mail ADD COLUMN problems TEXT NOT NULL DEFAULT '';
ALTER TABLE mail ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE mail ADD COLUMN fingerprint BLOB NOT NULL DEFAULT x'';
ALTER TABLE mail ADD COLUMN duplicate_of INTEGER REFERENCES mail (id);
CREATE INDEX mail_by_digest ON mail (digest);
CREATE INDEX mail_by_fingerprint ON mail (fingerprint);
CREATE INDEX unfinished_mail ON mail (server, user, folder, uid_validity, uid) WHERE post_processed = 0;
CREATE TABLE archiving (
    mail INTEGER PRIMARY KEY REFERENCES mail (id),
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    copied INTEGER NOT NULL DEFAULT 0,
    copied_uid INTEGER
);
CREATE TABLE poll_lock (
    host TEXT NOT NULL,
    user TEXT NOT NULL,
    folder TEXT NOT NULL,
    holder TEXT NOT NULL,
    token TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (host, user, folder)
);
"""

_THIRD = """
CREATE TABLE unique_id (
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (server, user, number)
);
CREATE UNIQUE INDEX listed_unique_id ON unique_id (server, user, text) WHERE state = 'listed';
"""


def prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make ``database`` ready for use; raises InboxError if a newer program wrote it."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise InboxError(f"{path}: schema {version} is newer than this program's {SCHEMA_VERSION}: use a newer program")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # a commit outlives a power failure
    database.execute("PRAGMA fullfsync = 1")  # the same on macOS, where fsync alone does not reach the platter
    with transaction(database):
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for step in _STEPS[version:]:
            step(database)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Do all of the block or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # SQLite itself rolls back when the disk is full
            database.execute("ROLLBACK")
        raise


def body_pieces(database: sqlite3.Connection, mail_id: int) -> Iterator[bytes]:
    """Yield the bytes of a stored mail; a mail of any size costs one piece of memory."""
    with database.blobopen("body", "raw", mail_id, readonly=True) as blob:
        while piece := blob.read(PIECE_BYTES):
            yield piece


def _create(database: sqlite3.Connection) -> None:
    _run(database, _FIRST)


def _add_what_lasts(database: sqlite3.Connection) -> None:
    """Give every mail its digests; which of those that are there are duplicates is left open."""
    _run(database, _SECOND)
    for (mail_id,) in database.execute("SELECT id FROM mail").fetchall():
        digest = digest_of(body_pieces(database, mail_id))
        database.execute(
            "UPDATE mail SET digest = ?, fingerprint = ? WHERE id = ?", (digest.raw, digest.fingerprint, mail_id)
        )


def _add_unique_ids(database: sqlite3.Connection) -> None:
    _run(database, _THIRD)


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        database.execute(statement)


_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create, _add_what_lasts, _add_unique_ids)
"""``_STEPS[n]`` makes schema n + 1 of schema n."""

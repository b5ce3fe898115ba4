"""The tables, their version, and how a connection to the file is opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import MappingProxyType

from mailserver_sim.store.errors import StoreError, StoreTooNew
from mailserver_sim.store.values import MEMORY

SCHEMA_VERSION = 3
BUSY_TIMEOUT_S = 5.0

# A message's bytes are kept once, however many mailboxes hold it; the header is apart
# because most questions need only that. A gap is a run of UIDs below uid_next whose messages are all gone.
_CONTENT = """CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    body BLOB NOT NULL
);
"""
_MESSAGE = """CREATE TABLE message (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL,
    content_id INTEGER NOT NULL REFERENCES content (id),
    flags TEXT NOT NULL DEFAULT '',
    internal_date INTEGER NOT NULL,
    zone_minutes INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    modseq INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
"""
_MESSAGE_CONTENT = """CREATE INDEX message_content ON message (content_id);
"""
_GAP = """CREATE TABLE gap (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) WITHOUT ROWID;
"""
_ACCOUNTS = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL UNIQUE
);
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    first_recent INTEGER NOT NULL DEFAULT 1,
    selectable INTEGER NOT NULL DEFAULT 1,
    highest_modseq INTEGER NOT NULL DEFAULT 1,
    UNIQUE (account_id, name)
);
CREATE TABLE subscription (
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
) WITHOUT ROWID;
CREATE TABLE last_uid_validity (value INTEGER NOT NULL);
INSERT INTO last_uid_validity VALUES (0);
"""
_TABLES = f"{_ACCOUNTS}{_CONTENT}{_MESSAGE}{_MESSAGE_CONTENT}{_GAP}"
# What brings a file of the version before to the key's version. To 2: every row stays, and counts as changed once, long
# ago. To 3: a gap is what lies between a message, or the end of the mailbox, and the message before.
_MIGRATIONS = MappingProxyType(
    {
        2: """
ALTER TABLE mailbox ADD COLUMN highest_modseq INTEGER NOT NULL DEFAULT 1;
ALTER TABLE message ADD COLUMN modseq INTEGER NOT NULL DEFAULT 1;
""",
        3: """
CREATE TABLE gap (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) WITHOUT ROWID;
INSERT INTO gap
SELECT mailbox_id, before + 1, uid - 1 FROM (
    SELECT mailbox_id, uid, lag(uid, 1, 0) OVER (PARTITION BY mailbox_id ORDER BY uid) AS before
    FROM (SELECT mailbox_id, uid FROM message UNION ALL SELECT id, uid_next FROM mailbox)
) WHERE uid > before + 1;
""",
    }
)

UNSEEN = "instr(flags, '\\Seen') = 0"
DELETED = "instr(flags, '\\Deleted') > 0"
KEYWORD = "(' ' || flags) GLOB '* [^\\]*'"
"""Conditions that an index answers, if they are written exactly so. No other flag contains these names, and what does
not begin with a backslash is a keyword."""
BY_UNSEEN = "message INDEXED BY message_unseen"
BY_DELETED = "message INDEXED BY message_deleted"
BY_KEYWORD = "message INDEXED BY message_keyword"
"""The table with the index that is meant: without statistics SQLite would rather walk through the whole mailbox."""

# Not part of the schema's version: an index changes no answer, so any version may add what it needs to an older file.
_INDEXES = (
    f"CREATE INDEX IF NOT EXISTS message_unseen ON message (mailbox_id, uid) WHERE {UNSEEN}",
    f"CREATE INDEX IF NOT EXISTS message_deleted ON message (mailbox_id, uid) WHERE {DELETED}",
    f"CREATE INDEX IF NOT EXISTS message_keyword ON message (mailbox_id, flags) WHERE {KEYWORD}",
)
MESSAGE_TABLES = (_CONTENT, _MESSAGE, _MESSAGE_CONTENT, _GAP, *_INDEXES)
"""One statement after the other, what makes the tables that grow with the messages."""


def connect(path: Path) -> sqlite3.Connection:
    """Open ``path`` for use in another thread than this one; creates it with mode 0600. Raises StoreError."""
    try:
        if path != MEMORY:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the mail store {path} cannot be opened: {error}") from error
    try:
        _configure(connection)
        _ensure_schema(connection, path)
        for index in _INDEXES:
            connection.execute(index)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreError(f"the file {path} is not a mail store: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: the log reaches the disk before COMMIT returns, so accepted mail survives a loss of power too.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Debian builds SQLite so that it overwrites what is deleted, page by page: a reset would take ten times as long.
    connection.execute("PRAGMA secure_delete = FAST")


def _ensure_schema(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA_VERSION:
        raise StoreTooNew(path, found, SCHEMA_VERSION)
    if found == SCHEMA_VERSION:
        return
    if found:
        _migrate(connection, found)
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables:
        raise StoreError(f"the file {path} is an SQLite database of another program")
    connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    """Bring a file to the present version in one transaction: after a failure it is what it was."""
    steps = "".join(_MIGRATIONS[version] for version in range(found + 1, SCHEMA_VERSION + 1))
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")

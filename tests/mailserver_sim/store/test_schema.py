"""Files of older versions are brought to the present one and lose nothing by it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from mailserver_sim.store import schema
from mailserver_sim.store.errors import StoreError
from mailserver_sim.store.store import Store

# The tables of schema 1, as version 0.1.0 wrote them before MODSEQs, with one mail in two mailboxes.
SCHEMA_1 = r"""
CREATE TABLE account (id INTEGER PRIMARY KEY, user TEXT NOT NULL UNIQUE);
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    first_recent INTEGER NOT NULL DEFAULT 1,
    selectable INTEGER NOT NULL DEFAULT 1,
    UNIQUE (account_id, name)
);
CREATE TABLE subscription (
    account_id INTEGER NOT NULL REFERENCES account (id), name TEXT NOT NULL, PRIMARY KEY (account_id, name)
) WITHOUT ROWID;
CREATE TABLE content (id INTEGER PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE message (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL,
    content_id INTEGER NOT NULL REFERENCES content (id),
    flags TEXT NOT NULL DEFAULT '',
    internal_date INTEGER NOT NULL,
    zone_minutes INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
CREATE INDEX message_content ON message (content_id);
CREATE TABLE last_uid_validity (value INTEGER NOT NULL);
INSERT INTO last_uid_validity VALUES (1700000002);
INSERT INTO account VALUES (1, 'a');
INSERT INTO mailbox VALUES (1, 1, 'INBOX', 1700000001, 8, 5, 1), (2, 1, 'Archiv', 1700000002, 2, 1, 1);
INSERT INTO subscription VALUES (1, 'INBOX');
INSERT INTO content VALUES (1, CAST('Subject: x' || char(13, 10, 13, 10) AS BLOB), CAST('body' AS BLOB));
INSERT INTO message VALUES (1, 7, 1, '\Seen $Done', 1700000000, 60, 18), (2, 1, 1, '', 1700000000, 0, 18);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "mail.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_1)
    connection.close()
    return path


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        table: [row[1:] for row in sorted(connection.execute(f"PRAGMA table_info({table})"), key=lambda row: row[1])]
        for table in tables
    }
    connection.close()
    return found


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


async def test_a_file_of_schema_1_keeps_its_mail_flags_dates_and_uids(old_file: Path) -> None:
    store = Store(old_file, ["a"])
    store.open()
    inbox = await store.find_mailbox("a", "INBOX")
    (message,) = await store.list_messages(inbox.id)
    content = await store.read_content(inbox.id, 7)
    names = [mailbox.name for mailbox in await store.list_mailboxes("a")]
    subscribed = await store.subscriptions("a")
    store.close()

    assert (inbox.uid_validity, inbox.uid_next, inbox.first_recent, inbox.highest_modseq) == (1700000001, 8, 5, 1)
    zone = dt.timezone(dt.timedelta(hours=1))
    flags = frozenset({"\\Seen", "$Done"})
    assert (message.uid, message.flags, message.size, message.modseq) == (7, flags, 18, 1)
    assert message.internal_date == dt.datetime.fromtimestamp(1700000000, zone)
    assert content is not None
    assert content.raw == b"Subject: x\r\n\r\nbody"
    assert (names, subscribed) == (["Archiv", "INBOX"], ["INBOX"])


async def test_a_file_of_schema_1_knows_the_gaps_between_its_messages(old_file: Path) -> None:
    connection = sqlite3.connect(old_file)
    with connection:  # UIDs 3, 5 and 6 beside 7; the mailbox would give 8 next, then 12
        connection.executemany("INSERT INTO message VALUES (1, ?, 1, '', 1700000000, 0, 18)", [(3,), (5,), (6,)])
        connection.execute("UPDATE mailbox SET uid_next = 12 WHERE id = 1")
    connection.close()
    store = Store(old_file, ["a"])
    store.open()
    found = {}
    for mailbox in await store.list_mailboxes("a"):
        found[mailbox.name] = list((await store.overview(mailbox)).uids)
    store.close()
    assert found == {"INBOX": [3, 5, 6, 7], "Archiv": [1]}


async def test_a_file_of_schema_1_counts_changes_from_then_on(old_file: Path) -> None:
    store = Store(old_file, ["a"])
    store.open()
    inbox = await store.find_mailbox("a", "INBOX")
    flagged = await store.change_flags(inbox.id, [7], "add", frozenset({"\\Flagged"}))
    store.close()

    assert flagged.messages == {7: (frozenset({"\\Seen", "$Done", "\\Flagged"}), 2)}


def test_a_migrated_file_has_the_tables_of_a_new_one(old_file: Path, tmp_path: Path) -> None:
    schema.connect(old_file).close()
    schema.connect(tmp_path / "new.sqlite").close()

    assert version(old_file) == version(tmp_path / "new.sqlite") == schema.SCHEMA_VERSION
    assert columns(old_file) == columns(tmp_path / "new.sqlite")


def test_a_migration_that_fails_leaves_the_file_as_it_was(old_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = columns(old_file)
    broken = "ALTER TABLE mailbox ADD COLUMN half INTEGER; ALTER TABLE nowhere ADD COLUMN x INTEGER;"
    monkeypatch.setattr(schema, "_MIGRATIONS", {2: broken, 3: ""})
    with pytest.raises(StoreError, match=r"mail\.sqlite"):
        schema.connect(old_file)

    assert (version(old_file), columns(old_file)) == (1, before)

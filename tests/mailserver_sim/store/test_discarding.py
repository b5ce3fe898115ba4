from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserver_sim.store import discarding, mailboxes, messages
from mailserver_sim.store.discarding import reclaim
from mailserver_sim.store.schema import connect
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, MEMORY

NOW = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.UTC)
RAW = b"Subject: x\r\n\r\nbody\r\n"
AT_ONCE = 3


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discarding, "ROWS_AT_ONCE", AT_ONCE)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "mail.sqlite")
    mailboxes.ensure_accounts(opened, ["a"])
    yield opened
    opened.close()


def fill(connection: sqlite3.Connection, count: int) -> None:
    for _ in range(count):
        messages.append(connection, "a", INBOX, RAW, frozenset(), NOW)


def discarded(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'discarded_*' ORDER BY name").fetchall()
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}


def definitions(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'disc*'")
    return set(rows.fetchall())


def test_the_tables_are_afterwards_what_they_were(connection: sqlite3.Connection) -> None:
    before = definitions(connection)
    fill(connection, 2)
    mailboxes.clear(connection, ["a"])
    assert definitions(connection) == before
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_bytes_are_reclaimed_bit_by_bit_and_new_mail_stays(connection: sqlite3.Connection) -> None:
    fill(connection, AT_ONCE + 1)
    mailboxes.clear(connection, ["a"])
    fill(connection, 1)
    mailboxes.clear(connection, ["a"])
    fill(connection, 2)

    left = [discarded(connection)]
    while reclaim(connection):
        left.append(discarded(connection))

    assert left == [
        {"discarded_0": AT_ONCE + 1, "discarded_1": 1},
        {"discarded_0": AT_ONCE + 1},
        {"discarded_0": 1},
        {},
    ]
    found = messages.list_messages(connection, mailboxes.find_mailbox(connection, "a", INBOX).id)
    assert [info.uid for info in found] == [1, 2]


def test_a_reset_that_is_taken_back_has_discarded_nothing(connection: sqlite3.Connection) -> None:
    fill(connection, 2)
    connection.execute("BEGIN")
    mailboxes.clear(connection, ["a"])
    connection.execute("ROLLBACK")
    assert discarded(connection) == {}
    assert messages.read_content(connection, 1, 2) is not None


@pytest.mark.parametrize("path", [None, MEMORY])
async def test_the_store_reclaims_in_between_what_is_written(tmp_path: Path, path: Path | None) -> None:
    store = Store(path or tmp_path / "mail.sqlite", ["a"])
    store.open()
    for _ in range(3 * AT_ONCE):
        await store.deliver(["a"], RAW, NOW)
    await store.clear()
    for _ in range(6):  # each is behind one piece of the work
        await store.deliver(["a"], RAW, NOW)
    assert await store.read(discarded) == {}
    assert (await store.status("a", INBOX)).messages == 6
    store.close()


async def test_what_an_earlier_process_has_left_is_reclaimed(tmp_path: Path, connection: sqlite3.Connection) -> None:
    fill(connection, 2 * AT_ONCE)
    mailboxes.clear(connection, ["a"])
    assert discarded(connection) != {}
    store = Store(tmp_path / "mail.sqlite", ["a"])
    store.open()
    for _ in range(5):
        await store.deliver(["a"], RAW, NOW)
    assert await store.read(discarded) == {}
    store.close()

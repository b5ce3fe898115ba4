from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mailserver_sim.store.errors import StoreError
from mailserver_sim.store.values import Change, Expunged, Written
from mailserver_sim.store.writer import GroupCommitWriter


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE IF NOT EXISTS number (value INTEGER CHECK (value < 100) UNIQUE)")
    return connection


def insert(value: int) -> Callable[[sqlite3.Connection], Written[int]]:
    def work(connection: sqlite3.Connection) -> Written[int]:
        connection.execute("INSERT INTO number VALUES (?)", (value,))
        return Written(value, (Expunged(value, ()),))

    return work


async def test_writes_that_wait_share_one_commit(tmp_path: Path) -> None:
    gate = threading.Event()

    def block(_connection: sqlite3.Connection) -> Written[None]:
        assert gate.wait(5)
        return Written(None)

    writer = GroupCommitWriter(connect(tmp_path / "x"), lambda _changes: None)
    first = writer.write(block)
    rest = [writer.write(insert(value)) for value in range(50)]
    gate.set()
    await first
    assert await asyncio.gather(*rest) == list(range(50))
    assert writer.commits <= 3
    writer.close()


async def test_a_future_resolves_after_the_commit_and_after_the_change_is_told(tmp_path: Path) -> None:
    told: list[tuple[Change, ...]] = []
    path = tmp_path / "x"
    writer = GroupCommitWriter(connect(path), told.append)
    await writer.write(insert(7))
    assert told == [(Expunged(7, ()),)]
    other = sqlite3.connect(path)
    assert other.execute("SELECT value FROM number").fetchall() == [(7,)]
    other.close()
    writer.close()


async def test_an_error_reaches_the_one_who_asked(tmp_path: Path) -> None:
    writer = GroupCommitWriter(connect(tmp_path / "x"), lambda _changes: None)
    good, bad = writer.write(insert(1)), writer.write(insert(1000))
    with pytest.raises(sqlite3.IntegrityError):
        await bad
    assert await good == 1
    writer.close()


async def test_a_failed_commit_fails_every_write_in_it_and_tells_nothing(tmp_path: Path) -> None:
    told: list[tuple[Change, ...]] = []
    path = tmp_path / "x"
    connection = connect(path)
    connection.execute("PRAGMA busy_timeout = 0")
    writer = GroupCommitWriter(connection, told.append)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    waiting = [writer.write(insert(value)) for value in (1, 2)]
    for each in waiting:
        with pytest.raises(StoreError, match="could not commit"):
            await each
    lock.execute("ROLLBACK")
    lock.close()
    assert told == []
    assert await writer.write(insert(3)) == 3
    writer.close()

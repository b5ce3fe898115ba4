"""Message locks: one for host, user name and folder; over with the poll, by time, by hand, or with their process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

from maco_client.inbox_tables import locks
from maco_client.inbox_tables.locks import LockPlace

PLACE = LockPlace("mail.stadtwerke.example", "maco", "INBOX")
NOW = 1_000_000.0


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    from pathlib import Path

    from maco_client.inbox_tables.schema import prepare

    opened = sqlite3.connect(":memory:", isolation_level=None)
    prepare(opened, Path(":memory:"))
    yield opened
    opened.close()


@pytest.fixture
def somebody() -> Iterator[subprocess.Popen[bytes]]:
    """Return another process, which lives until its standard input ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def take(database: sqlite3.Connection, token: str, *, now: float = NOW, place: LockPlace = PLACE) -> bool:
    return locks.take(database, place, token, now=now, seconds=60) is None


def test_a_lock_is_taken_once(database: sqlite3.Connection) -> None:
    assert take(database, "first")
    assert not take(database, "second", now=NOW + 59)
    assert locks.is_held(database, "first", now=NOW + 59)


@pytest.mark.parametrize(
    "place", [LockPlace("x", "maco", "INBOX"), LockPlace(PLACE.host, "x", "INBOX"), LockPlace(PLACE.host, "maco", "x")]
)
def test_host_user_and_folder_each_make_another_lock(database: sqlite3.Connection, place: LockPlace) -> None:
    assert take(database, "first")
    assert take(database, "second", place=place)


def test_a_lock_that_was_given_back_can_be_taken(database: sqlite3.Connection) -> None:
    take(database, "first")
    locks.give_back(database, "first")
    assert take(database, "second")


def test_a_lock_ends_with_its_time_out(database: sqlite3.Connection) -> None:
    take(database, "first")
    assert not locks.is_held(database, "first", now=NOW + 60)
    assert locks.select_all(database, now=NOW + 60) == []
    assert take(database, "second", now=NOW + 60)


def test_who_lost_a_lock_does_not_give_back_that_of_the_next(database: sqlite3.Connection) -> None:
    take(database, "first")
    take(database, "second", now=NOW + 60)
    locks.give_back(database, "first")
    assert locks.is_held(database, "second", now=NOW + 60)


def test_a_lock_is_released_by_hand(database: sqlite3.Connection) -> None:
    take(database, "first")
    assert locks.release(database, PLACE)
    assert not locks.is_held(database, "first", now=NOW)
    assert not locks.release(database, PLACE)


def test_a_lock_is_listed_with_its_times(database: sqlite3.Connection) -> None:
    take(database, "first")
    (listed,) = locks.select_all(database, now=NOW)
    assert (listed.place, listed.created_at, listed.expires_at) == (PLACE, NOW, NOW + 60)


def hold_by(database: sqlite3.Connection, process: int, started: str | None = None) -> None:
    take(database, "theirs")
    identity = locks._identity(process) if started is None else f"{process}:{started}"
    database.execute("UPDATE poll_lock SET holder = ?", (identity,))


def test_the_lock_of_a_process_that_lives_is_in_the_way(
    database: sqlite3.Connection, somebody: subprocess.Popen[bytes]
) -> None:
    hold_by(database, somebody.pid)
    in_the_way = locks.take(database, PLACE, "ours", now=NOW, seconds=60)
    assert in_the_way is not None
    assert in_the_way.holder == somebody.pid


def test_the_lock_of_a_process_that_was_killed_is_over(
    database: sqlite3.Connection, somebody: subprocess.Popen[bytes]
) -> None:
    hold_by(database, somebody.pid)
    somebody.kill()
    somebody.wait()
    assert locks.select_all(database, now=NOW) == []
    assert take(database, "ours")


def test_another_process_under_the_same_number_holds_nothing(
    database: sqlite3.Connection, somebody: subprocess.Popen[bytes]
) -> None:
    hold_by(database, somebody.pid, started="1")
    assert take(database, "ours")

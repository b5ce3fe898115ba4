"""One SQLite file: private, whole transactions, in order; what cannot be used or saved is told."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_sim.admin.records import Change, Delete, DeleteAll, Kind, Put, Record, Replace
from connector_sim.admin.sqlite_store import SqliteStore, make_file
from connector_sim.admin.store import StoreError

NAME = "scc"


def mapping(name: str, subaccount: str = "stadtwerke", **content: str) -> Record:
    return Record(Kind.MAPPING, name, content or {"localHost": name}, subaccount)


A, B, C = mapping("a:1"), mapping("b:2"), mapping("c:3", "netzbetreiber")
USER = Record(Kind.USER, "Ädministrator", {"password": "ö\n", "roles": ["sccadmin"], "mustChange": False})


@contextlib.contextmanager
def opened(path: Path, name: str = NAME) -> Iterator[SqliteStore]:
    store = SqliteStore(path, name)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that has A, B and C."""
    path = tmp_path / "configuration.sqlite"
    with opened(path) as store:
        store.begin([A, B, C], "first")
    return path


def kept(path: Path, name: str = NAME) -> tuple[Record, ...]:
    with opened(path, name) as store:
        found = store.read()
        assert found is not None
        return found.records


async def written(path: Path, *changes: Change) -> tuple[Record, ...]:
    with opened(path) as store:
        await store.write(changes)
    return kept(path)


def test_a_file_that_was_just_made_has_nothing_of_an_installation(tmp_path: Path) -> None:
    with opened(tmp_path / "new.sqlite") as store:
        assert store.read() is None


def test_what_it_was_begun_with_is_read_back_with_its_seed(tmp_path: Path) -> None:
    with opened(tmp_path / "new.sqlite") as store:
        store.begin([USER, A], "digest")
        found = store.read()

    assert found is not None
    assert (found.records, found.seed) == ((USER, A), "digest")


def test_file_and_log_are_readable_for_their_owner_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "new.sqlite") as store:
        store.begin([USER], "")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}

    assert modes == {"new.sqlite": 0o600, "new.sqlite-wal": 0o600, "new.sqlite-shm": 0o600}


async def test_every_commit_waits_for_the_disk(path: Path) -> None:
    with opened(path) as store:
        [journal] = store._connection.execute("PRAGMA journal_mode").fetchone()
        [synchronous] = store._connection.execute("PRAGMA synchronous").fetchone()

    assert (journal, synchronous) == ("wal", 2)  # 2 is FULL


async def test_a_record_that_is_put_again_keeps_its_place(path: Path) -> None:
    changed = mapping("a:1", localHost="other")

    assert await written(path, Put(changed)) == (changed, B, C)


async def test_a_record_that_was_deleted_comes_back_as_the_last_one(path: Path) -> None:
    assert await written(path, Delete(A.key), Put(A)) == (B, C, A)


async def test_what_is_deleted_together_is_of_one_kind_and_subaccount(path: Path) -> None:
    setting = Record(Kind.SETTING, "/proxy", {}, "stadtwerke")
    await written(path, Put(setting))

    assert await written(path, DeleteAll(Kind.MAPPING, "stadtwerke")) == (C, setting)


async def test_replaced_records_are_the_only_ones(path: Path) -> None:
    assert await written(path, Replace((C, USER))) == (C, USER)


async def test_installations_in_one_file_do_not_see_each_other(path: Path) -> None:
    with opened(path, "other") as other:
        other.begin([USER], "")
        await other.write([Delete(A.key), Replace((B,))])

    assert (kept(path), kept(path, "other")) == ((A, B, C), (B,))


async def test_writes_that_wait_share_a_commit_and_keep_their_order(path: Path) -> None:
    with opened(path) as store:
        writes = [store.write([Put(mapping("a:1", localHost=str(number)))]) for number in range(200)]
        await asyncio.gather(*writes)

    assert kept(path)[0] == mapping("a:1", localHost="199")


async def test_changes_that_could_not_be_saved_are_lost_with_all_that_may_build_on_them(path: Path) -> None:
    with opened(path) as store:
        store._connection.execute("PRAGMA max_page_count = 1")  # the disk is full
        big = mapping("big:1", localHost="x" * 100_000)
        with pytest.raises(StoreError, match="database or disk is full"):
            await store.write([Delete(B.key), Put(big)])
        store._connection.execute("PRAGMA max_page_count = 1000000")
        with pytest.raises(StoreError, match="database or disk is full"):
            await store.write([Delete(A.key)])

        found = store.has_failed, await store.take_back(), store.has_failed
        assert found == (True, (A, B, C), False)
        await store.write([Delete(C.key)])

    assert kept(path) == (A, B)


async def test_what_was_handed_over_before_is_lost_with_what_is_taken_back(path: Path) -> None:
    with opened(path) as store:
        store._connection.execute("PRAGMA query_only = on")
        writes = [store.write([Delete(each.key)]) for each in (A, B)]
        assert await store.take_back() == (A, B, C)
        store._connection.execute("PRAGMA query_only = off")
        for each in writes:
            with pytest.raises(StoreError, match="readonly"):
                await each

    assert kept(path) == (A, B, C)


async def test_nobody_has_to_wait_for_a_write_that_fails(path: Path) -> None:
    """The future's error is looked at, or asyncio would complain of it: warnings are errors here."""
    with opened(path) as store:
        store._connection.execute("PRAGMA query_only = on")
        await asyncio.wait([store.write([Put(A)])])


async def test_a_closed_store_says_so(path: Path) -> None:
    with opened(path) as store:
        pass

    with pytest.raises(StoreError, match="is closed"):
        await store.write([Put(A)])


def test_a_newer_schema_is_told_with_what_to_do(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")

    with pytest.raises(StoreError) as caught:
        SqliteStore(path, NAME)
    assert str(caught.value) == (
        f"{path}: was written by a newer version of maco-lab (schema 7, this one knows 1): "
        "use that version, or another folder"
    )


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("no database, but long enough to be looked at" * 100)

    with pytest.raises(StoreError, match="other: file is not a database"):
        SqliteStore(tmp_path / "other", NAME)


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE record (url TEXT)")

    with pytest.raises(StoreError, match="is a database of another program"):
        SqliteStore(path, NAME)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        SqliteStore(tmp_path / "none" / "configuration.sqlite", NAME)


def test_a_file_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        make_file(tmp_path / "new.sqlite")

    with opened(tmp_path / "new.sqlite") as store:
        assert store.read() is None

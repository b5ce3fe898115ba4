from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable, Iterator

import pytest

from mailserver_sim.store.table import MessageTable, Row, joined
from mailserver_sim.store.values import MessageInfo

NOW = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.UTC)
SEEN = "\\Seen"


def build(row: Row) -> MessageInfo:
    return MessageInfo(row[0], frozenset(row[1].split()), NOW, row[4], row[5])


def rows(count: int) -> Iterator[Row]:
    return ((uid, SEEN if uid % 3 else "", 0, 0, uid * 10, uid + 100) for uid in range(1, count + 1))


def packed_from(found: Iterable[Row], make: Callable[[Row], MessageInfo] = build) -> MessageTable:
    """Pack rows through SQLite, as the store does."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE row (uid INTEGER PRIMARY KEY, flags TEXT, date, zone, size, modseq)")
    connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)", found)
    columns = connection.execute(f"SELECT {joined('uid, flags, date, zone, size, modseq')} FROM row").fetchone()
    connection.close()
    return MessageTable.from_columns(columns, make)


def table(count: int = 9) -> MessageTable:
    return packed_from(rows(count))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000])
def test_every_row_comes_back_as_it_was(count: int) -> None:
    packed = table(count)
    assert list(packed.uids()) == list(packed) == list(range(1, count + 1))
    assert [packed[uid] for uid in packed] == [build(row) for row in rows(count)]


def test_no_message_is_made_before_it_is_asked_for() -> None:
    made: list[int] = []

    def counting(row: Row) -> MessageInfo:
        made.append(row[0])
        return build(row)

    packed = packed_from(rows(1000), counting)
    assert packed.uids()[-1] == 1000
    assert made == []
    assert packed[500].size == 5000
    assert made == [500]


def test_a_message_that_was_never_there_is_not_there() -> None:
    assert 10 not in table()
    with pytest.raises(KeyError):
        table()[10]


def test_what_changed_since_a_modseq_is_found() -> None:
    assert table(9).changed_since(106) == {7, 8, 9}
    assert table(0).changed_since(0) == set()

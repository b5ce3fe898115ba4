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
    assert packed.first_without(SEEN) == 3
    assert made == []
    assert packed[500].size == 5000
    assert made == [500]


def test_a_changed_message_is_the_new_one() -> None:
    packed = table()
    packed[3] = MessageInfo(3, frozenset({SEEN}), NOW, 30)
    assert packed[3].flags == {SEEN}
    assert packed.first_without(SEEN) == 6
    assert len(packed) == 9


def test_the_first_without_a_flag_may_be_a_changed_one() -> None:
    packed = table()
    packed[2] = MessageInfo(2, frozenset(), NOW, 20)
    assert packed.first_without(SEEN) == 2


def test_there_may_be_none_without_a_flag() -> None:
    assert packed_from([(1, SEEN, 0, 0, 10, 1)]).first_without(SEEN) is None


def test_a_removed_message_is_gone() -> None:
    packed = table()
    del packed[3]
    assert 3 not in packed
    assert list(packed.uids()) == [1, 2, 4, 5, 6, 7, 8, 9]
    assert packed.first_without(SEEN) == 6
    with pytest.raises(KeyError):
        packed[3]
    with pytest.raises(KeyError):
        del packed[3]


def test_a_message_that_was_never_there_is_not_there() -> None:
    assert 10 not in table()
    with pytest.raises(KeyError):
        table()[10]


def test_a_snapshot_does_not_follow_later_changes() -> None:
    packed = table()
    before = packed.snapshot()
    packed[2] = MessageInfo(2, frozenset(), NOW, 20)
    packed[10] = MessageInfo(10, frozenset(), NOW, 100)
    del packed[1]
    assert list(before) == list(range(1, 10))
    assert before[2].flags == {SEEN}


def test_messages_that_are_there_already_can_be_taken() -> None:
    packed = MessageTable.of([MessageInfo(5, frozenset({"$Done"}), NOW, 1)])
    assert list(packed.uids()) == [5]
    assert {flag for flags in packed.flag_sets() for flag in flags} == {"$Done"}
    assert 4 not in packed


def test_what_changed_since_a_modseq_is_found() -> None:
    packed = table(9)
    packed[1] = MessageInfo(1, frozenset(), NOW, 10, 200)
    packed[9] = MessageInfo(9, frozenset(), NOW, 10, 50)
    del packed[8]
    assert packed.changed_since(106) == {1, 7}
    assert MessageTable.of([]).changed_since(0) == set()

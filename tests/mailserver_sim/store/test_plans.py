"""What the store asks SQLite for finds its rows by an index, however many messages there are."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailserver_sim.store import mailboxes, messages
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.schema import connect
from mailserver_sim.store.values import INBOX

NOW = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.UTC)
RAW = b"Subject: x\r\n\r\nbody\r\n"
NONE: frozenset[str] = frozenset()
SEEN, DELETED = frozenset({"\\Seen"}), frozenset({"\\Deleted"})
UNSEEN_UIDS = [7, 30]

OPERATIONS: dict[str, Callable[[sqlite3.Connection, int], object]] = {
    "SELECT": lambda connection, _: mailboxes.overview(connection, mailboxes.find_mailbox(connection, "a", INBOX)),
    "FETCH of all": messages.message_table,
    "FETCH FLAGS of one UID": lambda connection, mailbox: messages.read_infos(connection, mailbox, [7]),
    "SEARCH UNSEEN": messages.unseen_uids,
    "SEARCH DELETED": messages.deleted_uids,
    "FETCH of one UID": lambda connection, mailbox: messages.read_content(connection, mailbox, 7),
    "the header of one UID": lambda connection, mailbox: messages.read_header(connection, mailbox, 7),
    "STATUS": lambda connection, _: mailboxes.status(connection, "a", INBOX),
    "APPEND": lambda connection, _: messages.append(connection, "a", INBOX, RAW, NONE, NOW),
    "delivery": lambda connection, _: messages.deliver(connection, ["a"], RAW, NOW),
    "STORE": lambda connection, mailbox: messages.change_flags(connection, mailbox, [7], "add", SEEN, None),
    "COPY": lambda connection, mailbox: messages.copy(connection, mailbox, [7], "a", INBOX),
    "EXPUNGE": lambda connection, mailbox: messages.expunge(connection, mailbox, None),
    "removal": lambda connection, mailbox: messages.remove(connection, mailbox, [7]),
    "the end of a session that was told of all": mailboxes.claim_recent,
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "mail.sqlite")
    mailboxes.ensure_accounts(opened, ["a"])
    fill(opened, 40)
    yield opened
    opened.close()


def fill(connection: sqlite3.Connection, count: int, body: bytes = b"") -> None:
    connection.execute("BEGIN")
    for _ in range(count):
        uid = messages.append(connection, "a", INBOX, RAW + body, SEEN, NOW).result.uid
        if uid in UNSEEN_UIDS:
            messages.change_flags(connection, 1, [uid], "replace", DELETED, None)
    connection.execute("COMMIT")


def plans(connection: sqlite3.Connection, act: Callable[[], object]) -> list[str]:
    """Return how SQLite finds the rows of every statement that ``act`` runs."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    act()
    connection.set_trace_callback(None)
    chosen = [each for each in statements if each.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}]
    assert chosen
    return [row[3] for each in chosen for row in connection.execute(f"EXPLAIN QUERY PLAN {each}")]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_no_operation_scans_a_table(
    connection: sqlite3.Connection, operation: Callable[[sqlite3.Connection, int], object]
) -> None:
    found = plans(connection, lambda: operation(connection, 1))
    assert found
    assert [step for step in found if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"] == []


def test_a_mailbox_is_read_in_the_order_of_its_uids(connection: sqlite3.Connection) -> None:
    found = plans(connection, lambda: OPERATIONS["FETCH of all"](connection, 1))
    assert found == ["SEARCH message USING PRIMARY KEY (mailbox_id=?)"]


@pytest.mark.parametrize(
    ("operation", "index"),
    [
        ("SELECT", "message_unseen"),
        ("SEARCH UNSEEN", "message_unseen"),
        ("SEARCH DELETED", "message_deleted"),
        ("EXPUNGE", "message_deleted"),
    ],
)
def test_flags_are_found_by_their_index(connection: sqlite3.Connection, operation: str, index: str) -> None:
    found = plans(connection, lambda: OPERATIONS[operation](connection, 1))
    assert f"SEARCH message USING INDEX {index} (mailbox_id=?)" in found


@pytest.mark.parametrize("operation", ["SELECT", "SEARCH UNSEEN", "SEARCH DELETED", "FETCH of one UID"])
def test_the_work_does_not_grow_with_the_mailbox(connection: sqlite3.Connection, operation: str) -> None:
    few = instructions(connection, lambda: OPERATIONS[operation](connection, 1))
    fill(connection, 2000)
    assert instructions(connection, lambda: OPERATIONS[operation](connection, 1)) == few


@pytest.mark.slow
def test_the_work_of_a_reset_does_not_grow_with_the_mailbox(connection: sqlite3.Connection) -> None:
    """Neither by what SQLite executes nor by the pages of the file that it looks at to free them."""
    few = reset_and_take_back(connection)
    fill(connection, 2000, body=b"x" * 10_000)
    instructions_of_many, pages_of_many = reset_and_take_back(connection)
    assert instructions_of_many == few[0]
    (in_file,) = connection.execute("PRAGMA page_count").fetchone()
    assert in_file > 4000
    assert pages_of_many < in_file / 50  # the rows of the messages; their bytes are left alone


def reset_and_take_back(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many instructions a reset takes, and how many pages it frees."""
    connection.execute("BEGIN")
    taken = instructions(connection, lambda: mailboxes.clear(connection, ["a"]))
    (freed,) = connection.execute("PRAGMA freelist_count").fetchone()
    connection.execute("ROLLBACK")
    return taken, int(freed)


def instructions(connection: sqlite3.Connection, act: Callable[[], object]) -> int:
    """Return how many instructions SQLite's machine runs."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    act()
    connection.set_progress_handler(None, 1)
    assert count
    return count


def test_unseen_and_deleted_messages_are_found(connection: sqlite3.Connection) -> None:
    assert messages.unseen_uids(connection, 1) == UNSEEN_UIDS
    assert messages.deleted_uids(connection, 1) == UNSEEN_UIDS


def test_a_keyword_that_contains_the_name_of_a_flag_is_not_that_flag(connection: sqlite3.Connection) -> None:
    messages.change_flags(connection, 1, [7], "replace", frozenset({"xSeen", "Deleted"}), None)
    assert messages.unseen_uids(connection, 1) == UNSEEN_UIDS
    assert messages.deleted_uids(connection, 1) == [30]


def test_the_overview_tells_what_the_messages_tell(connection: sqlite3.Connection) -> None:
    messages.change_flags(connection, 1, [9], "add", frozenset({"$Done", "gelesen"}), None)
    messages.change_flags(connection, 1, [11, 12], "replace", frozenset({"Zweite", "\\Flagged"}), None)
    messages.change_flags(connection, 1, [12, 13], "replace", frozenset({"\\Flagged"}), None)
    messages.remove(connection, 1, [1, 5, 6, 40])
    seen = mailboxes.overview(connection, mailboxes.find_mailbox(connection, "a", INBOX))
    assert list(seen.uids) == [info.uid for info in messages.list_messages(connection, 1)]
    assert (seen.first_unseen, seen.keywords) == (7, frozenset({"$Done", "gelesen", "Zweite"}))


def test_the_overview_of_a_mailbox_that_is_gone_is_refused(connection: sqlite3.Connection) -> None:
    mailboxes.create(connection, "a", "x")
    found = mailboxes.find_mailbox(connection, "a", "x")
    mailboxes.delete(connection, "a", "x")
    with pytest.raises(NoSuchMailbox):
        mailboxes.overview(connection, found)


def test_an_older_file_gets_the_indexes_when_it_is_opened(connection: sqlite3.Connection, tmp_path: Path) -> None:
    connection.execute("DROP INDEX message_unseen")
    with_index = connect(tmp_path / "mail.sqlite")
    names = {row[0] for row in with_index.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    with_index.close()
    assert "message_unseen" in names

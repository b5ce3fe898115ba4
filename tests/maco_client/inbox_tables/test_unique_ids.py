"""Numbers for POP3's unique-ids: given once, kept while the mail is there, and never given again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_client.inbox_tables import unique_ids
from maco_client.inbox_tables.mails import MAILDROP, Mailbox
from maco_client.inbox_tables.schema import prepare

MAILBOX = Mailbox("stadtwerke", "maco", "INBOX", MAILDROP)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    prepare(opened, Path(":memory:"))
    yield opened
    opened.close()


def test_a_unique_id_keeps_its_number(database: sqlite3.Connection) -> None:
    assert unique_ids.assign(database, MAILBOX, ["a", "b"]) == {"a": 1, "b": 2}
    assert unique_ids.select_listed(database, MAILBOX, ["b", "a", "c"]) == {"a": 1, "b": 2}


@pytest.mark.parametrize("removed_by_maco", [True, False])
def test_a_unique_id_that_comes_again_gets_another_number(
    database: sqlite3.Connection, *, removed_by_maco: bool
) -> None:
    unique_ids.assign(database, MAILBOX, ["a", "b"])
    if removed_by_maco:
        unique_ids.remove(database, MAILBOX, [1])
    else:
        unique_ids.select_listed(database, MAILBOX, ["b"])

    assert unique_ids.select_listed(database, MAILBOX, ["a", "b"]) == {"b": 2}
    assert unique_ids.assign(database, MAILBOX, ["a"]) == {"a": 3}


def test_each_user_of_each_server_has_numbers_of_its_own(database: sqlite3.Connection) -> None:
    unique_ids.assign(database, MAILBOX, ["a"])
    for other in (Mailbox("other", "maco", "INBOX", 0), Mailbox("stadtwerke", "other", "INBOX", 0)):
        assert unique_ids.select_listed(database, other, ["a"]) == {}
        assert unique_ids.assign(database, other, ["a"]) == {"a": 1}
    assert unique_ids.select_listed(database, MAILBOX, ["a"]) == {"a": 1}

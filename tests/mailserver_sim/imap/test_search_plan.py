from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserver_sim.imap.search import resolved
from mailserver_sim.imap.search_keys import parse_search
from mailserver_sim.imap.search_plan import possible
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store import mailboxes, messages
from mailserver_sim.store.schema import connect
from mailserver_sim.store.values import INBOX
from tests.mailserver_sim.store.test_plans import NONE, NOW, RAW, SEEN


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Five messages, the second and the fifth of them unseen."""
    opened = connect(tmp_path / "mail.sqlite")
    mailboxes.ensure_accounts(opened, ["a"])
    for uid in range(1, 6):
        messages.append(opened, "a", INBOX, RAW, NONE if uid in (2, 5) else SEEN, NOW)
    yield opened
    opened.close()


def view_of(connection: sqlite3.Connection) -> SelectedView:
    mailbox = mailboxes.find_mailbox(connection, "a", INBOX)
    return SelectedView(mailboxes.overview(connection, mailbox), read_only=False)


@pytest.mark.parametrize(
    ("criteria", "uids"),
    [
        ("UNSEEN", [2, 5]),
        ("NOT SEEN", [2, 5]),
        ("UNSEEN SUBJECT x", [2, 5]),
        ("UID 3", [3]),
        ("UNSEEN UID 3:5", [2, 5]),
        ("UNSEEN 3", [3]),
        ("$", [4]),
        ("DELETED", []),
        ("NEW", [2, 5]),
        ("SEEN", None),
        ("ALL", None),
        ("OR UNSEEN UID 1", None),
        ("NOT UID 1", None),
    ],
)
def test_a_search_looks_only_at_what_can_match(
    connection: sqlite3.Connection, criteria: str, uids: list[int] | None
) -> None:
    view = view_of(connection)
    key = resolved(parse_search(Arguments((criteria.encode(),))), view.uids, frozenset({4, 7}))
    assert possible(connection, 1, key, view.snapshot()) == uids


def test_what_the_session_was_not_told_of_yet_is_left_out(connection: sqlite3.Connection) -> None:
    snapshot = view_of(connection).snapshot()
    messages.append(connection, "a", INBOX, RAW, NONE, NOW)
    assert possible(connection, 1, parse_search(Arguments((b"UNSEEN",))), snapshot) == [2, 5]

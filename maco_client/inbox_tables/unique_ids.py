"""POP3's unique-ids (RFC 1939, section 7, UIDL) as numbers, so that mails have one kind of identity for all protocols.

A unique-id is text, and is good "for as long as the entity using the unique-id exists": behind that a server may give
it to another mail. So each gets a number of its own when it is first seen, and another one after it was gone. What is
gone because the listing had it no more may come back under another unique-id, where a server has made up all of them
anew; what MaCo has removed does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from maco_client.inbox_tables.mails import Mailbox

LISTED, VANISHED, REMOVED = "listed", "vanished", "removed"


def select_listed(database: sqlite3.Connection, mailbox: Mailbox, texts: Collection[str]) -> dict[str, int]:
    """Return the numbers of those of ``texts`` that have one, within the caller's transaction.

    ``texts`` is all that a maildrop lists now: every other one is gone from here on, and nothing is left to be done.
    """
    rows = database.execute(
        "SELECT text, number FROM unique_id WHERE server = ? AND user = ? AND state = ?", (*_key(mailbox), LISTED)
    ).fetchall()
    present = set(texts)
    gone = [number for text, number in rows if text not in present]
    _set_state(database, mailbox, gone, VANISHED)
    return {text: number for text, number in rows if text in present}


def assign(database: sqlite3.Connection, mailbox: Mailbox, texts: Sequence[str]) -> dict[str, int]:
    """Give numbers to unique-ids that have none, within the caller's transaction."""
    (last,) = database.execute(
        "SELECT coalesce(max(number), 0) FROM unique_id WHERE server = ? AND user = ?", _key(mailbox)
    ).fetchone()
    numbers = {text: number for number, text in enumerate(texts, last + 1)}
    database.executemany(
        "INSERT INTO unique_id (server, user, number, text, state) VALUES (?, ?, ?, ?, ?)",
        [(*_key(mailbox), number, text, LISTED) for text, number in numbers.items()],
    )
    return numbers


def remove(database: sqlite3.Connection, mailbox: Mailbox, numbers: Sequence[int]) -> None:
    """Remember that the server has removed these mails for MaCo."""
    _set_state(database, mailbox, numbers, REMOVED)


def _set_state(database: sqlite3.Connection, mailbox: Mailbox, numbers: Sequence[int], state: str) -> None:
    database.executemany(
        "UPDATE unique_id SET state = ? WHERE server = ? AND user = ? AND number = ?",
        [(state, *_key(mailbox), number) for number in numbers],
    )


def _key(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.server, mailbox.user

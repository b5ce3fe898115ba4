"""Statements about accounts and mailboxes, to be run on a connection inside somebody's transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator

from mailserver_sim.store import gaps
from mailserver_sim.store.discarding import discard_messages
from mailserver_sim.store.errors import MailboxCannot, MailboxExists, MailboxLimit, NoSuchAccount, NoSuchMailbox
from mailserver_sim.store.schema import BY_DELETED, BY_KEYWORD, BY_UNSEEN, DELETED, KEYWORD, UNSEEN
from mailserver_sim.store.values import (
    DELIMITER,
    INBOX,
    Emptied,
    Expunged,
    Flags,
    MailboxInfo,
    MailboxStatus,
    Overview,
    Written,
)

LONGEST_NAME = 500
DEEPEST_LEVEL = 20
"""How many levels a mailbox name may have."""
MOST_MAILBOXES = 1000
"""How many mailboxes an account may have, its INBOX and mere parents included; as many names may be subscribed to."""
_COLUMNS = "id, name, uid_validity, uid_next, first_recent, selectable, highest_modseq"


def ensure_accounts(connection: sqlite3.Connection, users: Iterable[str]) -> Written[None]:
    """Make sure that every user has an account with an INBOX."""
    for user in users:
        connection.execute("INSERT OR IGNORE INTO account (user) VALUES (?)", (user,))
        account = account_id(connection, user)
        if _find(connection, account, INBOX) is None:
            _insert(connection, account, INBOX)
            connection.execute("INSERT OR IGNORE INTO subscription VALUES (?, ?)", (account, INBOX))
    return Written(None)


def clear(connection: sqlite3.Connection, users: Iterable[str]) -> Written[None]:
    """Remove every message and mailbox and begin with empty INBOXes, of a UIDVALIDITY never given before.

    The bytes of the messages are left to ``discarding.reclaim``.
    """
    gone = tuple(Emptied(row[0]) for row in connection.execute("SELECT id FROM mailbox"))
    discard_messages(connection)
    connection.execute("DELETE FROM mailbox")
    connection.execute("DELETE FROM subscription")
    ensure_accounts(connection, users)
    return Written(None, gone)


def account_id(connection: sqlite3.Connection, user: str) -> int:
    """Return the account of ``user``. Raises NoSuchAccount."""
    row = connection.execute("SELECT id FROM account WHERE user = ?", (user,)).fetchone()
    if row is None:
        raise NoSuchAccount(user)
    return int(row[0])


def find_mailbox(connection: sqlite3.Connection, user: str, name: str) -> MailboxInfo:
    r"""Return a mailbox that can be opened. Raises NoSuchMailbox, also for a mere parent (``\Noselect``)."""
    found = _find(connection, account_id(connection, user), canonical_name(name))
    if found is None or not found.selectable:
        raise NoSuchMailbox(name)
    return found


def overview(connection: sqlite3.Connection, mailbox: MailboxInfo) -> Overview:
    """Return what a mailbox is now, without a look at its messages. Raises NoSuchMailbox when it is gone."""
    with _one_moment(connection):
        row = connection.execute(f"SELECT {_COLUMNS} FROM mailbox WHERE id = ?", (mailbox.id,)).fetchone()  # noqa: S608
        if row is None:
            raise NoSuchMailbox(mailbox.name)
        now = _mailbox(row)
        return Overview(
            mailbox=now,
            uids=gaps.present_uids(connection, now.id, now.uid_next),
            first_unseen=_first_unseen(connection, now.id),
            keywords=_keywords(connection, now.id),
        )


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let several statements see the same state, inside a transaction or outside of any."""
    connection.execute("SAVEPOINT one_moment")
    try:
        yield
    finally:
        connection.execute("RELEASE one_moment")


def _first_unseen(connection: sqlite3.Connection, mailbox_id: int) -> int | None:
    row = connection.execute(
        f"SELECT uid FROM {BY_UNSEEN} WHERE mailbox_id = ? AND {UNSEEN} ORDER BY uid LIMIT 1",  # noqa: S608 - constants
        (mailbox_id,),
    ).fetchone()
    return None if row is None else int(row[0])


def _keywords(connection: sqlite3.Connection, mailbox_id: int) -> Flags:
    """Return the keywords in use, by a step for each set of flags that has some."""
    statement = (
        f"SELECT flags FROM {BY_KEYWORD} WHERE mailbox_id = ? AND flags > ? AND {KEYWORD}"  # noqa: S608 - constants
        " ORDER BY flags LIMIT 1"
    )
    flags, found = "", set[str]()
    while row := connection.execute(statement, (mailbox_id, flags)).fetchone():
        flags = row[0]
        found.update(flag for flag in flags.split() if not flag.startswith("\\"))
    return frozenset(found)


def list_mailboxes(connection: sqlite3.Connection, user: str) -> list[MailboxInfo]:
    """Return all mailboxes of ``user``, by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM mailbox WHERE account_id = ? ORDER BY name",  # noqa: S608 - constant columns
        (account_id(connection, user),),
    )
    return [_mailbox(row) for row in rows]


def status(connection: sqlite3.Connection, user: str, name: str) -> MailboxStatus:
    """Count the messages of a mailbox. Raises NoSuchMailbox."""
    mailbox = find_mailbox(connection, user, name)

    def count(table: str, condition: str, *values: int) -> int:
        statement = f"SELECT count(*) FROM {table} WHERE mailbox_id = ? AND {condition}"  # noqa: S608 - constant
        return int(connection.execute(statement, (mailbox.id, *values)).fetchone()[0])

    messages, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM message WHERE mailbox_id = ?", (mailbox.id,)
    ).fetchone()
    deleted, deleted_size = connection.execute(
        f"SELECT count(*), coalesce(sum(size), 0) FROM {BY_DELETED} WHERE mailbox_id = ? AND {DELETED}",  # noqa: S608
        (mailbox.id,),
    ).fetchone()
    return MailboxStatus(
        mailbox=mailbox,
        messages=messages,
        recent=count("message", "uid >= ?", mailbox.first_recent),
        unseen=count(BY_UNSEEN, UNSEEN),
        deleted=deleted,
        size=size,
        deleted_size=deleted_size,
    )


def claim_recent(connection: sqlite3.Connection, mailbox_id: int) -> Written[None]:
    r"""Note that one session has now been told of all messages. RFC 3501, section 2.3.2, ``\Recent``."""
    connection.execute("UPDATE mailbox SET first_recent = uid_next WHERE id = ?", (mailbox_id,))
    return Written(None)


def create(connection: sqlite3.Connection, user: str, name: str) -> Written[None]:
    """Create a mailbox and the parents it lacks (RFC 3501, section 6.3.3).

    Raises MailboxExists, MailboxCannot, MailboxLimit.
    """
    account = account_id(connection, user)
    # A delimiter at the end only declares that the client "intends to create mailbox names under this name".
    name = canonical_name(name.removesuffix(DELIMITER))
    _require_valid(name)
    existing = _find(connection, account, name)
    if existing is not None and existing.selectable:
        raise MailboxExists(name)
    before = _count(connection, account)
    _create_with_parents(connection, account, name)
    _require_few(connection, account, name, before)
    return Written(None)


def delete(connection: sqlite3.Connection, user: str, name: str) -> Written[None]:
    r"""Delete a mailbox; with children it remains as ``\Noselect``. Raises NoSuchMailbox, MailboxCannot."""
    mailbox = find_mailbox(connection, user, name)
    if mailbox.name == INBOX:
        raise MailboxCannot(INBOX, "INBOX cannot be deleted")
    uids = _all_uids(connection, mailbox.id)
    contents = connection.execute("DELETE FROM message WHERE mailbox_id = ? RETURNING content_id", (mailbox.id,))
    remove_unused_content(connection, [row[0] for row in contents])
    if _children(connection, account_id(connection, user), mailbox.name):
        gaps.note(connection, mailbox.id, uids)
        connection.execute("UPDATE mailbox SET selectable = 0 WHERE id = ?", (mailbox.id,))
    else:
        gaps.forget(connection, mailbox.id)
        connection.execute("DELETE FROM mailbox WHERE id = ?", (mailbox.id,))
    return Written(None, (Expunged(mailbox.id, uids),))


def rename(connection: sqlite3.Connection, user: str, old: str, new: str) -> Written[None]:
    """Rename a mailbox and its children; renaming INBOX moves its messages away (RFC 3501, section 6.3.5).

    Raises NoSuchMailbox, MailboxExists, MailboxCannot, MailboxLimit.
    """
    account = account_id(connection, user)
    old, new = canonical_name(old), canonical_name(new.removesuffix(DELIMITER))
    _require_valid(new)
    mailbox = _find(connection, account, old)
    if mailbox is None:
        raise NoSuchMailbox(old)
    if _find(connection, account, new) is not None:
        raise MailboxExists(new)
    if new.startswith(old + DELIMITER):
        raise MailboxCannot(new, "A mailbox cannot become its own child")
    before = _count(connection, account)
    moved = _move_inbox if old == INBOX else _move
    written = moved(connection, account, mailbox, new)
    _require_few(connection, account, new, before)
    return written


def subscribe(connection: sqlite3.Connection, user: str, name: str) -> Written[None]:
    """Add a name to the list of LSUB. Raises MailboxLimit."""
    account = account_id(connection, user)
    connection.execute("INSERT OR IGNORE INTO subscription VALUES (?, ?)", (account, canonical_name(name)))
    (count,) = connection.execute("SELECT count(*) FROM subscription WHERE account_id = ?", (account,)).fetchone()
    if count > MOST_MAILBOXES:
        raise MailboxLimit(name, f"An account has at most {MOST_MAILBOXES} subscriptions")
    return Written(None)


def unsubscribe(connection: sqlite3.Connection, user: str, name: str) -> Written[None]:
    """Take a name from the list of LSUB."""
    connection.execute(
        "DELETE FROM subscription WHERE account_id = ? AND name = ?",
        (account_id(connection, user), canonical_name(name)),
    )
    return Written(None)


def subscriptions(connection: sqlite3.Connection, user: str) -> list[str]:
    """Return the names that the user has subscribed to, in order; they need not exist."""
    rows = connection.execute(
        "SELECT name FROM subscription WHERE account_id = ? ORDER BY name", (account_id(connection, user),)
    )
    return [row[0] for row in rows]


def remove_unused_content(connection: sqlite3.Connection, candidates: Iterable[int]) -> None:
    """Delete those of the ``candidates`` that no mailbox refers to any more."""
    connection.executemany(
        "DELETE FROM content WHERE id = ? AND NOT EXISTS (SELECT 1 FROM message WHERE content_id = content.id)",
        [(each,) for each in candidates],
    )


def canonical_name(name: str) -> str:
    """Return ``name`` with INBOX, also as a parent, in its one spelling."""
    first, delimiter, rest = name.partition(DELIMITER)
    return (INBOX if first.upper() == INBOX else first) + delimiter + rest


def _require_valid(name: str) -> None:
    if not name or any(not part for part in name.split(DELIMITER)):
        raise MailboxCannot(name, "A mailbox name cannot be empty or have an empty part")
    if len(name) > LONGEST_NAME:
        raise MailboxCannot(name, f"A mailbox name has at most {LONGEST_NAME} characters")
    if name.count(DELIMITER) >= DEEPEST_LEVEL:
        raise MailboxLimit(name, f"A mailbox name has at most {DEEPEST_LEVEL} levels")
    if any(ord(character) < ord(" ") or character in '%*"\\\x7f' for character in name):
        raise MailboxCannot(name, "A mailbox name cannot contain wildcards, quotes or control characters")


def _create_with_parents(connection: sqlite3.Connection, account: int, name: str) -> None:
    _create_parents(connection, account, name)
    existing = _find(connection, account, name)
    if existing is None:
        _insert(connection, account, name)
    else:
        connection.execute("UPDATE mailbox SET selectable = 1 WHERE id = ?", (existing.id,))


def _create_parents(connection: sqlite3.Connection, account: int, name: str) -> None:
    parts = name.split(DELIMITER)
    for count in range(1, len(parts)):
        parent = DELIMITER.join(parts[:count])
        if _find(connection, account, parent) is None:
            _insert(connection, account, parent)


def _insert(connection: sqlite3.Connection, account: int, name: str) -> int:
    cursor = connection.execute(
        "INSERT INTO mailbox (account_id, name, uid_validity) VALUES (?, ?, ?)",
        (account, name, _next_uid_validity(connection)),
    )
    return int(cursor.lastrowid or 0)


def _next_uid_validity(connection: sqlite3.Connection) -> int:
    """Return a number never given before, so that a mailbox deleted and created again is a new one to its clients."""
    (last,) = connection.execute("SELECT value FROM last_uid_validity").fetchone()
    following = max(int(last) + 1, int(time.time()))
    connection.execute("UPDATE last_uid_validity SET value = ?", (following,))
    return following


def _count(connection: sqlite3.Connection, account: int) -> int:
    (count,) = connection.execute("SELECT count(*) FROM mailbox WHERE account_id = ?", (account,)).fetchone()
    return int(count)


def _require_few(connection: sqlite3.Connection, account: int, name: str, before: int) -> None:
    """Refuse what has made the mailboxes too many; an account that had too many before may keep and rename them."""
    if max(before, MOST_MAILBOXES) < _count(connection, account):
        raise MailboxLimit(name, f"An account has at most {MOST_MAILBOXES} mailboxes")


def _move(connection: sqlite3.Connection, account: int, mailbox: MailboxInfo, new: str) -> Written[None]:
    _create_parents(connection, account, new)
    for each in [mailbox, *_children(connection, account, mailbox.name)]:
        name = new + each.name.removeprefix(mailbox.name)
        _require_valid(name)
        connection.execute("UPDATE mailbox SET name = ? WHERE id = ?", (name, each.id))
    return Written(None)


def _move_inbox(connection: sqlite3.Connection, account: int, inbox: MailboxInfo, new: str) -> Written[None]:
    uids = _all_uids(connection, inbox.id)
    _create_parents(connection, account, new)
    target = _insert(connection, account, new)
    connection.execute("UPDATE message SET mailbox_id = ? WHERE mailbox_id = ?", (target, inbox.id))
    gaps.move(connection, inbox.id, target)
    gaps.note(connection, inbox.id, range(1, inbox.uid_next))
    # The messages keep their UIDs and MODSEQs, so the new mailbox counts on from where INBOX is.
    connection.execute(
        "UPDATE mailbox SET uid_next = ?, highest_modseq = ? WHERE id = ?",
        (inbox.uid_next, inbox.highest_modseq, target),
    )
    return Written(None, (Expunged(inbox.id, uids),))


def _all_uids(connection: sqlite3.Connection, mailbox_id: int) -> tuple[int, ...]:
    rows = connection.execute("SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,))
    return tuple(row[0] for row in rows)


def _children(connection: sqlite3.Connection, account: int, name: str) -> list[MailboxInfo]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM mailbox WHERE account_id = ? AND substr(name, 1, ?) = ?",  # noqa: S608
        (account, len(name) + 1, name + DELIMITER),
    )
    return [_mailbox(row) for row in rows]


def _find(connection: sqlite3.Connection, account: int, name: str) -> MailboxInfo | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM mailbox WHERE account_id = ? AND name = ?",  # noqa: S608 - constant columns
        (account, name),
    ).fetchone()
    return None if row is None else _mailbox(row)


def _mailbox(row: tuple[int, str, int, int, int, int, int]) -> MailboxInfo:
    return MailboxInfo(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6])

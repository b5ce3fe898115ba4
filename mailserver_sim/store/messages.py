"""Statements about messages, to be run on a connection inside somebody's transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator

from mailserver_sim.headers import split_header
from mailserver_sim.store.mailboxes import find_mailbox, remove_unused_content
from mailserver_sim.store.values import (
    INBOX,
    Appended,
    Content,
    Copied,
    Expunged,
    FlagMode,
    Flags,
    FlagsChanged,
    MailboxInfo,
    MessageInfo,
    Stored,
    Written,
)

_COLUMNS = "uid, flags, internal_date, zone_minutes, size"
DELETED = "\\Deleted"


def append(
    connection: sqlite3.Connection,
    user: str,
    mailbox: str,
    raw: bytes,
    flags: Flags,
    internal_date: dt.datetime,
) -> Written[Stored]:
    """Add one message to a mailbox. Raises NoSuchMailbox."""
    target = find_mailbox(connection, user, mailbox)
    content_id = _insert_content(connection, raw)
    info = _insert(connection, target, content_id, flags, internal_date, len(raw))
    stored = Stored(user, target.name, target.uid_validity, info.uid, len(raw))
    return Written(stored, (Appended(target.id, (info,)),))


def deliver(
    connection: sqlite3.Connection, users: Iterable[str], raw: bytes, internal_date: dt.datetime
) -> Written[tuple[Stored, ...]]:
    """Add one message to the INBOX of every user: to all of them or, if something fails, to none."""
    content_id = _insert_content(connection, raw)
    stored: list[Stored] = []
    changes: list[Appended] = []
    for user in users:
        inbox = find_mailbox(connection, user, INBOX)
        info = _insert(connection, inbox, content_id, frozenset(), internal_date, len(raw))
        stored.append(Stored(user, INBOX, inbox.uid_validity, info.uid, len(raw)))
        changes.append(Appended(inbox.id, (info,)))
    return Written(tuple(stored), tuple(changes))


def list_messages(connection: sqlite3.Connection, mailbox_id: int) -> list[MessageInfo]:
    """Return all messages of a mailbox in the order of their UIDs."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM message WHERE mailbox_id = ? ORDER BY uid",  # noqa: S608 - constant columns
        (mailbox_id,),
    )
    return [_message(row) for row in rows]


def read_content(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> Content | None:
    """Return the bytes of one message; None when it is gone."""
    row = connection.execute(
        "SELECT header, body FROM content WHERE id = (SELECT content_id FROM message WHERE mailbox_id = ? AND uid = ?)",
        (mailbox_id, uid),
    ).fetchone()
    return None if row is None else Content(row[0], row[1])


def read_header(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> bytes:
    """Return the header of one message with the empty line behind it; empty when the message is gone."""
    row = connection.execute(
        "SELECT header FROM content WHERE id = (SELECT content_id FROM message WHERE mailbox_id = ? AND uid = ?)",
        (mailbox_id, uid),
    ).fetchone()
    return b"" if row is None else bytes(row[0])


def copy(
    connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int], user: str, target_name: str
) -> Written[Copied]:
    """Copy messages with their flags and dates. Raises NoSuchMailbox; then nothing is copied."""
    target = find_mailbox(connection, user, target_name)
    source_uids: list[int] = []
    added: list[MessageInfo] = []
    for uid, content_id, message in _messages_with_content(connection, mailbox_id, uids):
        source_uids.append(uid)
        added.append(_insert(connection, target, content_id, message.flags, message.internal_date, message.size))
    copied = Copied(target.uid_validity, tuple(source_uids), tuple(info.uid for info in added))
    return Written(copied, (Appended(target.id, tuple(added)),))


def change_flags(
    connection: sqlite3.Connection,
    mailbox_id: int,
    uids: Iterable[int],
    mode: FlagMode,
    flags: Flags,
    origin: object,
) -> Written[dict[int, Flags]]:
    """Change the flags of messages and return the new ones; messages that are gone are left out."""
    result: dict[int, Flags] = {}
    for uid in uids:
        row = connection.execute(
            "SELECT flags FROM message WHERE mailbox_id = ? AND uid = ?", (mailbox_id, uid)
        ).fetchone()
        if row is None:
            continue
        result[uid] = _changed(frozenset(row[0].split()), mode, flags)
        connection.execute(
            "UPDATE message SET flags = ? WHERE mailbox_id = ? AND uid = ?",
            (" ".join(sorted(result[uid])), mailbox_id, uid),
        )
    return Written(result, (FlagsChanged(mailbox_id, tuple(result.items()), origin),))


def expunge(connection: sqlite3.Connection, mailbox_id: int, uids: frozenset[int] | None) -> Written[tuple[int, ...]]:
    r"""Remove the messages flagged ``\Deleted``, of ``uids`` only if given, and return their UIDs."""
    gone = tuple(
        info.uid
        for info in list_messages(connection, mailbox_id)
        if DELETED in info.flags and (uids is None or info.uid in uids)
    )
    connection.executemany("DELETE FROM message WHERE mailbox_id = ? AND uid = ?", [(mailbox_id, uid) for uid in gone])
    if gone:
        remove_unused_content(connection)
    return Written(gone, (Expunged(mailbox_id, gone),))


def _changed(before: Flags, mode: FlagMode, flags: Flags) -> Flags:
    if mode == "replace":
        return flags
    # Keywords are the same in any case, as with other servers; the first spelling stays.
    named = {flag.casefold() for flag in flags}
    if mode == "remove":
        return frozenset(flag for flag in before if flag.casefold() not in named)
    known = {flag.casefold() for flag in before}
    return before | {flag for flag in flags if flag.casefold() not in known}


def _insert_content(connection: sqlite3.Connection, raw: bytes) -> int:
    header, body = split_header(raw)
    cursor = connection.execute("INSERT INTO content (header, body) VALUES (?, ?)", (header, body))
    return int(cursor.lastrowid or 0)


def _insert(
    connection: sqlite3.Connection,
    target: MailboxInfo,
    content_id: int,
    flags: Flags,
    internal_date: dt.datetime,
    size: int,
) -> MessageInfo:
    (uid,) = connection.execute(
        "UPDATE mailbox SET uid_next = uid_next + 1 WHERE id = ? RETURNING uid_next - 1", (target.id,)
    ).fetchone()
    offset = internal_date.utcoffset() or dt.timedelta()
    date = internal_date.replace(microsecond=0)
    connection.execute(
        "INSERT INTO message (mailbox_id, uid, content_id, flags, internal_date, zone_minutes, size)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            target.id,
            uid,
            content_id,
            " ".join(sorted(flags)),
            int(date.timestamp()),
            int(offset.total_seconds() // 60),
            size,
        ),
    )
    return MessageInfo(uid, flags, date, size)


def _messages_with_content(
    connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]
) -> Iterator[tuple[int, int, MessageInfo]]:
    for uid in uids:
        row = connection.execute(
            f"SELECT {_COLUMNS}, content_id FROM message WHERE mailbox_id = ? AND uid = ?",  # noqa: S608
            (mailbox_id, uid),
        ).fetchone()
        if row is not None:
            yield uid, row[5], _message(row)


def _message(row: tuple[int, str, int, int, int]) -> MessageInfo:
    zone = dt.timezone(dt.timedelta(minutes=row[3]))
    return MessageInfo(row[0], frozenset(row[1].split()), dt.datetime.fromtimestamp(row[2], zone), row[4])

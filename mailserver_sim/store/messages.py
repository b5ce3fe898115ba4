"""Statements about messages, to be run on a connection inside somebody's transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mailserver_sim.headers import split_header
from mailserver_sim.store import gaps, schema
from mailserver_sim.store.mailboxes import find_mailbox, remove_unused_content
from mailserver_sim.store.quota import NO_QUOTAS, Quotas, require_room
from mailserver_sim.store.table import MessageTable, joined
from mailserver_sim.store.values import (
    INBOX,
    Appended,
    Content,
    Copied,
    Expunged,
    Flagged,
    FlagMode,
    Flags,
    FlagsChanged,
    MailboxInfo,
    MessageInfo,
    NewMessage,
    Stored,
    Usage,
    Written,
)

_COLUMNS = "uid, flags, internal_date, zone_minutes, size, modseq"


def append(
    connection: sqlite3.Connection,
    user: str,
    mailbox: str,
    raw: bytes,
    flags: Flags,
    internal_date: dt.datetime,
    quotas: Quotas = NO_QUOTAS,
) -> Written[Stored]:
    """Add one message to a mailbox. Raises NoSuchMailbox, OverQuota."""
    written = append_all(connection, user, mailbox, [NewMessage(raw, flags, internal_date)], quotas)
    return Written(written.result[0], written.changes)


def append_all(
    connection: sqlite3.Connection, user: str, mailbox: str, new: Iterable[NewMessage], quotas: Quotas = NO_QUOTAS
) -> Written[tuple[Stored, ...]]:
    """Add messages to a mailbox, all or none. Raises NoSuchMailbox, OverQuota."""
    added = tuple(new)
    target = find_mailbox(connection, user, mailbox)
    require_room(connection, quotas, user, target.name, Usage(sum(len(each.raw) for each in added), len(added)))
    infos = tuple(
        _insert(
            connection, target, _insert_content(connection, each.raw), each.flags, each.internal_date, len(each.raw)
        )
        for each in added
    )
    stored = tuple(Stored(user, target.name, target.uid_validity, info.uid, info.size) for info in infos)
    return Written(stored, (Appended(target.id, infos),))


def deliver(
    connection: sqlite3.Connection,
    users: Iterable[str],
    raw: bytes,
    internal_date: dt.datetime,
    quotas: Quotas = NO_QUOTAS,
) -> Written[tuple[Stored, ...]]:
    """Add one message to the INBOX of every user: to all of them or, if something fails, to none. Raises OverQuota."""
    content_id = _insert_content(connection, raw)
    stored: list[Stored] = []
    changes: list[Appended] = []
    for user in users:
        inbox = find_mailbox(connection, user, INBOX)
        require_room(connection, quotas, user, INBOX, Usage(len(raw), 1))
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


def message_table(connection: sqlite3.Connection, mailbox_id: int) -> MessageTable:
    """Return all messages of a mailbox, packed."""
    # The primary key is what holds the rows, so they come in the order of UIDs.
    columns = connection.execute(
        f"SELECT {joined(_COLUMNS)} FROM message NOT INDEXED WHERE mailbox_id = ?",  # noqa: S608 - constant columns
        (mailbox_id,),
    ).fetchone()
    return MessageTable.from_columns(columns, _message)


def read_infos(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> list[MessageInfo]:
    """Return what is known of several messages, without those that are gone."""
    statement = f"SELECT {_COLUMNS} FROM message WHERE mailbox_id = ? AND uid = ?"  # noqa: S608 - constant columns
    rows = (connection.execute(statement, (mailbox_id, uid)).fetchone() for uid in uids)
    return [_message(row) for row in rows if row is not None]


def unseen_uids(connection: sqlite3.Connection, mailbox_id: int) -> list[int]:
    r"""Return the UIDs of the messages without ``\Seen``, from their index."""
    return _uids(connection, mailbox_id, schema.BY_UNSEEN, schema.UNSEEN)


def deleted_uids(connection: sqlite3.Connection, mailbox_id: int) -> list[int]:
    r"""Return the UIDs of the messages with ``\Deleted``, from their index."""
    return _uids(connection, mailbox_id, schema.BY_DELETED, schema.DELETED)


def _uids(connection: sqlite3.Connection, mailbox_id: int, table: str, condition: str) -> list[int]:
    statement = f"SELECT uid FROM {table} WHERE mailbox_id = ? AND {condition} ORDER BY uid"  # noqa: S608 - constants
    return [row[0] for row in connection.execute(statement, (mailbox_id,))]


def read_content(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> Content | None:
    """Return the bytes of one message; None when it is gone."""
    row = connection.execute(
        "SELECT header, body FROM content WHERE id = (SELECT content_id FROM message WHERE mailbox_id = ? AND uid = ?)",
        (mailbox_id, uid),
    ).fetchone()
    return None if row is None else Content(row[0], row[1])


def read_contents(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> dict[int, Content]:
    """Return the bytes of several messages by UID, without those that are gone."""
    found = ((uid, read_content(connection, mailbox_id, uid)) for uid in uids)
    return {uid: content for uid, content in found if content is not None}


def read_header(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> bytes:
    """Return the header of one message with the empty line behind it; empty when the message is gone."""
    row = connection.execute(
        "SELECT header FROM content WHERE id = (SELECT content_id FROM message WHERE mailbox_id = ? AND uid = ?)",
        (mailbox_id, uid),
    ).fetchone()
    return b"" if row is None else bytes(row[0])


def copy(
    connection: sqlite3.Connection,
    mailbox_id: int,
    uids: Iterable[int],
    user: str,
    target_name: str,
    quotas: Quotas = NO_QUOTAS,
) -> Written[Copied]:
    """Copy messages with their flags and dates. Raises NoSuchMailbox, OverQuota; then nothing is copied."""
    target = find_mailbox(connection, user, target_name)
    chosen = list(_messages_with_content(connection, mailbox_id, uids))
    added = Usage(sum(message.size for _, message in chosen), len(chosen))
    require_room(connection, quotas, user, target.name, added)
    return _copied(connection, chosen, target)


def move(
    connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int], user: str, target_name: str
) -> Written[Copied]:
    """Move messages with their flags and dates, which needs no room. Raises NoSuchMailbox; then nothing is moved."""
    target = find_mailbox(connection, user, target_name)
    chosen = list(_messages_with_content(connection, mailbox_id, uids))
    copied = _copied(connection, chosen, target)
    _remove(connection, mailbox_id, copied.result.source_uids)
    moved = Expunged(mailbox_id, copied.result.source_uids, last=tuple(message for _, message in chosen))
    return Written(copied.result, (*copied.changes, moved))


def _copied(
    connection: sqlite3.Connection, chosen: Iterable[tuple[int, MessageInfo]], target: MailboxInfo
) -> Written[Copied]:
    source_uids: list[int] = []
    added: list[MessageInfo] = []
    for content_id, message in chosen:
        source_uids.append(message.uid)
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
    unchanged_since: int | None = None,
) -> Written[Flagged]:
    """Change the flags of messages that had no change behind ``unchanged_since``; those that are gone are left out."""
    result: dict[int, tuple[Flags, int]] = {}
    changed: dict[int, Flags] = {}
    modified: list[int] = []
    modseq = _highest_modseq(connection, mailbox_id) + 1
    for uid, before, last in _flags_of(connection, mailbox_id, uids):
        if unchanged_since is not None and last > unchanged_since:
            modified.append(uid)
            continue
        after = _changed(before, mode, flags)
        result[uid] = (after, last if after == before else modseq)
        if after != before:
            changed[uid] = after
    _write_flags(connection, mailbox_id, changed, modseq)
    told = FlagsChanged(mailbox_id, tuple(changed.items()), origin, modseq)
    return Written(Flagged(result, tuple(modified)), (told,) if changed else ())


def _flags_of(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> Iterator[tuple[int, Flags, int]]:
    """Yield UID, flags and MODSEQ of the messages that are there."""
    for uid in uids:
        row = connection.execute(
            "SELECT flags, modseq FROM message WHERE mailbox_id = ? AND uid = ?", (mailbox_id, uid)
        ).fetchone()
        if row is not None:
            yield uid, frozenset(row[0].split()), row[1]


def _write_flags(connection: sqlite3.Connection, mailbox_id: int, flags: Mapping[int, Flags], modseq: int) -> None:
    """Write new flags; all messages of one change have its MODSEQ, and none is counted for no change."""
    if flags:
        connection.execute("UPDATE mailbox SET highest_modseq = ? WHERE id = ?", (modseq, mailbox_id))
    connection.executemany(
        "UPDATE message SET flags = ?, modseq = ? WHERE mailbox_id = ? AND uid = ?",
        [(" ".join(sorted(new)), modseq, mailbox_id, uid) for uid, new in flags.items()],
    )


def _highest_modseq(connection: sqlite3.Connection, mailbox_id: int) -> int:
    row = connection.execute("SELECT highest_modseq FROM mailbox WHERE id = ?", (mailbox_id,)).fetchone()
    return 0 if row is None else int(row[0])


def expunge(connection: sqlite3.Connection, mailbox_id: int, uids: frozenset[int] | None) -> Written[tuple[int, ...]]:
    r"""Remove the messages flagged ``\Deleted``, of ``uids`` only if given, and return their UIDs."""
    deleted = deleted_uids(connection, mailbox_id)
    return remove(connection, mailbox_id, [uid for uid in deleted if uids is None or uid in uids])


def remove(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> Written[tuple[int, ...]]:
    """Remove messages whatever their flags, and return the UIDs of those that were there."""
    statement = f"DELETE FROM message WHERE mailbox_id = ? AND uid = ? RETURNING {_COLUMNS}, content_id"  # noqa: S608
    found = (connection.execute(statement, (mailbox_id, uid)).fetchone() for uid in uids)
    rows = [row for row in found if row is not None]
    gone = tuple(row[0] for row in rows)
    gaps.note(connection, mailbox_id, gone)
    remove_unused_content(connection, [row[6] for row in rows])
    return Written(gone, (Expunged(mailbox_id, gone, last=tuple(map(_message, rows))),))


def _remove(connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]) -> None:
    gone = [(mailbox_id, uid) for uid in uids]
    connection.executemany("DELETE FROM message WHERE mailbox_id = ? AND uid = ?", gone)
    gaps.note(connection, mailbox_id, (uid for _, uid in gone))


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
    uid, modseq = connection.execute(
        "UPDATE mailbox SET uid_next = uid_next + 1, highest_modseq = highest_modseq + 1 WHERE id = ?"
        " RETURNING uid_next - 1, highest_modseq",
        (target.id,),
    ).fetchone()
    offset = internal_date.utcoffset() or dt.timedelta()
    date = internal_date.replace(microsecond=0)
    connection.execute(
        "INSERT INTO message (mailbox_id, uid, content_id, flags, internal_date, zone_minutes, size, modseq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            target.id,
            uid,
            content_id,
            " ".join(sorted(flags)),
            int(date.timestamp()),
            int(offset.total_seconds() // 60),
            size,
            modseq,
        ),
    )
    return MessageInfo(uid, flags, date, size, modseq)


def _messages_with_content(
    connection: sqlite3.Connection, mailbox_id: int, uids: Iterable[int]
) -> Iterator[tuple[int, MessageInfo]]:
    for uid in uids:
        row = connection.execute(
            f"SELECT {_COLUMNS}, content_id FROM message WHERE mailbox_id = ? AND uid = ?",  # noqa: S608
            (mailbox_id, uid),
        ).fetchone()
        if row is not None:
            yield row[6], _message(row)


def _message(row: tuple[Any, ...]) -> MessageInfo:
    zone = dt.timezone(dt.timedelta(minutes=row[3]))
    return MessageInfo(row[0], frozenset(row[1].split()), dt.datetime.fromtimestamp(row[2], zone), row[4], row[5])

"""APPEND, COPY, STORE, EXPUNGE (RFC 3501, sections 6.3.11 and 6.4; RFC 4315, UIDPLUS)."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.chosen import chosen_uids, read_sequence_set
from mailserver_sim.imap.command import AFTER_LOGIN, ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.mailboxes import read_mailbox
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.imap.wire import RECENT, canonical_flag, parse_date_time
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.values import FlagMode, Flags

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_QUOTED_DATE = re.compile(rb'"[^"]*"')
_READ_ONLY = no("The mailbox is open for reading only", "READ-ONLY")
_TRY_CREATE = no("No such mailbox", "TRYCREATE")
_FLAG_MODES: dict[bytes, FlagMode] = {b"+": "add", b"-": "remove", b"": "replace"}
_STORE_ITEM = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)


def selected(connection: ImapConnection) -> SelectedView:
    """Return the view of the selected mailbox."""
    assert connection.view is not None  # the command table lets these commands run in the selected state only
    return connection.view


async def append(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Add a message to a mailbox; OK comes after the commit."""
    mailbox = read_mailbox(arguments)
    arguments.space()
    flags: Flags = frozenset()
    if arguments.next_is(b"("):
        flags = _storable(arguments.parenthesized(arguments.flag))
        arguments.space()
    date = dt.datetime.now(dt.UTC)
    if arguments.next_is(b'"'):
        date = parse_date_time(arguments.match(_QUOTED_DATE, "A date-time")[0])
        arguments.space()
    raw = arguments.string()
    arguments.end()
    try:
        stored = await connection.wait(connection.store.append(connection.user, mailbox, raw, flags, date))
    except NoSuchMailbox:
        return _TRY_CREATE
    connection.reports.mail_accepted(stored, raw)
    return ok("APPEND completed", f"APPENDUID {stored.uid_validity} {stored.uid}")


def _storable(flags: Iterable[str]) -> Flags:
    r"""Return flags in their spelling; nobody can set ``\Recent``, and ``\*`` is no flag."""
    canonical = frozenset(canonical_flag(flag) for flag in flags)
    if RECENT in canonical:
        raise CommandSyntaxError("\\Recent cannot be set")
    return canonical


async def copy(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Copy messages into another mailbox."""
    numbers = read_sequence_set(arguments)
    target = read_mailbox(arguments)
    arguments.end()
    view = selected(connection)
    uids = chosen_uids(view, numbers, by_uid=by_uid)
    try:
        copied = await connection.wait(connection.store.copy(view.mailbox.id, uids, connection.user, target))
    except NoSuchMailbox:
        return _TRY_CREATE
    if not copied.source_uids:
        return ok("No message was copied")
    source, new = uid_set(copied.source_uids), uid_set(copied.target_uids)
    return ok("COPY completed", f"COPYUID {copied.uid_validity} {source} {new}")


def uid_set(uids: Iterable[int]) -> str:
    """Write UIDs in their order, runs as ranges."""
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if ranges and ranges[-1][1] == uid - 1:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ranges)


async def store(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Change the flags of messages and tell the new ones, unless SILENT."""
    numbers = read_sequence_set(arguments)
    arguments.space()
    item = arguments.match(_STORE_ITEM, "FLAGS, +FLAGS or -FLAGS")
    arguments.space()
    flags = _storable(_flags(arguments))
    arguments.end()
    view = selected(connection)
    if view.read_only:
        return _READ_ONLY
    uids = chosen_uids(view, numbers, by_uid=by_uid)
    changed = await connection.wait(
        connection.store.change_flags(view.mailbox.id, uids, _FLAG_MODES[item[1]], flags, connection)
    )
    if not item[2]:
        for uid in changed.messages:
            uid_part = b" UID %d" % uid if by_uid else b""
            connection.untagged(b"%d FETCH (FLAGS %b%b)" % (view.number(uid), view.flags(uid), uid_part))
    return ok("STORE completed")


def _flags(arguments: Arguments) -> list[str]:
    """Read flags with or without parentheses."""
    if arguments.next_is(b"("):
        return arguments.parenthesized(arguments.flag)
    flags = [arguments.flag()]
    while not arguments.at_end():
        arguments.space()
        flags.append(arguments.flag())
    return flags


async def expunge(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    r"""Remove the messages flagged ``\Deleted``; UID EXPUNGE only those that are named too."""
    view = selected(connection)
    uids: frozenset[int] | None = None
    if by_uid:
        uids = frozenset(chosen_uids(view, read_sequence_set(arguments), by_uid=True))
    arguments.end()
    if view.read_only:
        return _READ_ONLY
    await connection.wait(connection.store.expunge(view.mailbox.id, uids))
    return ok("EXPUNGE completed")


COMMANDS: Commands = {
    "APPEND": Command(append, AFTER_LOGIN),
    "COPY": Command(functools.partial(copy, by_uid=False), ONLY_SELECTED),
    "STORE": Command(functools.partial(store, by_uid=False), ONLY_SELECTED, may_expunge=False),
    "EXPUNGE": Command(functools.partial(expunge, by_uid=False), ONLY_SELECTED),
}
UID_COMMANDS: Commands = {
    "COPY": Command(functools.partial(copy, by_uid=True), ONLY_SELECTED),
    "STORE": Command(functools.partial(store, by_uid=True), ONLY_SELECTED),
    "EXPUNGE": Command(functools.partial(expunge, by_uid=True), ONLY_SELECTED),
}

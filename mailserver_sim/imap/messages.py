"""COPY, MOVE, EXPUNGE (RFC 3501, section 6.4; RFC 6851; RFC 4315, UIDPLUS)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import READ_ONLY, TRY_CREATE, Answer, no, ok
from mailserver_sim.imap.chosen import chosen_uids, read_sequence_set
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.mailboxes import read_mailbox
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.imap.wire import uid_set
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.values import Copied

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

# RFC 2180, section 4.4.1: "The server MAY disallow the COPY of messages in a multi-accessed mailbox that contains
# expunged messages."
_SOME_ARE_GONE = no("Some messages are gone: nothing was copied or moved", "EXPUNGEISSUED")


def selected(connection: ImapConnection) -> SelectedView:
    """Return the view of the selected mailbox."""
    assert connection.view is not None  # the command table lets these commands run in the selected state only
    return connection.view


async def copy(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Copy messages into another mailbox."""
    uids, target = _chosen(connection, arguments, by_uid=by_uid)
    view = selected(connection)
    if not by_uid and any(map(view.is_gone, uids)):
        return _SOME_ARE_GONE
    try:
        copied = await connection.wait(connection.store.copy(view.mailbox.id, uids, connection.user, target))
    except NoSuchMailbox:
        return TRY_CREATE
    return ok("COPY completed", _copy_uid(copied)) if copied.source_uids else ok("No message was copied")


async def move(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Move messages into another mailbox, in one step that nobody sees half done."""
    uids, target = _chosen(connection, arguments, by_uid=by_uid)
    view = selected(connection)
    if view.read_only:
        return READ_ONLY
    if not by_uid and any(map(view.is_gone, uids)):
        return _SOME_ARE_GONE
    try:
        moved = await connection.wait(connection.store.move(view.mailbox.id, uids, connection.user, target))
    except NoSuchMailbox:
        return TRY_CREATE
    if not moved.source_uids:
        return ok("No message was moved")
    # RFC 6851, section 4.3: COPYUID "in an untagged OK before sending EXPUNGE", which come with the tagged answer.
    connection.untagged(f"OK [{_copy_uid(moved)}] Moved".encode("ascii"))
    return ok("MOVE completed")


def _chosen(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> tuple[list[int], str]:
    """Read a sequence set and a mailbox; return the UIDs that are meant, and the name."""
    numbers = read_sequence_set(arguments)
    target = read_mailbox(arguments)
    arguments.end()
    return chosen_uids(selected(connection), numbers, by_uid=by_uid), target


def _copy_uid(copied: Copied) -> str:
    return f"COPYUID {copied.uid_validity} {uid_set(copied.source_uids)} {uid_set(copied.target_uids)}"


async def expunge(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    r"""Remove the messages flagged ``\Deleted``; UID EXPUNGE only those that are named too."""
    view = selected(connection)
    uids: frozenset[int] | None = None
    if by_uid:
        uids = frozenset(chosen_uids(view, read_sequence_set(arguments), by_uid=True))
    arguments.end()
    if view.read_only:
        return READ_ONLY
    await connection.wait(connection.store.expunge(view.mailbox.id, uids))
    return ok("EXPUNGE completed")


COMMANDS: Commands = {
    "COPY": Command(functools.partial(copy, by_uid=False), ONLY_SELECTED),
    "MOVE": Command(functools.partial(move, by_uid=False), ONLY_SELECTED),
    "EXPUNGE": Command(functools.partial(expunge, by_uid=False), ONLY_SELECTED),
}
UID_COMMANDS: Commands = {
    "COPY": Command(functools.partial(copy, by_uid=True), ONLY_SELECTED),
    "MOVE": Command(functools.partial(move, by_uid=True), ONLY_SELECTED),
    "EXPUNGE": Command(functools.partial(expunge, by_uid=True), ONLY_SELECTED),
}

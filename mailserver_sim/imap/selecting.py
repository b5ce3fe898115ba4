"""SELECT, EXAMINE, CLOSE, UNSELECT, CHECK (RFC 3501, sections 6.3.1, 6.3.2 and 6.4; RFC 3691)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.mailboxes import read_mailbox
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.values import Overview

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection


async def select(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Open a mailbox for reading and writing."""
    return await _open(connection, arguments, read_only=False)


async def examine(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Open a mailbox for reading: nothing in it will change."""
    return await _open(connection, arguments, read_only=True)


async def _open(connection: ImapConnection, arguments: Arguments, *, read_only: bool) -> Answer:
    name = read_mailbox(arguments)
    if not arguments.at_end():
        arguments.require(b" (CONDSTORE)")  # RFC 7162, section 3.1.8: the only parameter there is
        connection.enabled.add(CONDSTORE)
    arguments.end()
    # "any mailbox that is currently selected is deselected", also when this command fails.
    connection.close_mailbox()
    mailbox = await connection.wait(connection.store.find_mailbox(connection.user, name))
    early = connection.watch_mailbox(mailbox.id)
    try:
        overview = await connection.wait(connection.store.overview(mailbox))
    except NoSuchMailbox:
        connection.close_mailbox()
        raise
    view = SelectedView(overview, read_only=read_only)
    for change in early:
        view.apply(change, mine=False)
    view.untagged(expunge_allowed=True)  # what came while the mailbox was being read is simply part of it
    connection.open_mailbox(view)
    if not read_only and view.recent:
        await connection.wait(connection.store.claim_recent(mailbox.id))
    _describe(connection, view, overview)
    if read_only:
        return ok("EXAMINE completed", "READ-ONLY")
    return ok("SELECT completed", "READ-WRITE")


def _describe(connection: ImapConnection, view: SelectedView, overview: Overview) -> None:
    mailbox = overview.mailbox
    flags, permanent = view.flag_lines()
    uid_next = max([mailbox.uid_next, *(uid + 1 for uid in view.uids[-1:])])
    lines = [
        flags,
        b"%d EXISTS" % len(view.uids),
        b"%d RECENT" % len(view.recent),
        permanent,
        b"OK [UIDVALIDITY %d] UIDs are valid" % mailbox.uid_validity,
        b"OK [UIDNEXT %d] Predicted next UID" % uid_next,
        # RFC 7162, section 3.1.2.1. As of when the mailbox was read: what came since is told once more, not never.
        b"OK [HIGHESTMODSEQ %d] The last change" % mailbox.highest_modseq,
    ]
    if overview.first_unseen is not None and overview.first_unseen in view.uids:
        lines.insert(3, b"OK [UNSEEN %d] First unseen message" % view.number(overview.first_unseen))
    for line in lines:
        connection.untagged(line)


async def close(connection: ImapConnection, arguments: Arguments) -> Answer:
    r"""Remove the messages flagged ``\Deleted`` without telling, and close the mailbox."""
    arguments.end()
    view = connection.view
    connection.close_mailbox()
    if view is not None and not view.read_only:
        await connection.wait(connection.store.expunge(view.mailbox.id))
    return ok("CLOSE completed")


async def unselect(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Close the mailbox and remove nothing."""
    arguments.end()
    connection.close_mailbox()
    return ok("UNSELECT completed")


async def check(_connection: ImapConnection, arguments: Arguments) -> Answer:
    """Do nothing: everything is on the disk before it is answered."""
    arguments.end()
    return ok("CHECK completed")


COMMANDS: Commands = {
    "SELECT": Command(select, AFTER_LOGIN),
    "EXAMINE": Command(examine, AFTER_LOGIN),
    "CLOSE": Command(close, ONLY_SELECTED),
    "UNSELECT": Command(unselect, ONLY_SELECTED),
    "CHECK": Command(check, ONLY_SELECTED),
}

"""IDLE (RFC 2177): the client waits, the server tells what is new, and only DONE ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands
from mailserver_sim.imap.tokens import Arguments

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection


async def idle(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Tell changes as they happen, and now and then that the server is still there."""
    arguments.end()
    connection.send(b"+ idling\r\n")
    connection.tell_changes()
    connection.mailbox_changed = connection.tell_changes
    connection.keep_alive(b"OK Still here")
    try:
        while (await connection.next_line()).upper() != b"DONE":
            connection.untagged(b"BAD [CLIENTBUG] Only DONE ends IDLE")
    finally:
        connection.mailbox_changed = None
        connection.keep_alive(None)
    return ok("IDLE completed")


COMMANDS: Commands = {
    "IDLE": Command(idle, AFTER_LOGIN),
}

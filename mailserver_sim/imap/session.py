"""CAPABILITY, NOOP, LOGOUT, ID, NAMESPACE (RFC 3501, section 6.1; RFC 2971; RFC 2342)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, ANY_STATE, Command, Commands
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.wire import string
from mailserver_sim.store.values import DELIMITER

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

NAME = b"maco-lab mail server"


async def capability(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List what the server can do in this state."""
    arguments.end()
    connection.untagged(("CAPABILITY " + " ".join(connection.capability_names())).encode("ascii"))
    return ok("CAPABILITY completed")


async def noop(_connection: ImapConnection, arguments: Arguments) -> Answer:
    """Do nothing; like every command it is followed by what is new in the mailbox."""
    arguments.end()
    return ok("NOOP completed")


async def logout(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Say goodbye and close."""
    arguments.end()
    connection.untagged(b"BYE Logging out")
    connection.after_answer = connection.end_connection
    return ok("LOGOUT completed")


async def identify(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Tell what this server is; what the client says of itself is read and not kept."""
    arguments.space()
    if not arguments.skip(b"NIL"):
        arguments.parenthesized(lambda: arguments.skip(b"NIL") or arguments.string())
    arguments.end()
    connection.untagged(b'ID ("name" ' + string(NAME) + b")")
    return ok("ID completed")


async def namespace(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Tell that there are only personal mailboxes: none of other users, none shared."""
    arguments.end()
    connection.untagged(b'NAMESPACE (("" "%b")) NIL NIL' % DELIMITER.encode("ascii"))
    return ok("NAMESPACE completed")


COMMANDS: Commands = {
    "CAPABILITY": Command(capability, ANY_STATE),
    "NOOP": Command(noop, ANY_STATE),
    "LOGOUT": Command(logout, ANY_STATE),
    "ID": Command(identify, ANY_STATE),
    "NAMESPACE": Command(namespace, AFTER_LOGIN),
}

"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501, section 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands, Run
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import parse_mailbox_name
from mailserver_sim.settings import MailServerSettings
from mailserver_sim.store.values import MailboxStatus

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_STATUS_ITEMS: dict[str, Callable[[MailboxStatus, MailServerSettings], int]] = {
    "MESSAGES": lambda status, _: status.messages,
    "RECENT": lambda status, _: status.recent,
    "UIDNEXT": lambda status, _: status.mailbox.uid_next,
    "UIDVALIDITY": lambda status, _: status.mailbox.uid_validity,
    "UNSEEN": lambda status, _: status.unseen,
    "DELETED": lambda status, _: status.deleted,  # RFC 9051, section 6.3.11
    "SIZE": lambda status, _: status.size,  # RFC 8438
    "DELETED-STORAGE": lambda status, _: status.deleted_size,  # RFC 9208, section 4.1.4
    "HIGHESTMODSEQ": lambda status, _: status.mailbox.highest_modseq,  # RFC 7162, section 3.1.7
    "APPENDLIMIT": lambda _, settings: settings.max_message_bytes,  # RFC 7889, section 2: the same for every mailbox
}


def read_mailbox(arguments: Arguments) -> str:
    """Read a mailbox name behind a space."""
    arguments.space()
    return parse_mailbox_name(arguments.astring(), utf8=arguments.utf8)


async def create(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Create a mailbox."""
    name = read_mailbox(arguments)
    arguments.end()
    await connection.wait(connection.store.create_mailbox(connection.user, name))
    return ok("CREATE completed")


async def delete(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Delete a mailbox with its messages."""
    name = read_mailbox(arguments)
    arguments.end()
    await connection.wait(connection.store.delete_mailbox(connection.user, name))
    return ok("DELETE completed")


async def rename(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Rename a mailbox with its children."""
    old, new = read_mailbox(arguments), read_mailbox(arguments)
    arguments.end()
    await connection.wait(connection.store.rename_mailbox(connection.user, old, new))
    return ok("RENAME completed")


async def subscribe(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Add a mailbox to the list of LSUB."""
    name = read_mailbox(arguments)
    arguments.end()
    await connection.wait(connection.store.find_mailbox(connection.user, name))
    await connection.wait(connection.store.subscribe(connection.user, name))
    return ok("SUBSCRIBE completed")


async def unsubscribe(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Take a mailbox from the list of LSUB."""
    name = read_mailbox(arguments)
    arguments.end()
    await connection.wait(connection.store.unsubscribe(connection.user, name))
    return ok("UNSUBSCRIBE completed")


async def status(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Count without selecting."""
    name = read_mailbox(arguments)
    arguments.space()
    items = read_status_items(arguments)
    arguments.end()
    note_condstore(connection, items)
    counted = await connection.wait(connection.store.status(connection.user, name))
    connection.untagged(status_line(connection, counted, items))
    return ok("STATUS completed")


def read_status_items(arguments: Arguments) -> list[str]:
    """Read the items of STATUS in their parentheses. Raises CommandSyntaxError."""
    items = [item.upper() for item in arguments.parenthesized(arguments.atom)]
    unknown = [item for item in items if item not in _STATUS_ITEMS]
    if unknown or not items:
        raise CommandSyntaxError(f"Unknown STATUS item; known: {' '.join(_STATUS_ITEMS)}")
    return items


def note_condstore(connection: ImapConnection, items: Iterable[str]) -> None:
    """Take note that the client uses CONDSTORE when it asks for HIGHESTMODSEQ (RFC 7162, section 3.1)."""
    if "HIGHESTMODSEQ" in items:
        connection.enabled.add(CONDSTORE)


def status_line(connection: ImapConnection, counted: MailboxStatus, items: Iterable[str]) -> bytes:
    """Write the untagged answer that tells these items."""
    values = " ".join(f"{item} {_STATUS_ITEMS[item](counted, connection.settings)}" for item in items)
    return b"STATUS " + connection.mailbox_name(counted.mailbox.name) + f" ({values})".encode("ascii")


def _after_login(run: Run) -> Command:
    return Command(run, AFTER_LOGIN)


COMMANDS: Commands = {
    "CREATE": _after_login(create),
    "DELETE": _after_login(delete),
    "RENAME": _after_login(rename),
    "SUBSCRIBE": _after_login(subscribe),
    "UNSUBSCRIBE": _after_login(unsubscribe),
    "STATUS": _after_login(status),
}

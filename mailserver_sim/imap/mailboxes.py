"""CREATE, DELETE, RENAME, LIST, LSUB, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501, section 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands, Run
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.patterns import wildcard
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import parse_mailbox_name
from mailserver_sim.store.values import DELIMITER, MailboxStatus

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_STATUS_ITEMS: dict[str, Callable[[MailboxStatus], int]] = {
    "MESSAGES": lambda status: status.messages,
    "RECENT": lambda status: status.recent,
    "UIDNEXT": lambda status: status.mailbox.uid_next,
    "UIDVALIDITY": lambda status: status.mailbox.uid_validity,
    "UNSEEN": lambda status: status.unseen,
    "DELETED": lambda status: status.deleted,  # RFC 9051, section 6.3.11
    "SIZE": lambda status: status.size,  # RFC 8438
    "DELETED-STORAGE": lambda status: status.deleted_size,  # RFC 9208, section 4.1.4
    "HIGHESTMODSEQ": lambda status: status.mailbox.highest_modseq,  # RFC 7162, section 3.1.7
}
NAMES_AT_A_TIME = 50
"""How many names are matched before the other connections get their turn."""
_QUOTED_DELIMITER = f'"{DELIMITER}"'.encode("ascii")


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


def _pattern(arguments: Arguments) -> tuple[str, str]:
    """Read reference and pattern."""
    reference = read_mailbox(arguments)
    arguments.space()
    pattern = parse_mailbox_name(arguments.list_mailbox(), utf8=arguments.utf8)
    arguments.end()
    return reference, pattern


async def list_mailboxes(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List the mailboxes that match a pattern."""
    reference, pattern = _pattern(arguments)
    if not pattern:
        # Section 6.3.8: an empty name "is a special request to return the hierarchy delimiter and the root name".
        connection.untagged(b"LIST (\\Noselect) " + _QUOTED_DELIMITER + b' ""')
        return ok("LIST completed")
    matches = wildcard(reference + pattern)
    mailboxes = await connection.wait(connection.store.list_mailboxes(connection.user))
    parents = parent_names(mailbox.name for mailbox in mailboxes)
    for number, mailbox in enumerate(mailboxes, 1):
        if matches(mailbox.name):
            attributes = [b"\\HasChildren" if mailbox.name in parents else b"\\HasNoChildren"]
            if not mailbox.selectable:
                attributes.append(b"\\Noselect")
            _listed(connection, b"LIST", attributes, mailbox.name)
        if number % NAMES_AT_A_TIME == 0:
            await connection.let_others_run()
    return ok("LIST completed")


def parent_names(names: Iterable[str]) -> set[str]:
    """Return the names that have names below them, whether they are mailboxes themselves or not."""
    parents: set[str] = set()
    for name in names:
        parent = name.rpartition(DELIMITER)[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition(DELIMITER)[0]
    return parents


async def list_subscribed(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List the subscribed names that match a pattern."""
    reference, pattern = _pattern(arguments)
    matches = wildcard(reference + pattern)
    names = await connection.wait(connection.store.subscriptions(connection.user))
    for number, name in enumerate(names, 1):
        if matches(name):
            _listed(connection, b"LSUB", [], name)
        if number % NAMES_AT_A_TIME == 0:
            await connection.let_others_run()
    return ok("LSUB completed")


def _listed(connection: ImapConnection, kind: bytes, attributes: list[bytes], name: str) -> None:
    connection.untagged(
        kind + b" (" + b" ".join(attributes) + b") " + _QUOTED_DELIMITER + b" " + connection.mailbox_name(name)
    )


async def status(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Count without selecting."""
    name = read_mailbox(arguments)
    arguments.space()
    items = [item.upper() for item in arguments.parenthesized(arguments.atom)]
    arguments.end()
    unknown = [item for item in items if item not in _STATUS_ITEMS]
    if unknown or not items:
        raise CommandSyntaxError(f"Unknown STATUS item; known: {' '.join(_STATUS_ITEMS)}")
    if "HIGHESTMODSEQ" in items:
        connection.enabled.add(CONDSTORE)
    counted = await connection.wait(connection.store.status(connection.user, name))
    values = " ".join(f"{item} {_STATUS_ITEMS[item](counted)}" for item in items)
    connection.untagged(b"STATUS " + connection.mailbox_name(counted.mailbox.name) + f" ({values})".encode("ascii"))
    return ok("STATUS completed")


def _after_login(run: Run) -> Command:
    return Command(run, AFTER_LOGIN)


COMMANDS: Commands = {
    "CREATE": _after_login(create),
    "DELETE": _after_login(delete),
    "RENAME": _after_login(rename),
    "SUBSCRIBE": _after_login(subscribe),
    "UNSUBSCRIBE": _after_login(unsubscribe),
    "LIST": _after_login(list_mailboxes),
    "LSUB": _after_login(list_subscribed),
    "STATUS": _after_login(status),
}

"""CREATE, DELETE, RENAME, LIST, LSUB, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501, section 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands, Run
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import mailbox_name, parse_mailbox_name
from mailserver_sim.store.values import DELIMITER, INBOX, MailboxStatus

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
}
LONGEST_PATTERN = 1000
_QUOTED_DELIMITER = f'"{DELIMITER}"'.encode("ascii")


def read_mailbox(arguments: Arguments) -> str:
    """Read a mailbox name behind a space."""
    arguments.space()
    return parse_mailbox_name(arguments.astring())


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
    pattern = parse_mailbox_name(arguments.list_mailbox())
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
    names = [mailbox.name for mailbox in mailboxes]
    for mailbox in mailboxes:
        if matches(mailbox.name):
            has_children = any(name.startswith(mailbox.name + DELIMITER) for name in names)
            attributes = [b"\\HasChildren" if has_children else b"\\HasNoChildren"]
            if not mailbox.selectable:
                attributes.append(b"\\Noselect")
            _listed(connection, b"LIST", attributes, mailbox.name)
    return ok("LIST completed")


async def list_subscribed(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List the subscribed names that match a pattern."""
    reference, pattern = _pattern(arguments)
    matches = wildcard(reference + pattern)
    for name in await connection.wait(connection.store.subscriptions(connection.user)):
        if matches(name):
            _listed(connection, b"LSUB", [], name)
    return ok("LSUB completed")


def _listed(connection: ImapConnection, kind: bytes, attributes: list[bytes], name: str) -> None:
    connection.untagged(kind + b" (" + b" ".join(attributes) + b") " + _QUOTED_DELIMITER + b" " + mailbox_name(name))


def wildcard(pattern: str) -> Callable[[str], bool]:
    """Return the test for a pattern: ``*`` is anything, ``%`` anything up to the next delimiter (section 6.3.8)."""
    if len(pattern) > LONGEST_PATTERN:
        raise CommandSyntaxError(f"A pattern has at most {LONGEST_PATTERN} characters")
    return lambda name: _matches(pattern.upper() if name == INBOX else pattern, name)


def _matches(pattern: str, name: str) -> bool:
    """Follow all ways through the pattern at once: a regular expression would take them one after the other."""
    reached = _skip_wildcards(pattern, {0})
    for character in name:
        following = {at for at in reached if at < len(pattern) and _stays(pattern[at], character)}
        following |= {at + 1 for at in reached if at < len(pattern) and pattern[at] == character}
        reached = _skip_wildcards(pattern, following)
    return len(pattern) in reached


def _stays(part: str, character: str) -> bool:
    return part == "*" or (part == "%" and character != DELIMITER)


def _skip_wildcards(pattern: str, reached: set[int]) -> set[int]:
    """Add what is reached when wildcards stand for nothing."""
    for at in range(min(reached, default=len(pattern)), len(pattern)):
        if at in reached and pattern[at] in "*%":
            reached.add(at + 1)
    return reached


async def status(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Count without selecting."""
    name = read_mailbox(arguments)
    arguments.space()
    items = [item.upper() for item in arguments.parenthesized(arguments.atom)]
    arguments.end()
    unknown = [item for item in items if item not in _STATUS_ITEMS]
    if unknown or not items:
        raise CommandSyntaxError(f"Unknown STATUS item; known: {' '.join(_STATUS_ITEMS)}")
    counted = await connection.wait(connection.store.status(connection.user, name))
    values = " ".join(f"{item} {_STATUS_ITEMS[item](counted)}" for item in items)
    connection.untagged(b"STATUS " + mailbox_name(counted.mailbox.name) + f" ({values})".encode("ascii"))
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

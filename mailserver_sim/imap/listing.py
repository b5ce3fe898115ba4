"""LIST and LSUB (RFC 3501, sections 6.3.8 and 6.3.9), LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands
from mailserver_sim.imap.hierarchy import Entry, Hierarchy, parent_names, subscribed_entries
from mailserver_sim.imap.list_request import parse_list
from mailserver_sim.imap.mailboxes import note_condstore, read_mailbox, status_line
from mailserver_sim.imap.patterns import wildcard
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.wire import parse_mailbox_name
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.values import DELIMITER

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

NAMES_AT_A_TIME = 50
"""How many names are matched before the other connections get their turn."""
_QUOTED_DELIMITER = f'"{DELIMITER}"'.encode("ascii")


async def list_mailboxes(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List the mailboxes that match, with what else is asked of them."""
    request = parse_list(arguments)
    if request.asks_for_delimiter:
        connection.untagged(b"LIST (\\Noselect) " + _QUOTED_DELIMITER + b' ""')
        return ok("LIST completed")
    note_condstore(connection, request.status)
    mailboxes = await connection.wait(connection.store.list_mailboxes(connection.user))
    subscribed = await connection.wait(connection.store.subscriptions(connection.user))
    hierarchy = Hierarchy(request, mailboxes, subscribed, connection.settings.special_folders)
    matching = await _matching(connection, request.patterns, hierarchy.candidates)
    for entry in hierarchy.entries(matching):
        connection.untagged(_line(connection, b"LIST", entry))
        if request.status and entry.selectable:
            await _tell_status(connection, entry.name, request.status)
    return ok("LIST completed")


async def _tell_status(connection: ImapConnection, name: str, items: Iterable[str]) -> None:
    """Tell the numbers of a mailbox behind its name; RFC 5819, section 2."""
    try:
        counted = await connection.wait(connection.store.status(connection.user, name))
    except NoSuchMailbox:
        return  # deleted meanwhile: "the server SHOULD NOT return a STATUS response"
    connection.untagged(status_line(connection, counted, items))


async def list_subscribed(connection: ImapConnection, arguments: Arguments) -> Answer:
    """List the subscribed names that match a pattern."""
    reference = read_mailbox(arguments)
    arguments.space()
    pattern = parse_mailbox_name(arguments.list_mailbox(), utf8=arguments.utf8)
    arguments.end()
    subscribed = await connection.wait(connection.store.subscriptions(connection.user))
    candidates = sorted({*subscribed, *parent_names(subscribed)})
    matching = await _matching(connection, [reference + pattern], candidates)
    for entry in subscribed_entries(frozenset(subscribed), matching):
        connection.untagged(_line(connection, b"LSUB", entry))
    return ok("LSUB completed")


async def _matching(connection: ImapConnection, patterns: Iterable[str], names: Iterable[str]) -> set[str]:
    """Return the names that match one of the patterns."""
    tests = [wildcard(pattern) for pattern in patterns]
    matching: set[str] = set()
    for number, name in enumerate(names, 1):
        if any(test(name) for test in tests):
            matching.add(name)
        if number % NAMES_AT_A_TIME == 0:
            await connection.let_others_run()
    return matching


def _line(connection: ImapConnection, kind: bytes, entry: Entry) -> bytes:
    attributes = " ".join(entry.attributes).encode("ascii")
    line = kind + b" (" + attributes + b") " + _QUOTED_DELIMITER + b" " + connection.mailbox_name(entry.name)
    if entry.child_info:
        options = " ".join(f'"{option}"' for option in entry.child_info)
        line += f' ("CHILDINFO" ({options}))'.encode("ascii")
    return line


COMMANDS: Commands = {
    "LIST": Command(list_mailboxes, AFTER_LOGIN),
    "LSUB": Command(list_subscribed, AFTER_LOGIN),
}

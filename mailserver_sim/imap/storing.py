"""STORE (RFC 3501, section 6.4.6), also on the condition that nobody was faster (RFC 7162, section 3.1.3)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import READ_ONLY, Answer, no, ok
from mailserver_sim.imap.chosen import chosen_uids, read_sequence_set
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.messages import selected
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import RECENT, canonical_flag, uid_set
from mailserver_sim.store.values import Flagged, FlagMode, Flags

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_FLAG_MODES: dict[bytes, FlagMode] = {b"+": "add", b"-": "remove", b"": "replace"}
_STORE_ITEM = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)


async def store(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Change the flags of messages and tell the new ones, unless SILENT."""
    numbers = read_sequence_set(arguments)
    arguments.space()
    unchanged_since = _unchanged_since(arguments)
    item = arguments.match(_STORE_ITEM, "FLAGS, +FLAGS or -FLAGS")
    arguments.space()
    flags = storable(_flags(arguments))
    arguments.end()
    view = selected(connection)
    if view.read_only:
        return READ_ONLY
    if unchanged_since is not None:
        connection.enabled.add(CONDSTORE)
    uids = chosen_uids(view, numbers, by_uid=by_uid)
    flagged = await connection.wait(
        connection.store.change_flags(view.mailbox.id, uids, _FLAG_MODES[item[1]], flags, connection, unchanged_since)
    )
    _tell(connection, flagged, silent=item[2] is not None, by_uid=by_uid)
    return _answer(connection, flagged, uids, by_uid=by_uid)


def _unchanged_since(arguments: Arguments) -> int | None:
    """Read the only modifier there is, with the space behind it."""
    if not arguments.skip(b"("):
        return None
    arguments.require(b"UNCHANGEDSINCE ")
    modseq = arguments.mod_sequence()
    arguments.require(b") ")
    return modseq


def _tell(connection: ImapConnection, flagged: Flagged, *, silent: bool, by_uid: bool) -> None:
    """Send what the messages have now.

    With CONDSTORE "an untagged FETCH response MUST be sent, even if the .SILENT suffix is specified, and the response
    MUST include the MODSEQ message data item".
    """
    view = selected(connection)
    for line in view.new_keyword_lines():
        connection.untagged(line)
    for uid, (flags, modseq) in flagged.messages.items():
        items = [] if silent else [b"FLAGS " + view.flags(uid, flags)]
        if by_uid and (items or connection.condstore):
            items.append(b"UID %d" % uid)
        if connection.condstore:
            items.append(b"MODSEQ (%d)" % modseq)
        if items:
            connection.untagged(b"%d FETCH (%b)" % (view.number(uid), b" ".join(items)))


def _answer(connection: ImapConnection, flagged: Flagged, uids: list[int], *, by_uid: bool) -> Answer:
    view = selected(connection)
    gone = not by_uid and len(flagged.messages) + len(flagged.modified) < len(uids)
    if flagged.modified:
        named = flagged.modified if by_uid else tuple(map(view.number, flagged.modified))
        conclude = no if gone else ok
        return conclude("Conditional STORE failed", f"MODIFIED {uid_set(named)}")
    return no("Some messages are gone", "EXPUNGEISSUED") if gone else ok("STORE completed")


def storable(flags: Iterable[str]) -> Flags:
    r"""Return flags in their spelling; nobody can set ``\Recent``, and ``\*`` is no flag."""
    canonical = frozenset(canonical_flag(flag) for flag in flags)
    if RECENT in canonical:
        raise CommandSyntaxError("\\Recent cannot be set")
    return canonical


def _flags(arguments: Arguments) -> list[str]:
    """Read flags with or without parentheses."""
    if arguments.next_is(b"("):
        return arguments.parenthesized(arguments.flag)
    flags = [arguments.flag()]
    while not arguments.at_end():
        arguments.space()
        flags.append(arguments.flag())
    return flags


COMMANDS: Commands = {
    "STORE": Command(functools.partial(store, by_uid=False), ONLY_SELECTED, may_expunge=False),
}
UID_COMMANDS: Commands = {
    "STORE": Command(functools.partial(store, by_uid=True), ONLY_SELECTED),
}

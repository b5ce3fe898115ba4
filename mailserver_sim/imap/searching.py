"""SEARCH and UID SEARCH (RFC 3501, section 6.4.4)."""

from __future__ import annotations

import functools
import sqlite3
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.messages import selected
from mailserver_sim.imap.search import Candidate, matches
from mailserver_sim.imap.search_keys import CHARSETS, BadCharset, SearchKey, parse_search, uses_modseq
from mailserver_sim.imap.search_plan import possible
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import Snapshot
from mailserver_sim.store.messages import read_content, read_header

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection


async def search(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Tell which messages match; the untagged line comes also when there are none."""
    arguments.space()
    try:
        key = parse_search(arguments)
    except BadCharset:
        return no("Unknown charset", f"BADCHARSET ({' '.join(CHARSETS)})")
    view = selected(connection)
    snapshot, mailbox_id = view.snapshot(), view.mailbox.id
    found = await connection.wait(connection.store.read(lambda reading: _evaluate(reading, mailbox_id, key, snapshot)))
    numbers = [uid if by_uid else number for number, uid in found]
    highest = highest_modseq(connection, key, [uid for _, uid in found])
    connection.untagged(" ".join(["SEARCH", *map(str, numbers), *highest]).encode("ascii"))
    return ok("SEARCH completed")


def highest_modseq(connection: ImapConnection, key: SearchKey, uids: list[int]) -> list[str]:
    """Return the highest MODSEQ of those found, for a search that asks for MODSEQ (RFC 7162, section 3.1.5)."""
    if not uses_modseq(key):
        return []
    connection.enabled.add(CONDSTORE)
    view = selected(connection)
    return [f"(MODSEQ {max(view.message(uid).modseq for uid in uids)})"] if uids else []


def _evaluate(
    connection: sqlite3.Connection, mailbox_id: int, key: SearchKey, snapshot: Snapshot
) -> list[tuple[int, int]]:
    """Return number and UID of every match. Runs in the store's reading thread."""
    if not snapshot.uids:
        return []
    largest_number, largest_uid = len(snapshot.uids), snapshot.uids[-1]
    chosen = possible(connection, mailbox_id, key, snapshot)
    found = []
    for uid in snapshot.uids if chosen is None else chosen:
        candidate = Candidate(
            snapshot.number(uid),
            snapshot.messages[uid],
            recent=uid in snapshot.recent,
            read_header=functools.partial(read_header, connection, mailbox_id, uid),
            read_content=functools.partial(read_content, connection, mailbox_id, uid),
        )
        if matches(key, candidate, largest_number=largest_number, largest_uid=largest_uid):
            found.append((candidate.number, uid))
    return found


COMMANDS: Commands = {
    "SEARCH": Command(functools.partial(search, by_uid=False), ONLY_SELECTED, may_expunge=False),
}
UID_COMMANDS: Commands = {
    "SEARCH": Command(functools.partial(search, by_uid=True), ONLY_SELECTED),
}

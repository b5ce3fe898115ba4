"""SEARCH and UID SEARCH (RFC 3501, section 6.4.4; RFC 4731, RFC 5032, RFC 5182).

A message is read only if a key needs it, and a few messages at a time, so that nobody else waits for a long search.
"""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.messages import selected
from mailserver_sim.imap.reading import learn
from mailserver_sim.imap.search import Candidate, Cost, cost, matches, resolved
from mailserver_sim.imap.search_keys import CHARSETS, BadCharset, SearchKey, parse_search, uses_modseq
from mailserver_sim.imap.search_plan import possible
from mailserver_sim.imap.search_result import ReturnOptions, read_return_options, result_line, told
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.messages import read_content, read_header
from mailserver_sim.store.values import Content, MessageInfo

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

MESSAGES_AT_A_TIME = {Cost.NOTHING: 2000, Cost.HEADER: 500, Cost.BODY: 20}
"""How many messages are looked at before others have their turn."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a result is told: as ESEARCH if there are ``options``, with the highest MODSEQ if the keys ask for it."""

    options: ReturnOptions | None
    by_uid: bool
    with_modseq: bool
    name: bytes = b"SEARCH"


async def search(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Tell which messages match; the untagged line comes also when there are none."""
    arguments.space()
    options = read_return_options(arguments)
    view = selected(connection)
    try:
        key = parse_search(arguments)
    except BadCharset:
        return bad_charset(view, options)
    uids = await found_uids(connection, view, key)
    await tell_result(connection, view, uids, Telling(options, by_uid, uses_modseq(key)))
    return ok("SEARCH completed")


def bad_charset(view: SelectedView, options: ReturnOptions | None) -> Answer:
    """Refuse a charset with the list of the known ones."""
    if options is not None and "SAVE" in options:
        view.saved = frozenset()  # RFC 5182, section 2.1: "If the SEARCH command [...] fails with the NO [...]"
    return no("Unknown charset", f"BADCHARSET ({' '.join(CHARSETS)})")


async def tell_result(connection: ImapConnection, view: SelectedView, uids: list[int], telling: Telling) -> None:
    """Send what was found, by UID or by number, and save it if that is asked for."""
    options, by_uid = telling.options, telling.by_uid
    found = uids if by_uid else [view.number(uid) for uid in uids]
    of_these = uids if options is None else told(options, uids)
    # RFC 7162, section 3.1.5: where nothing is found there is no MODSEQ.
    modseq = max((view.message(uid).modseq for uid in of_these), default=None) if telling.with_modseq else None
    if options is None:
        highest = [] if modseq is None else [b"(MODSEQ %d)" % modseq]
        line: bytes | None = b" ".join([telling.name, *(b"%d" % number for number in found), *highest])
    else:
        line = result_line(connection.running_tag, options, found, by_uid=by_uid, modseq=modseq)
        if "SAVE" in options:
            view.saved = frozenset(of_these)
    if line is not None:
        await connection.send_large(b"* " + line + b"\r\n")


async def found_uids(connection: ImapConnection, view: SelectedView, key: SearchKey) -> list[int]:
    """Return the UIDs of the messages that match, in ascending order."""
    if uses_modseq(key):
        connection.enabled.add(CONDSTORE)  # RFC 7162, section 3.1: it is a "CONDSTORE enabling command"
    snapshot, mailbox_id = view.snapshot(), view.mailbox.id
    key = resolved(key, snapshot.uids, view.saved)
    chosen = await connection.wait(connection.store.read(lambda reading: possible(reading, mailbox_id, key, snapshot)))
    uids = await learn(connection, view, snapshot.uids if chosen is None else chosen)
    dearest = cost(key)
    now = dt.datetime.now(dt.UTC)
    found: list[int] = []
    for start in range(0, len(uids) or 1, MESSAGES_AT_A_TIME[dearest]):  # an empty mailbox is a turn of its own
        some = uids[start : start + MESSAGES_AT_A_TIME[dearest]]
        look = functools.partial(_matching, [(view.message(uid), uid in snapshot.recent) for uid in some], key, now)
        if dearest is Cost.NOTHING:
            found += look(_never, _never)
        else:
            found += await connection.wait(connection.store.read(functools.partial(_read, mailbox_id, look)))
        await connection.let_others_run()
    return found


def _never(_uid: int) -> NoReturn:
    raise AssertionError("cost() says that nothing of the message is needed")


def _read(mailbox_id: int, look: Callable[..., list[int]], connection: sqlite3.Connection) -> list[int]:
    """Look at messages in the store's reading thread."""
    return look(
        functools.partial(read_header, connection, mailbox_id), functools.partial(read_content, connection, mailbox_id)
    )


def _matching(
    messages: Iterable[tuple[MessageInfo, bool]],
    key: SearchKey,
    now: dt.datetime,
    header_of: Callable[[int], bytes],
    content_of: Callable[[int], Content | None],
) -> list[int]:
    """Return the UID of every match; of a message it is told whether it is recent."""
    found = []
    for info, recent in messages:
        candidate = Candidate(
            info,
            recent=recent,
            read_header=functools.partial(header_of, info.uid),
            read_content=functools.partial(content_of, info.uid),
        )
        if matches(key, candidate, now):
            found.append(info.uid)
    return found


COMMANDS: Commands = {
    "SEARCH": Command(functools.partial(search, by_uid=False), ONLY_SELECTED, may_expunge=False),
}
UID_COMMANDS: Commands = {
    "SEARCH": Command(functools.partial(search, by_uid=True), ONLY_SELECTED),
}

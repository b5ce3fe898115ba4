"""SORT and THREAD with their UID forms (RFC 5256), and SORT with RETURN (RFC 5267, ESORT)."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.messages import selected
from mailserver_sim.imap.references import references
from mailserver_sim.imap.search import Cost
from mailserver_sim.imap.search_keys import BadCharset, SearchKey, parse_keys, read_charset, uses_modseq
from mailserver_sim.imap.search_result import read_return_options
from mailserver_sim.imap.searching import MESSAGES_AT_A_TIME, Telling, bad_charset, found_uids, tell_result
from mailserver_sim.imap.sort_keys import Sortable, in_order, read_criteria
from mailserver_sim.imap.threads import ordered_subject, thread_list
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.messages import read_header
from mailserver_sim.store.values import MessageInfo

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

ResultT = TypeVar("ResultT")

_ALGORITHMS = {"ORDEREDSUBJECT": ordered_subject, "REFERENCES": references}


async def sort(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Tell the messages that match in the order that is asked for."""
    arguments.space()
    options = read_return_options(arguments)
    criteria = read_criteria(arguments)
    view = selected(connection)
    try:
        key = _charset_and_keys(arguments)
    except BadCharset:
        return bad_charset(view, options)
    uids = await found_uids(connection, view, key)
    needs_header = any(criterion.needs_header for criterion in criteria)
    sortables = await _sortables(connection, view, uids, needs_header=needs_header)
    messages = await connection.wait(_aside(in_order, sortables, criteria))
    uids = [message.info.uid for message in messages]
    await tell_result(connection, view, uids, Telling(options, by_uid, uses_modseq(key), b"SORT"))
    return ok("SORT completed")


async def thread(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Tell the messages that match, those of one conversation together."""
    arguments.space()
    algorithm = _ALGORITHMS.get(arguments.atom().upper())
    if algorithm is None:
        raise CommandSyntaxError(f"Unknown algorithm; known: {' '.join(_ALGORITHMS)}")
    view = selected(connection)
    try:
        key = _charset_and_keys(arguments)
    except BadCharset:
        return bad_charset(view, None)
    uids = await found_uids(connection, view, key)
    threads = await connection.wait(_aside(algorithm, await _sortables(connection, view, uids, needs_header=True)))
    numbers = {uid: uid if by_uid else view.number(uid) for uid in uids}
    await connection.send_large(b"* THREAD" + thread_list(threads, numbers) + b"\r\n")
    return ok("THREAD completed")


def _aside(work: Callable[..., ResultT], *arguments: object) -> asyncio.Future[ResultT]:
    """Do long work in a thread, so that the other connections go on."""
    return asyncio.get_running_loop().run_in_executor(None, functools.partial(work, *arguments))


def _charset_and_keys(arguments: Arguments) -> SearchKey:
    """Read what SORT and THREAD have behind their own arguments; the charset is "not optional" (section 3)."""
    arguments.space()
    charset = read_charset(arguments)
    return parse_keys(arguments, charset)


async def _sortables(
    connection: ImapConnection, view: SelectedView, uids: list[int], *, needs_header: bool
) -> list[Sortable]:
    messages = [view.message(uid) for uid in uids]
    if not needs_header:
        return [Sortable(info, b"") for info in messages]
    at_a_time = MESSAGES_AT_A_TIME[Cost.HEADER]
    found: list[Sortable] = []
    for start in range(0, len(messages), at_a_time):
        read = functools.partial(_read, mailbox_id=view.mailbox.id, messages=messages[start : start + at_a_time])
        found += await connection.wait(connection.store.read(read))
        await connection.let_others_run()
    return found


def _read(connection: sqlite3.Connection, *, mailbox_id: int, messages: list[MessageInfo]) -> list[Sortable]:
    """Read some messages; this runs in the store's reading thread."""
    return [Sortable(info, read_header(connection, mailbox_id, info.uid)) for info in messages]


COMMANDS: Commands = {
    "SORT": Command(functools.partial(sort, by_uid=False), ONLY_SELECTED, may_expunge=False),
    "THREAD": Command(functools.partial(thread, by_uid=False), ONLY_SELECTED, may_expunge=False),
}
UID_COMMANDS: Commands = {
    "SORT": Command(functools.partial(sort, by_uid=True), ONLY_SELECTED),
    "THREAD": Command(functools.partial(thread, by_uid=True), ONLY_SELECTED),
}

"""FETCH and UID FETCH (RFC 3501, section 6.4.5)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.chosen import chosen_uids, read_sequence_set
from mailserver_sim.imap.command import ONLY_SELECTED, Command, Commands
from mailserver_sim.imap.enabling import CONDSTORE
from mailserver_sim.imap.envelope import body_structure, envelope
from mailserver_sim.imap.fetch_items import Body, FetchItem, Simple, parse_changed_since, parse_fetch_items
from mailserver_sim.imap.messages import selected
from mailserver_sim.imap.mime import Entity, parse_message
from mailserver_sim.imap.read_ahead import ReadAhead
from mailserver_sim.imap.reading import learn
from mailserver_sim.imap.sections import Section, cut, section_bytes
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.imap.wire import NIL, date_time, literal
from mailserver_sim.store.values import Content, MessageInfo

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

SEEN = "\\Seen"
SEND_AT_ONCE = 64 * 1024
"""Responses are collected until there are so many bytes of them."""
ROUND = 500
"""After so many responses, however small, the other connections have their turn."""
_WITHOUT_CONTENT = frozenset({"FLAGS", "INTERNALDATE", "RFC822.SIZE", "UID", "MODSEQ"})
MODSEQ = Simple("MODSEQ")
UID = Simple("UID")


async def fetch(connection: ImapConnection, arguments: Arguments, *, by_uid: bool) -> Answer:
    """Send what is asked for of every message that is meant."""
    numbers = read_sequence_set(arguments)
    arguments.space()
    items = parse_fetch_items(arguments)
    changed_since = parse_changed_since(arguments)
    arguments.end()
    if changed_since is not None and MODSEQ not in items:
        items = (*items, MODSEQ)  # RFC 7162, section 3.1.4.1: as if the client had asked for it
    if MODSEQ in items:
        connection.enabled.add(CONDSTORE)
    if by_uid and UID not in items:
        # The UID of the message is part of every response to a UID FETCH: RFC 3501, section 6.4.8, "MUST".
        items = (UID, *items)
    view = selected(connection)
    chosen = chosen_uids(view, numbers, by_uid=by_uid)
    uids = await learn(connection, view, chosen)
    none_gone = len(uids) == len(chosen)
    if changed_since is not None:
        uids = view.known.changed_since(changed_since, uids)
    newly_seen = await _mark_seen(connection, view, uids, items)
    complete = await _send_all(connection, view, uids, items, newly_seen)
    return ok("FETCH completed") if complete and none_gone else no("Some messages are gone", "EXPUNGEISSUED")


def _with_news(items: tuple[FetchItem, ...], *, condstore: bool) -> tuple[FetchItem, ...]:
    """Return the items for a message whose flags this FETCH has changed."""
    news = (Simple("FLAGS"), MODSEQ) if condstore else (Simple("FLAGS"),)
    return (*items, *(item for item in news if item not in items))


async def _mark_seen(
    connection: ImapConnection, view: SelectedView, uids: list[int], items: tuple[FetchItem, ...]
) -> frozenset[int]:
    r"""Set ``\Seen`` where the items do so implicitly, and return the UIDs that did not have it."""
    if view.read_only or all(isinstance(item, Simple) or item.peek for item in items):
        return frozenset()
    unseen = [uid for uid in uids if SEEN not in view.message(uid).flags]
    if not unseen:
        return frozenset()
    store = connection.store
    changed = await connection.wait(store.change_flags(view.mailbox.id, unseen, "add", frozenset({SEEN}), connection))
    return frozenset(changed.messages)


async def _send_all(
    connection: ImapConnection,
    view: SelectedView,
    uids: list[int],
    items: tuple[FetchItem, ...],
    newly_seen: frozenset[int],
) -> bool:
    """Send the responses, many small ones at once; return False when a message is gone."""
    mailbox_id, store = view.mailbox.id, connection.store
    ahead = ReadAhead(view, uids, lambda chosen: connection.wait(store.read_contents(mailbox_id, chosen)))
    needs_content = any(isinstance(item, Body) or item.name not in _WITHOUT_CONTENT for item in items)
    with_news = _with_news(items, condstore=connection.condstore)
    complete = True
    waiting = bytearray()
    for count, uid in enumerate(uids, 1):
        content = await _content(connection, view, uid, ahead) if needs_content else None
        if connection.ending:
            return False
        if needs_content and content is None:
            complete = False
            continue
        waiting += _Response(view, uid, content).line(with_news if uid in newly_seen else items)
        if len(waiting) >= SEND_AT_ONCE or count % ROUND == 0:
            await connection.send_large(bytes(waiting))
            waiting.clear()
            await connection.let_others_run()
    await connection.send_large(bytes(waiting))
    return complete


async def _content(connection: ImapConnection, view: SelectedView, uid: int, ahead: ReadAhead) -> Content | None:
    """Return the message; the last one is kept, because clients fetch large ones in many pieces."""
    key = (view.mailbox.id, uid)
    kept = connection.last_content
    if kept is not None and kept[0] == key and not view.is_gone(uid):
        return kept[1]
    content = await ahead.content(uid)
    connection.last_content = None if content is None else (key, content)
    return content


class _Response:
    """Write the items of one message."""

    def __init__(self, view: SelectedView, uid: int, content: Content | None) -> None:
        self._view = view
        self._uid = uid
        self._content = content

    def line(self, items: tuple[FetchItem, ...]) -> bytes:
        written = b" ".join([self.item(item) for item in items])
        return b"* %d FETCH (%b)\r\n" % (self._view.number(self._uid), written)

    def item(self, item: FetchItem) -> bytes:
        if isinstance(item, Body):
            return self._body(item)
        return item.name.encode("ascii") + b" " + self._simple(item.name)

    def _simple(self, name: str) -> bytes:
        match name:
            case "FLAGS":
                return self._view.flags(self._uid, self._info.flags)
            case "INTERNALDATE":
                return date_time(self._info.internal_date)
            case "RFC822.SIZE":
                return b"%d" % self._info.size
            case "UID":
                return b"%d" % self._uid
            case "MODSEQ":
                return b"(%d)" % self._info.modseq
            case "ENVELOPE":
                return envelope(self._stored.header)
            case _:
                return body_structure(self._entity, extended=name == "BODYSTRUCTURE")

    def _body(self, item: Body) -> bytes:
        data = self._section(item.section)
        if data is None:
            return item.label + b" " + NIL
        if item.partial is not None:
            data = cut(data, *item.partial)
        return item.label + b" " + (literal(data) if data else b'""')

    def _section(self, section: Section) -> bytes | None:
        # The whole message, its header and its text need no look at its structure.
        if not section.numbers and section.text in ("", "HEADER", "TEXT"):
            stored = self._stored
            return {"": stored.raw, "HEADER": stored.header, "TEXT": stored.body}[section.text]
        return section_bytes(self._entity, section)

    @functools.cached_property
    def _entity(self) -> Entity:
        return parse_message(self._stored.header, self._stored.body)

    @property
    def _info(self) -> MessageInfo:
        return self._view.message(self._uid)

    @property
    def _stored(self) -> Content:
        assert self._content is not None  # it was read because an item needs it
        return self._content


COMMANDS: Commands = {
    "FETCH": Command(functools.partial(fetch, by_uid=False), ONLY_SELECTED, may_expunge=False),
}
UID_COMMANDS: Commands = {
    "FETCH": Command(functools.partial(fetch, by_uid=True), ONLY_SELECTED),
}

"""THREAD=REFERENCES (RFC 5256, section 3): who answers whom, by the message IDs that messages name.

Nothing here calls itself: a conversation may be as deep as there are messages.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator

from mailserver_sim.imap.sort_keys import Sortable
from mailserver_sim.imap.threads import Thread

DEEPEST = 200
"""How far up a loop is looked for; a conversation that is deeper is cut there."""


class _Node:
    """A message, or with None one that others only name (a "dummy")."""

    def __init__(self, message: Sortable | None = None) -> None:
        self.message = message
        self.parent: _Node | None = None
        self.children: dict[_Node, None] = {}

    def adopt(self, child: _Node) -> None:
        child.leave()
        child.parent = self
        self.children[child] = None

    def leave(self) -> None:
        if self.parent is not None:
            del self.parent.children[self]
            self.parent = None

    def would_loop(self, child: _Node) -> bool:
        """Tell whether ``child`` is this node or above it."""
        node: _Node | None = self
        for _ in range(DEEPEST):
            if node is child:
                return True
            if node is None:
                return False
            node = node.parent
        return True

    @property
    def first(self) -> Sortable:
        """Return the message, or for one that is not there the first answer."""
        node = self
        while node.message is None:
            node = next(iter(node.children))
        return node.message

    @property
    def sent(self) -> tuple[dt.datetime, int]:
        first = self.first
        return first.sent, first.info.uid


def references(messages: Iterable[Sortable]) -> list[Thread]:
    """Thread by References and In-Reply-To, then by base subject; the steps are those of the RFC."""
    nodes = _linked(messages)  # step 1
    roots = [node for node in nodes if node.parent is None]  # step 2
    roots = _pruned(roots)  # step 3
    _sort_children(roots)
    roots.sort(key=lambda node: node.sent)  # step 4
    roots = _gathered_by_subject(roots)  # step 5
    _sort_children(roots)
    roots.sort(key=lambda node: node.sent)  # step 6
    return _threads(roots)


def _linked(messages: Iterable[Sortable]) -> list[_Node]:
    nodes: list[_Node] = []
    by_id: dict[str, _Node] = {}

    def named(message_id: str) -> _Node:
        if message_id not in by_id:
            by_id[message_id] = _Node()
            nodes.append(by_id[message_id])
        return by_id[message_id]

    for message in messages:
        node = named(message.message_id) if message.message_id else _Node(message)
        if node.message is not None:
            # "If a message does not contain a Message-ID header line, or the Message-ID is not valid, or the ID was
            # seen before, then assign a unique Message ID to this message."
            node = _Node(message)
            nodes.append(node)
        node.message = message
        _link(node, [named(each) for each in message.references])
    return nodes


def _link(node: _Node, chain: list[_Node]) -> None:
    """Make each of a chain the parent of the next, where that one has none, and the last the parent of ``node``."""
    for parent, child in itertools.pairwise(chain):
        if child.parent is None and not parent.would_loop(child):
            parent.adopt(child)
    node.leave()
    if chain and not chain[-1].would_loop(node):
        chain[-1].adopt(node)


def _downwards(roots: Iterable[_Node]) -> Iterator[_Node]:
    """Yield all nodes, each before those below it."""
    waiting = [*roots]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def _pruned(roots: list[_Node]) -> list[_Node]:
    """Take out those that are not there: their answers move up, but several never to the root."""
    for node in reversed([*_downwards(roots)]):
        for child in [*node.children]:
            if child.message is None:
                child.leave()
                for grandchild in [*child.children]:
                    node.adopt(grandchild)
    kept: list[_Node] = []
    for root in roots:
        if root.message is not None or len(root.children) > 1:
            kept.append(root)
        else:
            for child in [*root.children]:
                child.leave()
                kept.append(child)
    return kept


def _sort_children(roots: Iterable[_Node]) -> None:
    for node in reversed([*_downwards(roots)]):
        if len(node.children) > 1:
            node.children = dict.fromkeys(sorted(node.children, key=lambda child: child.sent))


def _gathered_by_subject(roots: list[_Node]) -> list[_Node]:
    table: dict[str, _Node] = {}
    for root in roots:
        subject = root.first.subject
        known = table.setdefault(subject, root)
        if known.message is not None and (root.message is None or (_answers(known) and not _answers(root))):
            table[subject] = root
    replaced: dict[_Node, _Node] = {}
    merged: set[_Node] = set()
    for root in roots:
        subject = root.first.subject
        known = table[subject]
        if not subject or known is root:
            continue
        merged.add(root)
        if known.message is None and root.message is None:
            for child in [*root.children]:
                known.adopt(child)
        elif known.message is None or (_answers(root) and not _answers(known)):
            known.adopt(root)
        else:
            table[subject] = replaced[known] = _Node()
            table[subject].adopt(known)
            table[subject].adopt(root)
    return [replaced.get(root, root) for root in roots if root not in merged]


def _answers(node: _Node) -> bool:
    return node.first.is_answer


def _threads(roots: list[_Node]) -> list[Thread]:
    made: dict[_Node, Thread] = {}
    for node in reversed([*_downwards(roots)]):
        uid = None if node.message is None else node.message.info.uid
        made[node] = Thread(uid, [made[child] for child in node.children])
    return [made[root] for root in roots]

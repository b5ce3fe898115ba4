"""The messages of a mailbox in some thirty bytes each: what a session keeps of all of them, though it asks for few.

Every column of the rows is an array; sets of flags are kept once however many messages have them. A ``MessageInfo`` is
made when it is asked for. What changes later, or arrives, is beside the arrays.
"""

from __future__ import annotations

import heapq
import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import Any, TypeAlias

from mailserver_sim.store.values import Flags, MessageInfo

UID_ARRAY = "I"
"""The type of an array of UIDs: "a 32-bit value" (RFC 3501, section 2.3.1.1)."""
_INTEGERS = "q"
_LINE_END = "\n"
_MODSEQ = 3
"""Which of the integers of a row is its MODSEQ."""

Row: TypeAlias = tuple[Any, ...]
"""The UID, the flags as text, and integers: date, zone, size and MODSEQ."""


def joined(columns: str) -> str:
    """Return the expressions that make one text of each column: rows as Python objects cost more than their reading."""
    uid, flags, *integers = columns.split(", ")
    numbers = [f"group_concat({column})" for column in integers]
    return ", ".join([f"group_concat({uid})", f"group_concat({flags}, char(10))", *numbers])


class MessageTable(MutableMapping[int, MessageInfo]):
    """Messages by UID; ``build`` makes one from its row."""

    def __init__(self, build: Callable[[Row], MessageInfo]) -> None:
        """Begin empty; ``from_columns`` and ``of`` fill it."""
        self._build = build
        self._uids = array(UID_ARRAY)
        self._flags = array(_INTEGERS)
        """For each message the place of its flags in ``_texts``."""
        self._integers: list[array[int]] = []
        self._texts: list[str] = []
        self._changed: dict[int, MessageInfo] = {}
        self._removed: set[int] = set()

    @classmethod
    def from_columns(cls, columns: Sequence[str | None], build: Callable[[Row], MessageInfo]) -> MessageTable:
        """Take the columns of a row as ``joined`` has them, in the order of UIDs; None for no rows."""
        table = cls(build)
        uids, texts, *integers = columns
        if uids is not None and texts is not None:
            numbers: dict[str, int] = {}
            table._uids = array(UID_ARRAY, _numbers(uids))
            table._flags = array(_INTEGERS, [numbers.setdefault(text, len(numbers)) for text in texts.split(_LINE_END)])
            table._integers = [array(_INTEGERS, _numbers(column or "")) for column in integers]
            table._texts = list(numbers)
        return table

    @classmethod
    def of(cls, messages: Iterable[MessageInfo]) -> MessageTable:
        """Take messages that are there already."""
        table = cls(_nothing_packed)
        table._changed = {message.uid: message for message in messages}
        return table

    def __getitem__(self, uid: int) -> MessageInfo:
        changed = self._changed.get(uid)
        return changed if changed is not None else self._read(uid)

    def __setitem__(self, uid: int, message: MessageInfo) -> None:
        self._changed[uid] = message

    def __delitem__(self, uid: int) -> None:
        if uid not in self:
            raise KeyError(uid)
        self._changed.pop(uid, None)
        self._removed.add(uid)

    def __contains__(self, uid: object) -> bool:
        return uid in self._changed or (isinstance(uid, int) and self._position(uid) is not None)

    def __iter__(self) -> Iterator[int]:
        """Go through the UIDs in ascending order."""
        changed, removed = self._changed, self._removed
        kept = (uid for uid in self._uids if uid not in changed and uid not in removed)
        return heapq.merge(kept, sorted(changed))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def uids(self) -> array[int]:
        """Return the UIDs in ascending order."""
        return array(UID_ARRAY, self) if self._changed or self._removed else self._uids[:]

    def snapshot(self) -> MessageTable:
        """Return what is here now; what is changed here later does not change it."""
        copied = MessageTable(self._build)
        copied._uids, copied._flags, copied._integers = self._uids, self._flags, self._integers
        copied._texts = self._texts
        copied._changed = dict(self._changed)
        copied._removed = set(self._removed)
        return copied

    def flag_sets(self) -> Iterator[Flags]:
        """Return every set of flags in use, and perhaps some that were."""
        yield from (frozenset(text.split()) for text in self._texts)
        yield from (message.flags for message in self._changed.values())

    def first_without(self, flag: str) -> int | None:
        """Return the lowest UID of a message without ``flag``; None if all have it."""
        wanted = {number for number, text in enumerate(self._texts) if flag not in text.split()}
        without = (
            uid
            for uid, number in zip(self._uids, self._flags, strict=True)
            if number in wanted and uid not in self._changed and uid not in self._removed
        )
        first = [uid for uid in (next(without, None),) if uid is not None]
        return min([*first, *(uid for uid, each in self._changed.items() if flag not in each.flags)], default=None)

    def changed_since(self, modseq: int) -> set[int]:
        """Return the UIDs of the messages with a higher MODSEQ (RFC 7162), without making a message of any."""
        modseqs = self._integers[_MODSEQ] if self._integers else ()
        packed = {uid for uid, each in zip(self._uids, modseqs, strict=True) if each > modseq}
        packed -= self._changed.keys() | self._removed
        return packed | {uid for uid, message in self._changed.items() if message.modseq > modseq}

    def _position(self, uid: int) -> int | None:
        at = bisect_left(self._uids, uid)
        found = at < len(self._uids) and self._uids[at] == uid and uid not in self._removed
        return at if found else None

    def _read(self, uid: int) -> MessageInfo:
        at = self._position(uid)
        if at is None:
            raise KeyError(uid)
        return self._build((uid, self._texts[self._flags[at]], *[column[at] for column in self._integers]))


def _numbers(column: str) -> list[int]:
    found: list[int] = json.loads(f"[{column}]")  # nothing reads many numbers faster
    return found


def _nothing_packed(row: Row) -> MessageInfo:
    raise KeyError(row[0])

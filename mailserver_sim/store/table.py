"""The messages of a mailbox in some thirty bytes each: what a session keeps of all of them, though it asks for few.

Every column of the rows is an array; sets of flags are kept once however many messages have them. A ``MessageInfo`` is
made when it is asked for. What changes later is for others to note.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from mailserver_sim.store.uids import UID_ARRAY
from mailserver_sim.store.values import MessageInfo

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


class MessageTable(Mapping[int, MessageInfo]):
    """Messages by UID; ``build`` makes one from its row."""

    def __init__(self, build: Callable[[Row], MessageInfo]) -> None:
        """Begin empty; ``from_columns`` fills it."""
        self._build = build
        self._uids = array(UID_ARRAY)
        self._flags = array(_INTEGERS)
        """For each message the place of its flags in ``_texts``."""
        self._integers: list[array[int]] = []
        self._texts: list[str] = []

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

    def __getitem__(self, uid: int) -> MessageInfo:
        at = self._position(uid)
        if at is None:
            raise KeyError(uid)
        return self._build((uid, self._texts[self._flags[at]], *[column[at] for column in self._integers]))

    def __contains__(self, uid: object) -> bool:
        return isinstance(uid, int) and self._position(uid) is not None

    def __iter__(self) -> Iterator[int]:
        """Go through the UIDs in ascending order."""
        return iter(self._uids)

    def __len__(self) -> int:
        return len(self._uids)

    def uids(self) -> array[int]:
        """Return the UIDs in ascending order."""
        return self._uids[:]

    def changed_since(self, modseq: int) -> set[int]:
        """Return the UIDs of the messages with a higher MODSEQ (RFC 7162), without making a message of any."""
        modseqs = self._integers[_MODSEQ] if self._integers else ()
        return {uid for uid, each in zip(self._uids, modseqs, strict=True) if each > modseq}

    def _position(self, uid: int) -> int | None:
        at = bisect_left(self._uids, uid)
        return at if at < len(self._uids) and self._uids[at] == uid else None


def _numbers(column: str) -> list[int]:
    found: list[int] = json.loads(f"[{column}]")  # nothing reads many numbers faster
    return found

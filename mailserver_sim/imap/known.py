"""What a session knows of messages: nothing at first, then what it has asked the store for, kept up to date.

A change may arrive before what it changes has been read; it waits here, and the higher MODSEQ decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from mailserver_sim.store.table import MessageTable
from mailserver_sim.store.values import Flags, MessageInfo


class KnownMessages:
    """Messages by UID; a few that were read by themselves, or all of them packed."""

    def __init__(self) -> None:
        self._packed: MessageTable | None = None
        self._single: dict[int, MessageInfo] = {}
        """Messages read by themselves, arrived, or changed since they were packed: newer than ``_packed``."""
        self._waiting: dict[int, tuple[Flags, int]] = {}
        """Flags and MODSEQ of messages that have changed and were never read."""

    def get(self, uid: int) -> MessageInfo | None:
        """Return a message; None if it was never read, or had been removed before it was."""
        found = self._single.get(uid)
        return found if found is not None or self._packed is None else self._packed.get(uid)

    def missing(self, uids: Iterable[int]) -> list[int]:
        """Return those of ``uids`` that have to be read."""
        if self._packed is not None:
            return []
        return [uid for uid in uids if uid not in self._single]

    def take(self, messages: Iterable[MessageInfo]) -> None:
        """Take messages as they were read, or have arrived."""
        for read in messages:
            self._single[read.uid] = self._newest(read)

    def take_all(self, table: MessageTable) -> None:
        """Take all messages as they were read."""
        self._packed = table
        for uid in list(self._waiting):
            read = table.get(uid)
            if read is not None:
                self.take([read])

    def change(self, uid: int, flags: Flags, modseq: int) -> bool:
        """Take note of new flags; returns False if they are no news, because they were read with the message."""
        old = self.get(uid)
        if old is None:
            waiting = self._waiting.get(uid)
            if waiting is None or waiting[1] <= modseq:
                self._waiting[uid] = (flags, modseq)
            return True
        if old.modseq > modseq:
            return False
        self._single[uid] = dataclasses.replace(old, flags=flags, modseq=modseq)
        return old.flags != flags

    def forget(self, uids: Iterable[int]) -> None:
        """Forget messages that are no longer counted."""
        for uid in uids:
            self._single.pop(uid, None)
            self._waiting.pop(uid, None)

    def changed_since(self, modseq: int, uids: Sequence[int]) -> list[int]:
        """Return those of ``uids`` with a higher MODSEQ (RFC 7162); all of them have been read."""
        packed = self._packed.changed_since(modseq) if self._packed is not None else set[int]()
        single = self._single

        def changed(uid: int) -> bool:
            return single[uid].modseq > modseq if uid in single else uid in packed

        return [uid for uid in uids if changed(uid)]

    def _newest(self, read: MessageInfo) -> MessageInfo:
        flags, modseq = self._waiting.pop(read.uid, (read.flags, read.modseq))
        newest = read if modseq <= read.modseq else dataclasses.replace(read, flags=flags, modseq=modseq)
        before = self._single.get(read.uid)
        return newest if before is None or before.modseq <= newest.modseq else before

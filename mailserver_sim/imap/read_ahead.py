"""Read messages for a FETCH some at a time: a turn of the store's thread for each would cost more than the reading."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.values import Content

MOST_MESSAGES = 64
MOST_BYTES = 1024 * 1024
"""No further message is read ahead once there are so many bytes; a larger one comes alone."""


class ReadAhead:
    """The contents of ``uids``, which are asked for in their order."""

    def __init__(
        self,
        view: SelectedView,
        uids: Sequence[int],
        read: Callable[[Sequence[int]], Awaitable[dict[int, Content]]],
    ) -> None:
        self._view = view
        self._uids = uids
        self._read = read
        self._next = 0
        self._contents: dict[int, Content] = {}
        self._covered: frozenset[int] = frozenset()

    async def content(self, uid: int) -> Content | None:
        """Return the bytes of a message; None when it is gone."""
        if uid not in self._covered:
            chosen = self._choose(uid)
            self._contents = await self._read(chosen)
            self._covered = frozenset(chosen)
        return self._contents.pop(uid, None)

    def _choose(self, first: int) -> list[int]:
        """Return ``first`` and as many behind it as are small enough together."""
        while self._uids[self._next] != first:
            self._next += 1
        chosen: list[int] = []
        total = 0
        for uid in self._uids[self._next : self._next + MOST_MESSAGES]:
            total += self._view.message(uid).size
            if chosen and total > MOST_BYTES:
                break
            chosen.append(uid)
        self._next += len(chosen)
        return chosen

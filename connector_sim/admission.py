"""How many connections may be open at a time: a limit, and the leases of those that are.

Pure. A lease is taken before a connection is opened and given back once it has ended, however it ended; giving it back
twice does no harm. Connections are counted by key (a client, say), and the limit is one for each key.
"""

from __future__ import annotations

import collections
from collections.abc import Hashable


class Lease:
    """The place of one connection."""

    __slots__ = ("_admission", "_key")

    def __init__(self, admission: Admission, key: Hashable) -> None:
        self._admission: Admission | None = admission
        self._key = key

    def release(self) -> None:
        """Give the place back; a second time does nothing."""
        admission, self._admission = self._admission, None
        if admission:
            admission.leave(self._key)


class Admission:
    """Count the connections of each key; ``most`` of them may be open."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: collections.Counter[Hashable] = collections.Counter()

    def admit(self, key: Hashable = None) -> Lease | None:
        """Return a place for one more connection of this key, or None when all are taken."""
        if self._open[key] >= self.most:
            return None
        self._open[key] += 1
        return Lease(self, key)

    def leave(self, key: Hashable) -> None:
        """Count a connection no longer; called by its lease."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def open(self, key: Hashable = None) -> int:
        """Return how many connections of this key are open."""
        return self._open.get(key, 0)

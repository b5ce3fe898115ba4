"""The UIDs of a mailbox as runs of neighbours: what a session counts by, in little memory however many messages.

A mailbox gives its UIDs one after another, so it is known by the next one to give and by the gaps that removed messages
have left. A message sequence number is a place in these runs (RFC 3501, section 2.3.1.2).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import TypeAlias, overload

UID_ARRAY = "I"
"""The type of an array of UIDs: "a 32-bit value" (RFC 3501, section 2.3.1.1)."""

Run: TypeAlias = tuple[int, int]
"""Neighbouring UIDs: the first and the last of them."""


def runs_of(uids: Iterable[int]) -> Iterator[Run]:
    """Join neighbours; ``uids`` ascend."""
    first = last = -1
    for uid in uids:
        if uid != last + 1:
            if first >= 0:
                yield first, last
            first = uid
        last = uid
    if first >= 0:
        yield first, last


class UidRuns(Sequence[int]):
    """UIDs in ascending order. It never changes: what adds or removes returns another one."""

    __slots__ = ("_before", "_firsts", "_lasts")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        """Take runs in ascending order, with a gap between each and the next."""
        pairs = tuple(runs)
        self._firsts = array(UID_ARRAY, [first for first, _ in pairs])
        self._lasts = array(UID_ARRAY, [last for _, last in pairs])
        self._before = array("q", accumulate((last - first + 1 for first, last in pairs), initial=0))
        """For each run how many UIDs there are before it; at the end how many there are."""

    @classmethod
    def between_gaps(cls, uid_next: int, gaps: Iterable[Run]) -> UidRuns:
        """Take all UIDs below ``uid_next`` that are in none of the ``gaps``, which ascend."""
        edges = list(chain.from_iterable((first - 1, last + 1) for first, last in gaps))
        ends = [1, *edges, uid_next - 1]
        return cls((first, last) for first, last in zip(ends[::2], ends[1::2], strict=True) if first <= last)

    def __len__(self) -> int:
        return self._before[-1]

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        """Return the UID at a place, counted from 0 as in any sequence, or a list of them."""
        if isinstance(place, slice):
            return self._slice(range(len(self))[place])
        place = range(len(self))[place]
        run = bisect_right(self._before, place) - 1
        return self._firsts[run] + place - self._before[run]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(range(first, last + 1) for first, last in self.runs())

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int):
            return False
        run = self._run_at(uid)
        return run >= 0 and uid <= self._lasts[run]

    def runs(self) -> Iterator[Run]:
        """Return the runs in ascending order."""
        return zip(self._firsts, self._lasts, strict=True)

    def number(self, uid: int) -> int:
        """Return the message sequence number of a UID that is here."""
        run = bisect_right(self._firsts, uid) - 1
        return self._before[run] + uid - self._firsts[run] + 1

    def since(self, lowest: int) -> UidRuns:
        """Return those from ``lowest`` on."""
        return UidRuns((max(first, lowest), last) for first, last in self.runs() if last >= lowest)

    def with_added(self, uids: Iterable[int]) -> UidRuns:
        """Return these and ``uids``, which ascend and are higher than all of these."""
        return UidRuns(_joined([*self.runs(), *runs_of(uids)]))

    def without(self, uids: Iterable[int]) -> UidRuns:
        """Return these but for ``uids``."""
        return UidRuns(_cut(self.runs(), list(runs_of(sorted(uids)))))

    def _slice(self, places: range) -> list[int]:
        if places.step != 1 or not places:
            return [self[place] for place in places]
        first, last = self[places[0]], self[places[-1]]
        found: list[int] = []
        for run in range(self._run_at(first), self._run_at(last) + 1):
            found += range(max(self._firsts[run], first), min(self._lasts[run], last) + 1)
        return found

    def _run_at(self, uid: int) -> int:
        """Return which run a UID is in, if it is in any: the last one that does not begin behind it; -1 for none."""
        return bisect_right(self._firsts, uid) - 1 if uid >= 0 else -1


def _joined(runs: Iterable[Run]) -> list[Run]:
    joined: list[Run] = []
    for first, last in runs:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _cut(runs: Iterable[Run], holes: Sequence[Run]) -> Iterator[Run]:
    """Yield what is left of ``runs`` beside ``holes``; both ascend, so each is looked at once."""
    at = 0
    for run_first, last in runs:
        first = run_first
        while at < len(holes) and holes[at][1] < first:
            at += 1
        within = at
        while within < len(holes) and holes[within][0] <= last:
            if first < holes[within][0]:
                yield first, holes[within][0] - 1
            first = holes[within][1] + 1
            within += 1
        at = max(at, within - 1)
        if first <= last:
            yield first, last

"""Sequence sets: ``2,4:7,9,12:*`` (RFC 3501, section 9), never enumerated further than the messages there are.

``$`` stands for what the last SEARCH has saved (RFC 5182).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from mailserver_sim.imap.tokens import CommandSyntaxError

HIGHEST_NUMBER = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Ranges:
    """Numbers as ranges with both ends included, in ascending order, with a gap between each and the next."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, number: int) -> bool:
        before = bisect_right(self.ranges, (number, HIGHEST_NUMBER))
        return before > 0 and number <= self.ranges[before - 1][1]

    def among(self, numbers: Sequence[int]) -> list[int]:
        """Return those of the ascending ``numbers`` that are in a range, in ascending order."""
        chosen: list[int] = []
        for low, high in self.ranges:
            chosen += numbers[bisect_left(numbers, low) : bisect_right(numbers, high)]
        return chosen


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges with both ends included; None is ``*``, "the largest number in use"."""

    ranges: tuple[tuple[int | None, int | None], ...]

    def among(self, numbers: Sequence[int]) -> list[int]:
        """Return those of the ascending ``numbers`` that are in the set, in ascending order."""
        return self.up_to(numbers[-1]).among(numbers) if numbers else []

    def up_to(self, largest: int) -> Ranges:
        """Return the set where ``largest`` is the largest number in use."""
        ranges: list[tuple[int, int]] = []
        for low, high in sorted(self._resolved(largest)):
            if ranges and low <= ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], max(high, ranges[-1][1]))
            else:
                ranges.append((low, high))
        return Ranges(tuple(ranges))

    def exceeds(self, largest: int) -> bool:
        """Tell whether a number beyond ``largest`` is named, which is an error for message sequence numbers."""
        return any(high > largest or low < 1 for low, high in self._resolved(largest))

    def _resolved(self, largest: int) -> list[tuple[int, int]]:
        ends = [(largest if a is None else a, largest if b is None else b) for a, b in self.ranges]
        # "The order of the two values in a range does not matter": 4:2 is 2:4.
        return [(min(pair), max(pair)) for pair in ends]


SAVED = SequenceSet(())
"""The set ``$``; it is empty by itself, whoever knows what was saved has to look for it."""


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Return the set written as ``text``. Raises CommandSyntaxError."""
    if text == b"$":
        return SAVED
    return SequenceSet(tuple(_parse_range(each) for each in text.split(b",")))


def _parse_range(text: bytes) -> tuple[int | None, int | None]:
    first, colon, last = text.partition(b":")
    start = _parse_number(first)
    return (start, _parse_number(last)) if colon else (start, start)


def _parse_number(text: bytes) -> int | None:
    if text == b"*":
        return None
    # seq-number = nz-number / "*", and nz-number = digit-nz *DIGIT: no zero comes first
    if not text.isdigit() or text.startswith(b"0") or not int(text[:11]) <= HIGHEST_NUMBER:
        raise CommandSyntaxError("Invalid sequence set")
    return int(text)

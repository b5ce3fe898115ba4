"""The patterns of LIST and LSUB (RFC 3501, section 6.3.8), matched in a time that no client can stretch.

``*`` is anything, ``%`` anything up to the next delimiter. A regular expression would try the ways through a pattern
one after the other; here no way is gone twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailserver_sim.imap.tokens import CommandSyntaxError
from mailserver_sim.store.values import DELIMITER, INBOX

LONGEST_PATTERN = 1000
_RUN_OF_WILDCARDS = re.compile(r"[*%]{2,}")


def wildcard(pattern: str) -> Callable[[str], bool]:
    """Return the test for a pattern. Raises CommandSyntaxError for a very long one.

    "INBOX is case-insensitive" (RFC 3501, section 5.1), also as the parent of other names.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise CommandSyntaxError(f"A pattern has at most {LONGEST_PATTERN} characters")
    matches, matches_inbox = _matcher(pattern), _matcher(pattern.upper())
    begins_so = pattern[: len(INBOX)].upper() == INBOX
    matches_below = _matcher(INBOX + pattern[len(INBOX) :]) if begins_so else matches

    def test(name: str) -> bool:
        if name == INBOX:
            return matches_inbox(name)
        return matches_below(name) if name.startswith(INBOX + DELIMITER) else matches(name)

    return test


def _matcher(pattern: str) -> Callable[[str], bool]:
    # Wildcards beside each other mean what the strongest of them means alone.
    pattern = _RUN_OF_WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
    if "%" not in pattern:
        pieces = pattern.split("*")
        return lambda name: _has_pieces(pieces, name)
    if "*" not in pattern:
        levels = [level.split("%") for level in pattern.split(DELIMITER)]
        return lambda name: _has_levels(levels, name)
    return _StateSet(pattern).matches


def _has_levels(levels: list[list[str]], name: str) -> bool:
    parts = name.split(DELIMITER)
    return len(parts) == len(levels) and all(map(_has_pieces, levels, parts))


def _has_pieces(pieces: list[str], name: str) -> bool:
    """Tell whether ``name`` begins and ends with the outer pieces and has the others in order between them."""
    first, *between = pieces
    if not between:
        return name == first
    last = between.pop()
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for piece in between:
        found = name.find(piece, at, end)  # the earliest place leaves the most room for what follows
        if found < 0:
            return False
        at = found + len(piece)
    return True


class _StateSet:
    """Follow all ways through a pattern with both wildcards at once: bit ``n`` is set when ``n`` parts are behind."""

    def __init__(self, pattern: str) -> None:
        self._end = 1 << len(pattern)
        self._at: dict[str, int] = {}
        for number, part in enumerate(pattern):
            self._at[part] = self._at.get(part, 0) | 1 << number
        self._star, self._percent = self._at.pop("*"), self._at.pop("%")
        self._wildcards = self._star | self._percent

    def matches(self, name: str) -> bool:
        reached = self._skip(1)
        for character in name:
            stays = self._star if character == DELIMITER else self._wildcards
            reached = self._skip((reached & stays) | (reached & self._at.get(character, 0)) << 1)
            if not reached:
                return False
        return bool(reached & self._end)

    def _skip(self, reached: int) -> int:
        """Add what is reached when wildcards stand for nothing; no two of them are beside each other."""
        return reached | (reached & self._wildcards) << 1

"""How a search tells its result: SEARCH, or ESEARCH with what RETURN asks for (RFC 4731; RFC 5182 for SAVE)."""

from __future__ import annotations

from collections.abc import Sequence

from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import string, uid_set

_OPTIONS = frozenset({"MIN", "MAX", "ALL", "COUNT", "SAVE"})

ReturnOptions = frozenset[str]


def read_return_options(arguments: Arguments) -> ReturnOptions | None:
    """Read ``RETURN (...)`` and the space behind it; None without it. Raises CommandSyntaxError."""
    if not arguments.skip(b"RETURN "):
        return None
    options = frozenset(option.upper() for option in arguments.parenthesized(arguments.atom))
    if options - _OPTIONS:
        raise CommandSyntaxError(f"Unknown result option; known: {' '.join(sorted(_OPTIONS))}")
    arguments.space()
    # RFC 4731, section 3.1: "The client can also specify RETURN () [...] which is the same as RETURN (ALL)"
    return options or frozenset({"ALL"})


def result_line(
    tag: bytes, options: ReturnOptions, found: Sequence[int], *, by_uid: bool, modseq: int | None
) -> bytes | None:
    """Write the untagged ESEARCH; None when only SAVE is asked for (RFC 5182, section 2.1).

    ``modseq`` is the highest one of a search by MODSEQ (RFC 4731, section 3.2).
    """
    if options == {"SAVE"}:
        return None
    line = b"ESEARCH (TAG " + string(tag) + b")" + (b" UID" if by_uid else b"")
    # RFC 4731, section 3.1: without a match MIN, MAX and ALL are left out, and COUNT is 0.
    if found and "MIN" in options:
        line += b" MIN %d" % found[0]
    if found and "MAX" in options:
        line += b" MAX %d" % found[-1]
    if found and "ALL" in options:
        line += b" ALL " + uid_set(found).encode("ascii")
    if "COUNT" in options:
        line += b" COUNT %d" % len(found)
    if modseq is not None:
        line += b" MODSEQ %d" % modseq
    return line


def told(options: ReturnOptions, found: Sequence[int]) -> frozenset[int]:
    """Return which of the found UIDs SAVE keeps (RFC 5182, section 2.1 and its table).

    They are also those whose highest MODSEQ is told: of MIN alone that of the first one (RFC 4731, section 3.2).
    """
    if options & {"ALL", "COUNT"} or not options & {"MIN", "MAX"}:
        return frozenset(found)
    ends = [found[0]] if found and "MIN" in options else []
    return frozenset(ends + (list(found[-1:]) if "MAX" in options else []))

"""The value and the parameters of a MIME field (RFC 2045, section 5.1; RFC 2231), as BODYSTRUCTURE tells them.

What RFC 2231 encodes stays encoded, under its name with the asterisk: the client knows how to read it, and a string of
IMAP has no charset. Only the continuations are put together, which is what Dovecot does too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

LONGEST_FIELD = 8192
"""How much of a field is read."""

# A value without quotes ends at a semicolon only: senders forget the quotes around a name with a space in it.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"?|\((?:[^()\\]|\\.)*\)?', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# "name*0", "name*1*": RFC 2231, section 3 and 4.1
_CONTINUED = re.compile(r"(.+)\*([0-9]{1,3})(\*?)\Z")

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FieldValue:
    """``attachment; filename=a.edi``: the first word, and the parameters with their names in lower case."""

    value: str
    parameters: Pairs


def parse_field(text: str) -> FieldValue:
    """Read the unfolded value of a Content-Type or Content-Disposition."""
    text = _QUOTED_OR_COMMENT.sub(lambda found: " " if found[0].startswith("(") else found[0], text[:LONGEST_FIELD])
    return FieldValue(text.partition(";")[0].strip(), _joined(map(_parameter, _PARAMETER.finditer(text))))


def _parameter(found: re.Match[str]) -> tuple[str, str]:
    value = found[3].strip() if found[2] is None else _ESCAPED.sub(r"\1", found[2])
    return found[1].lower(), value


def _joined(parameters: Iterable[tuple[str, str]]) -> Pairs:
    """Put continuations together; of two parameters with one name the first counts."""
    whole: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in parameters:
        continued = _CONTINUED.match(name)
        if continued is None:
            whole.setdefault(name, value)
        else:
            pieces.setdefault(continued[1], {}).setdefault(int(continued[2]), (value, bool(continued[3])))
    for name, numbered in pieces.items():
        in_order = [numbered[number] for number in sorted(numbered)]
        if any(encoded for _, encoded in in_order):
            # "Language and charset information only appears at the beginning of a given parameter value": section 4.1
            whole[name + "*"] = "".join(value if encoded else quote(value, safe="") for value, encoded in in_order)
        else:
            whole[name] = "".join(value for value, _ in in_order)
    return tuple(whole.items())

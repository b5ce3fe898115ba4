"""Turn what pydantic says of a lab file into findings: the place, what was found, and what is allowed.

Pure. A secret that was found is told by its kind, never by its value.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from maco_lab.lab_model import LabModel
from maco_lab.lab_refusals import Location

SECRET_KEYS = frozenset({"password", "client_secret", "access_token"})
SECRET_LISTS = frozenset({"accounts", "clients", "credentials"})
"""An entry of one of these that is no mapping may well be a password."""

LONGEST_SHOWN = 60

_ALLOWED: Mapping[str, str] = {
    "string_type": "text (in quotes where it looks like a number or a date)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "literal_error": "{expected}",
    "string_too_short": "text, not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "1 to 64 lower-case letters, digits, '.', '_' and '-', beginning with none of the signs",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le:g} or less",
    "too_short": "a list that is not empty",
    "invalid_key": "a key that is text",
}
"""What is allowed, by pydantic's type of error; its own texts speak of Python."""

_UNION_BRANCHES = frozenset({"CertificateFile", "CertificateText", "KeyPairText", "bool", "constrained-str"})
"""Marks that pydantic puts into a location to tell which kind of ``Certificate`` it tried."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error: where (line and column from 1, path of keys), and what was found and is allowed."""

    line: int
    column: int
    path: str
    text: str


def find_shape_errors(document: Any, error: ValidationError) -> list[Finding]:
    """Return pydantic's errors as findings, in the order of the file."""
    findings: dict[tuple[Location, str], Finding] = {}
    for found in error.errors(include_url=False, include_input=False):
        location = _location(found["loc"])
        if not _is_of_other_kind(found["loc"], _value_at(document, location)):
            findings.setdefault((location, found["type"]), _finding(document, location, found))
    return sorted(findings.values(), key=lambda each: (each.line, each.column))


def place(document: Any, location: Location, text: str, *, at_key: bool = False) -> Finding:
    """Return a finding at the value of ``location``, or at its key."""
    line, column = _line_and_column(document, location, at_key=at_key)
    return Finding(line, column, _path(location), text)


def _location(raw: tuple[str | int, ...]) -> Location:
    return tuple(part for part in raw if part not in _UNION_BRANCHES and part != "[key]")


def _is_of_other_kind(raw: tuple[str | int, ...], value: Any) -> bool:
    """Tell whether pydantic tried a mapping as a name here: it has told already what is wrong with the mapping."""
    return raw[-1:] == ("constrained-str",) and isinstance(value, CommentedMap)


def _finding(document: Any, location: Location, found: Any) -> Finding:
    match found["type"]:
        case "missing":
            return place(document, location[:-1], f"{location[-1]!r} is missing")
        case "extra_forbidden":
            return place(document, location, _unknown_key(location), at_key=True)
        case "value_error":
            return place(document, location, str(found["ctx"]["error"]))
    if allowed := _ALLOWED.get(found["type"]):
        allowed = f", allowed: {allowed.format(**found.get('ctx', {}))}"
    else:
        allowed = f": {found['msg'][:1].lower()}{found['msg'][1:]}"
    is_key = found["type"] == "invalid_key"
    shown = f"key {_shown(location, location[-1])}" if is_key else _shown(location, _value_at(document, location))
    return place(document, location, f"found {shown}{allowed}", at_key=is_key)


def _unknown_key(location: Location) -> str:
    section: Any = LabModel
    for part in location[:-1]:
        section = _section_below(section, part)
    known = list(getattr(section, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown key; {meant}allowed: {', '.join(known)}"


def _section_below(section: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return section
    field = getattr(section, "model_fields", {}).get(part)
    inner = getattr(field, "annotation", None)
    return (getattr(inner, "__args__", None) or (inner,))[0]


def _is_secret(location: Location) -> bool:
    inside_list = len(location) > 1 and isinstance(location[-1], int) and location[-2] in SECRET_LISTS
    return inside_list or not SECRET_KEYS.isdisjoint(map(str, location))


def _shown(location: Location, value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case CommentedMap():
            return "a mapping"
        case CommentedSeq():
            return "a list"
        case dt.date():
            return "a date"
        case bool() | int() | float() if _is_secret(location):
            return "a number, or true or false"
        case str() if _is_secret(location):
            return "text"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value}"
        case str():
            return repr(value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…")
    return "a tagged value"


def _value_at(document: Any, location: Location) -> Any:
    for part in location:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _line_and_column(document: Any, location: Location, *, at_key: bool) -> tuple[int, int]:
    """Return where the value at ``location`` stands, or the nearest thing above it that is there."""
    found = (0, 0)
    for i, part in enumerate(location):
        wants_key = at_key and i == len(location) - 1
        try:
            if isinstance(document, CommentedMap):
                is_key = wants_key or document[part] is None
                found = document.lc.key(part) if is_key else document.lc.value(part)
            elif isinstance(document, CommentedSeq):
                found = document.lc.item(part)
            document = document[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return found[0] + 1, found[1] + 1


def _path(location: Iterable[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text

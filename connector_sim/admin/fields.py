"""The JSON body of a request: each field with its kind, or a refusal that names it. Pure.

Recorded clients send booleans and numbers as strings too ("true", "3000"), so both are taken. Fields that are not
known are ignored, as the product does it. ``null`` is no value of any kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connector_sim.admin.errors import invalid

MAX_TEXT = 4096


class Fields:
    """A JSON object."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    @classmethod
    def parse(cls, body: bytes) -> Fields:
        """Read a body. Raises Refused."""
        return cls(parse_object(body))

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; without ``default`` it must be there and not be empty."""
        if name not in self._content and default is not None:
            return default
        found = self._content.get(name)
        if not isinstance(found, str) or (default is None and not found):
            raise invalid(f"{name}: {_found(found)}, allowed: a string{'' if default is not None else ' with text'}")
        if not _is_printable(found):
            raise invalid(f"{name}: allowed: at most {MAX_TEXT} printable characters")
        return found

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a boolean, also if it came as a string."""
        if name not in self._content and default is not None:
            return default
        match self._content.get(name):
            case bool(found):
                return found
            case "true":
                return True
            case "false":
                return False
            case found:
                raise invalid(f"{name}: {_found(found)}, allowed: true or false")

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """Return a whole number, also if it came as a string."""
        if name not in self._content and default is not None:
            return default
        found = self._content.get(name)
        number = int(found) if isinstance(found, str) and _is_whole(found) else found
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise invalid(f"{name}: {_found(found)}, allowed: a whole number from {least} to {most}")
        return number

    def ports(self, name: str) -> str:
        """Return a port or a range of ports as text, also if a single one came as a number."""
        found = self._content.get(name)
        return str(found) if isinstance(found, int) and not isinstance(found, bool) else self.text(name)

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of some words."""
        found = self.text(name, default)
        if found not in allowed and found != default:
            raise invalid(f"{name}: {_found(found)}, allowed: {', '.join(allowed)}")
        return found

    def object(self, name: str) -> Fields:
        """Return an object in this one; an empty one where there is nothing."""
        found = self._content.get(name, {})
        if not isinstance(found, dict):
            raise invalid(f"{name}: {_found(found)}, allowed: an object")
        return Fields(found)

    def objects(self, name: str) -> list[Fields]:
        """Return a list of objects; none where there is nothing."""
        found = self._content.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise invalid(f"{name}: {_found(found)}, allowed: a list of objects")
        return [Fields(each) for each in found]

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; none where there is nothing."""
        found = self._content.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, str) and _is_printable(each) for each in found):
            raise invalid(f"{name}: {_found(found)}, allowed: a list of printable strings")
        return list(found)


def parse(body: bytes) -> object:
    """Return what a body says in JSON. Raises Refused."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid("the body is not JSON") from error


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body. Raises Refused."""
    found = parse(body)
    if not isinstance(found, dict):
        raise invalid("the body must be a JSON object")
    return found


def _is_printable(text: str) -> bool:
    """Tell whether a text is short enough to be kept, and can be written in UTF-8 and shown on a line or several."""
    return len(text) <= MAX_TEXT and all(each.isprintable() or each in "\r\n\t" for each in text)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def _found(value: object) -> str:
    match value:
        case None:
            return "found nothing"
        case str() | bool() | int() | float():
            return f"found {json.dumps(value)[:80]}"
    return "found a list" if isinstance(value, list) else "found an object"

"""A thing of the configuration as text, for the audit log: what differs before and after, without secrets. Pure.

A value is written as the product shows one: ``{trustAllBackends=false}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SECRET = ("password", "secret", "token")
_LEFT_OUT = frozenset({"_links"})
MASKED = "***"


def differing(before: object, after: object) -> tuple[str, str]:
    """Return what was and what is, as far as they differ; an empty text for what is not there."""
    old, new = dict(_flat(before)), dict(_flat(after))
    if old and new:
        same = {name for name, value in old.items() if new.get(name) == value}
        old = {name: value for name, value in old.items() if name not in same}
        new = {name: value for name, value in new.items() if name not in same}
    return _text(old), _text(new)


def _text(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in values.items()) + "}" if values else ""


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every single value with the way to it; one of a list by what names it, or its place."""
    match value:
        case None:
            return
        case dict():
            for key, each in value.items():
                if key not in _LEFT_OUT:
                    yield from _flat(each, f"{name}.{key}" if name else key)
        case list():
            for at, each in enumerate(value):
                yield from _flat(each, f"{name}[{_named(each, at)}]")
        case _:
            is_secret = any(word in name.lower() for word in _SECRET)
            yield name or "value", MASKED if is_secret else _single(value)


def _named(value: Any, at: int) -> str:
    if isinstance(value, dict):
        if "virtualHost" in value:
            return f"{value['virtualHost']}:{value.get('virtualPort')}"
        if "alias" in value:
            return str(value["alias"])
    return str(at)


def _single(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

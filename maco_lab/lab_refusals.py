"""What every check of a lab file is made of: a place with a text, and what a party's settings refuse there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from connector_sim.on_premise.settings import SettingsError as ConnectorSettingsError
from maco_client.failures import SettingsError as MacoSettingsError
from mailserver_sim.settings import SettingsError as MailSettingsError

Location: TypeAlias = tuple[str | int, ...]
Found: TypeAlias = Iterator[tuple[Location, str]]

_T = TypeVar("_T")

_KEYS: Mapping[str, str] = {
    "virtualHost": "virtual",
    "virtualPort": "virtual",
    "localHost": "internal",
    "localPort": "internal",
    "locationID": "location_id",
}
"""Keys of the lab file for those fields of the Cloud Connector's REST API that have another name."""


def built_at(where: Location, kind: Callable[..., _T], *values: object) -> tuple[_T | None, list[tuple[Location, str]]]:
    """Build a party's settings at ``where``; return them, or None and what they refused."""
    try:
        return kind(*values), []
    except (ConnectorSettingsError, MacoSettingsError) as error:
        return None, [((*where, _KEYS.get(error.field, error.field)), error.message)]
    except MailSettingsError as error:
        return None, [((*where, error.setting), str(error).removeprefix(f"{error.setting}: "))]


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the text for a name that nothing has."""
    return f"found {name!r}, allowed: {', '.join(repr(other) for other in sorted(known)) or 'none is defined'}"


def repeated(where: Location, names: Sequence[str], key: str | None = None) -> Found:
    """Find a name that stands twice in the list at ``where``; ``key`` is where each entry has its name."""
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            yield (*where, i) if key is None else (*where, i, key), f"{name!r} is there twice"
        seen.add(name)

"""What single fields of several settings must be. Each check raises SettingsError."""

from __future__ import annotations

from collections.abc import Iterable

from maco_client.failures import SettingsError

LARGEST_PORT = 65_535
NAME_CHARACTERS = 120


def check_text(name: str, value: str) -> None:
    """Refuse empty text and control characters."""
    if not value or not value.isprintable():
        raise SettingsError(name, f"found {value!r}, allowed is printable text of at least one character")


def check_name(name: str, value: str) -> None:
    """Refuse what an artifact cannot be called: the slash is kept for addresses."""
    check_text(name, value)
    if len(value) > NAME_CHARACTERS or "/" in value:
        raise SettingsError(
            name, f"found {value!r}, allowed is printable text of at most {NAME_CHARACTERS} characters without '/'"
        )


def check_number(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside the two bounds."""
    if not low <= value <= high:
        raise SettingsError(name, f"found {value}, allowed is {low} to {high}")


def check_host(name: str, value: str) -> None:
    """Refuse what is no host name."""
    if not value or not value.isascii() or not value.isprintable() or set(value) & set(" :/@"):
        raise SettingsError(name, f"found host {value!r}, allowed is a host name without scheme, path and spaces")


def check_total(name: str, sizes: Iterable[int], most: int) -> None:
    """Refuse what is more than ``most`` in all."""
    total = sum(sizes)
    if total > most:
        raise SettingsError(name, f"found {total} in all, allowed are {most}")

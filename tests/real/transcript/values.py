"""The values of a server's response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string or a literal."""

    data: bytes


Value: TypeAlias = "bytes | Text | tuple[Value, ...]"
"""An atom, a text or a list."""

"""What a command of `maco-lab maco` is in a test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Outcome:
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Command(Protocol):
    def __call__(self, *arguments: str, text: str | bytes = "", code: int = 0) -> Outcome:
        """Run a command that must end with ``code``; ``text`` is its standard input."""

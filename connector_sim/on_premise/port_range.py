"""A port, or a range of ports, as the pages of the Cloud Connector write it: ``143`` or ``1000-1010``.

Ranges are for TCP and TCP TLS only, since version 2.13. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HIGHEST_PORT = 65_535
_WRITTEN = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """The ports from ``first`` to ``last``, both included; a single port is a range of one."""

    first: int
    last: int

    def __post_init__(self) -> None:
        """Check both ends; raises ValueError."""
        if not 0 <= self.first <= HIGHEST_PORT or not 0 <= self.last <= HIGHEST_PORT:
            raise ValueError(f"found {self}, allowed: ports from 1 to {HIGHEST_PORT}")
        if self.first > self.last:
            raise ValueError(f"found {self}, allowed: the lower port first, as in {self.last}-{self.first}")

    @classmethod
    def parse(cls, text: str) -> PortRange:
        """Read ``143`` or ``1000-1010``, without blanks. Raises ValueError."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise ValueError(f"found {text!r}, allowed: a port as in 143, or a range as in 1000-1010")
        first, last = written.groups()
        return cls(int(first), int(last or first))

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last

    def overlaps(self, other: PortRange) -> bool:
        """Tell whether a port is in both."""
        return self.first <= other.last and other.first <= self.last

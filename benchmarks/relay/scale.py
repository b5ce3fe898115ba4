"""How long and how often: the sizes of a full run, under twenty minutes, and of a quick one, under three."""

from __future__ import annotations

from dataclasses import dataclass

LOAD_DESCRIPTORS = 300
"""What every process needs beside its connections."""
ENOUGH_DESCRIPTORS = 24_000
"""What a proxy is configured for at most: nginx takes memory for all its connections when it starts."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a run; all durations in seconds."""

    rounds: int
    sample_s: float
    warm_up_bytes: int
    idle: int
    idle_slow: int
    idle_rounds: int
    levels: tuple[int, ...] = (1, 32, 500, 5000)
    """How many concurrent streams the cost of a byte and of an open is measured at."""
    level_rounds: int = 2
    level_bytes: int = 512 << 20
    most_bytes: int = 4 << 30

    def idle_connections(self, descriptors: int, *, slow: bool) -> int:
        """Return how many idle connections a proxy gets: it needs two descriptors for each."""
        return min(self.idle_slow if slow else self.idle, (descriptors - LOAD_DESCRIPTORS) // 2)

    def levels_within(self, descriptors: int) -> list[int]:
        """Return the levels that fit: each stream needs one descriptor in each process."""
        return [level for level in self.levels if level <= descriptors - LOAD_DESCRIPTORS]


FULL = Scale(rounds=5, sample_s=1.0, warm_up_bytes=64 << 20, idle=10_000, idle_slow=2_000, idle_rounds=2)
QUICK = Scale(
    rounds=2,
    sample_s=0.3,
    warm_up_bytes=24 << 20,
    idle=2_000,
    idle_slow=300,
    idle_rounds=1,
    level_rounds=1,
    level_bytes=192 << 20,
)

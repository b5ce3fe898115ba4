"""What is aimed at, and by how much a figure meets or misses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Better: TypeAlias = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for ours: on the ratio to the best peer, or on the figure itself."""

    bound: float
    better: Better
    of: Literal["best peer", "itself"] = "best peer"

    def __str__(self) -> str:
        """Write the bound as the tables show it."""
        sign = "≥" if self.better == "higher" else "≤"
        return f"{sign} {self.bound:,g}{' x' if self.of == 'best peer' else ''}"

    def verdict(self, ours: float | None, best: float | None) -> Verdict | None:
        """Return how ours does; None while there is nothing to judge."""
        found = ours if self.of == "itself" else ratio(ours, best)
        if found is None:
            return None
        missed_by = self.bound - found if self.better == "higher" else found - self.bound
        return Verdict(found, max(missed_by, 0.0))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and by how much the target is missed; 0 if it is met."""

    found: float
    missed_by: float

    def __str__(self) -> str:
        """Say met, or missed and by how much."""
        return "met" if not self.missed_by else f"missed by {few_digits(self.missed_by)}"


def ratio(ours: float | None, best: float | None) -> float | None:
    """Return ours to the best peer's; None where one is missing."""
    return ours / best if ours is not None and best else None


def best(figures: Mapping[str, float | None], peers: set[str], better: Better) -> float | None:
    """Return the best figure of the peers."""
    found = [value for name, value in figures.items() if name in peers and value is not None]
    return (max if better == "higher" else min)(found, default=None)


def short(value: float) -> str:
    """Write a number with three digits that say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def few_digits(value: float) -> str:
    """Write a number in at most five characters."""
    if abs(value) >= 999_500:
        return f"{value / 1_000_000:.1f}M"
    if abs(value) >= 99_950:
        return f"{value / 1000:.0f}k"
    return f"{value / 1000:.1f}k" if abs(value) >= 9_995 else short(value).replace(",", "")

"""The seeds of every random schedule: a fixed list, and more from the environment to look further.

A seed stands in the name of its test, so a failure tells it; ``MACO_LAB_SEEDS=17,18 pytest …`` adds seeds.
"""

from __future__ import annotations

import os

import pytest

FIXED = (20260101,)
SEEDS = FIXED + tuple(int(each) for each in os.environ.get("MACO_LAB_SEEDS", "").split(",") if each.strip())

seeded = pytest.mark.parametrize("seed", SEEDS)

SOAK = bool(os.environ.get("MACO_LAB_SOAK"))
"""Whether there is time to break things ten times as often."""

PROPERTY_EXAMPLES = 100 if SOAK else 30
"""How often a property is tried, where its test does not say more."""
ASKED_EXAMPLES = 25 if SOAK else 6
"""How many requests are made up for each operation that a document of an API describes."""

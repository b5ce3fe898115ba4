"""A seeded schedule: what each of many concurrent streams does, decided before the first byte is sent."""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass

from tests.faults.payloads import Payload

WINDOW = 256 * 1024  # yamux spec.md, "Flow Control"


class Story(enum.StrEnum):
    """What happens on one stream."""

    BOTH_AT_ONCE = "both directions run at once and end on their own"
    ANSWER_AFTER_END = "the client ends, and only then is it answered"
    BACK_END_ENDS_FIRST = "the back end says all and ends, and only then the client speaks"
    CLIENT_RESETS = "the client resets in the middle"
    BACK_END_RESETS = "the back end resets in the middle"
    CLIENT_STALLS = "the client reads nothing until all others are done"
    BACK_END_STALLS = "the back end reads nothing until all others are done"

    @property
    def is_orderly(self) -> bool:
        return self not in {Story.CLIENT_RESETS, Story.BACK_END_RESETS}

    @property
    def stalls(self) -> bool:
        return self in {Story.CLIENT_STALLS, Story.BACK_END_STALLS}


@dataclass(frozen=True)
class Plan:
    """One stream: its story, both payloads, and where a reset cuts them."""

    number: int
    story: Story
    up: Payload
    down: Payload
    up_before_reset: int
    down_before_reset: int

    def rng(self, side: str) -> random.Random:
        """Return the source of this side's chunk sizes."""
        return random.Random(f"{self.up.key} {side}")


def make_plans(seed: int, count: int, stories: tuple[Story, ...] = tuple(Story)) -> list[Plan]:
    """Return ``count`` plans: first each of the ``stories`` once, then stories by chance."""
    rng = random.Random(seed)
    weights = [1 if story.stalls else 8 for story in stories]
    chosen = [*stories, *rng.choices(stories, weights, k=count)][:count]
    return [_plan(rng, seed, number, story) for number, story in enumerate(chosen)]


def _plan(rng: random.Random, seed: int, number: int, story: Story) -> Plan:
    sizes = [_size(rng), _size(rng)]
    if story.stalls:  # what stalls must not fit into the buffers along the way
        unread = 1 if story is Story.CLIENT_STALLS else 0
        sizes[unread] = 3 * WINDOW + _size(rng)
    up, down = (Payload(f"{seed} {number} {way}", size) for way, size in zip(("up", "down"), sizes, strict=True))
    return Plan(number, story, up, down, rng.randint(0, up.size), rng.randint(0, down.size))


def _size(rng: random.Random) -> int:
    """Return a size: most streams are short, some longer than two windows, and the edges are there."""
    limit = rng.choices((1, 2_000, 40_000, 600_000), (10, 50, 36, 4))[0]
    return rng.randint(0, limit)

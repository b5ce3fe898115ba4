"""From samples to what the tables show: median, spread, the generator's share, the ratio to the best peer."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.relay.bench import Sample
from benchmarks.relay.contestants.field import OURS_NAME
from benchmarks.relay.report.figures import Figure
from benchmarks.relay.report.targets import Verdict, best, ratio

LIGHT_GENERATOR = 0.6
"""A generator that needs more of one core measures itself in rows where latency counts: a defect."""

QUIET = 0.1
"""How much of one core others may take in the median sample; more, and the figures are those of a busy machine."""

Samples: TypeAlias = Mapping[str, Sequence[Sample]]
"""The samples of one row, by contestant."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one contestant."""

    median: float
    lowest: float
    highest: float
    generator: float
    """The median share of one core of the busiest process of the generator."""
    generator_too_busy: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of all contestants, and what it says about ours."""

    figure: Figure
    cells: Mapping[str, Cell]
    ratio: float | None
    verdict: Verdict | None


def disturbance(rows: Iterable[Samples]) -> str:
    """Return how much of one core went to processes that do not belong to the benchmark: the median, and the most."""
    shares = [sample.others for row in rows for each in row.values() for sample in each]
    if not shares:
        return "nothing was measured"
    median, most = statistics.median(shares), max(shares)
    warning = "; THE MACHINE WAS NOT QUIET, the figures are worth little" if median > QUIET else ""
    return f"{median:.0%} of a core in the median sample, {most:.0%} at most{warning}"


def cell(key: str, samples: Sequence[Sample], *, must_be_light: bool = False) -> Cell | None:
    """Return a contestant's cell; None if it brought no such figure."""
    values = [sample.values[key] for sample in samples if key in sample.values]
    if not values:
        return None
    share = statistics.median(sample.generator for sample in samples)
    too_busy = must_be_light and share > LIGHT_GENERATOR
    return Cell(statistics.median(values), min(values), max(values), share, too_busy)


def line(figure: Figure, samples: Samples, peers: set[str], *, must_be_light: bool = False) -> Line | None:
    """Return a figure's line; None if nobody brought it."""
    found = {name: cell(figure.key, each, must_be_light=must_be_light) for name, each in samples.items()}
    cells = {name: each for name, each in found.items() if each is not None}
    if not cells:
        return None
    medians = {name: each.median for name, each in cells.items()}
    ours, best_peer = medians.get(OURS_NAME), best(medians, peers, figure.better)
    verdict = figure.target.verdict(ours, best_peer) if figure.target else None
    return Line(figure, cells, ratio(ours, best_peer), verdict)

"""Take turns: every contestant once in each round, in an order that rotates, so that a slow minute hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from benchmarks.relay.bench import Bench, Sample
from benchmarks.relay.contestants.field import CEILING_NAME, OURS_NAME
from benchmarks.relay.contestants.shape import Contestant
from benchmarks.relay.generator.opening import LoadError
from benchmarks.relay.measurements import Row
from benchmarks.relay.processes import StartError

Say = Callable[[str], None]


def turns(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """Return the order of a round: each begins with another one, every other round runs backwards."""
    start = number % len(contestants) if contestants else 0
    order = [*contestants[start:], *contestants[:start]]
    return order[::-1] if number % 2 else order


def takes_part(row: Row, contestant: Contestant) -> bool:
    """Tell whether a row has a place for a contestant."""
    if row.ours_alone:
        return contestant.name == OURS_NAME
    return row.shape in contestant.shapes and not (row.through_proxies_only and contestant.name == CEILING_NAME)


def run_row(
    bench: Bench, row: Row, contestants: Sequence[Contestant], rounds: int, say: Say
) -> dict[str, list[Sample]]:
    """Measure a row; a contestant that fails is named and leaves the row."""
    taking_part = [contestant for contestant in contestants if takes_part(row, contestant)]
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in taking_part}
    failed: set[str] = set()
    for number in range(rounds):
        for contestant in turns(taking_part, number):
            if contestant.name in failed:
                continue
            try:
                samples[contestant.name].append(_one(bench, row, contestant))
            except (StartError, LoadError) as error:
                say(f"!!! {row.key}: {contestant.title}: {error}")
                failed.add(contestant.name)
                bench.give_up(contestant)
    return samples


def _one(bench: Bench, row: Row, contestant: Contestant) -> Sample:
    with ExitStack() as stack:
        if row.fresh:
            way = stack.enter_context(bench.fresh(contestant, row.shape, row.tuning))
        else:
            way = bench.way(contestant, row.shape, row.tuning)
        sample = row.measure(bench, contestant, way)
        bench.settle()
    return sample

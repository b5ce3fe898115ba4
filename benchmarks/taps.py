"""What taps cost a poll: the same polls through a lab without taps and with them, in turns.

Run ``python -m benchmarks.taps``. Each pair of polls is one of each lab right behind the other, so that both meet the
same machine; the median of the differences is what taps add. The same is done with two labs that are both without
taps: what is found then is chance, and what taps cost when they are off.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.relay.cli import raise_descriptors
from benchmarks.relay.report import machine
from benchmarks.relay.report.page import write_between_markers
from connector_sim.cloud.tokens import new_signing_key
from maco_lab.journal import Journal
from maco_lab.lab_file import find_lab_file
from maco_lab.state import StateFolder
from maco_lab.taps.chunk import HOPS
from maco_lab.topology import RunningLab, running_lab

OWNER = "benchmarks.taps"
"""Whose place in the page it is."""
WARM_UP = 10
ROUNDS = 5
"""How many pairs of labs are compared."""
TARGET = 0.10
"""Of a poll's duration, at most."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a poll in a lab without taps and in another one, which has them or not, and what that adds."""

    connection: str
    has_taps: bool
    without: float
    other: float
    added: float
    """The median of the differences."""

    @property
    def added_by_each(self) -> float:
        """What one tap adds: a poll passes one on each hop."""
        return self.added / len(HOPS)

    @property
    def share(self) -> float:
        """What taps add, by the duration of a poll without them."""
        return self.added / self.without


async def measure(pairs: int, rounds: int = ROUNDS) -> list[Cost]:
    """Compare in several pairs of labs: what is planted in one is easier to find than in another, by chance.

    Each of ``rounds`` has labs of its own, and as many of the ``pairs`` of polls as the others.
    """
    gc.freeze()  # as maco_lab.runner does for every lab
    taken: dict[tuple[bool, str], list[tuple[float, float]]] = {}
    for has_taps in (True, False) * rounds:
        async with _two_labs(has_taps) as labs:
            for name in labs[0].maco.connections:
                taken.setdefault((has_taps, name), []).extend(await _compare(labs, name, pairs // rounds))
    return [_cost(name, has_taps, each) for (has_taps, name), each in taken.items()]


@contextlib.asynccontextmanager
async def _two_labs(has_taps: bool) -> AsyncIterator[list[RunningLab]]:
    """Run a lab without taps, and one with them or without them too."""
    file, signing_key = find_lab_file(None), functools.cache(new_signing_key)
    async with contextlib.AsyncExitStack() as stack:
        labs: list[RunningLab] = []
        for tapped in (False, has_taps):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            lab = running_lab(
                file, StateFolder(folder), Journal(), free_ports=True, make_signing_key=signing_key, tapped=tapped
            )
            labs.append(await stack.enter_async_context(lab))
        yield labs


async def _compare(labs: list[RunningLab], name: str, pairs: int) -> list[tuple[float, float]]:
    """Return the seconds of each pair of polls, in the first lab and in the second."""
    for lab in labs:
        await lab.maco.poll(name)  # what was delivered to this mailbox while others were measured
    for lab in labs * WARM_UP:
        await _poll_s(lab, name)
    taken = []
    for number in range(pairs):
        in_turn = (0, 1) if number % 2 else (1, 0)
        seconds = {which: await _poll_s(labs[which], name) for which in in_turn}
        taken.append((seconds[0], seconds[1]))
    return taken


def _cost(name: str, has_taps: bool, taken: list[tuple[float, float]]) -> Cost:
    without, other = (statistics.median(column) for column in zip(*taken, strict=True))
    return Cost(name, has_taps, without, other, statistics.median(other - without for without, other in taken))


async def _poll_s(lab: RunningLab, name: str) -> float:
    """Deliver a mail, then return how long fetching it takes."""
    await lab.seed_mail()
    began = time.perf_counter()
    result = await lab.maco.poll(name)
    took = time.perf_counter() - began
    assert result.stored == 1, result.error
    return took


def table(costs: Sequence[Cost]) -> str:
    """Return the costs as Markdown."""
    lines = [
        "| poll by | other lab | without taps, ms | other lab, ms | added, µs | by each tap, µs | share | target | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for cost in costs:
        figures = [f"{cost.without * 1e3:.2f}", f"{cost.other * 1e3:.2f}", f"{cost.added * 1e6:,.0f}"]
        if cost.has_taps:
            verdict = "met" if cost.share < TARGET else "missed"
            judged = [f"{cost.added_by_each * 1e6:,.0f}", f"{cost.share:.1%}", f"below {TARGET:.0%}", verdict]
        else:
            judged = ["", f"{cost.share:.1%}", "", ""]
        cells = [cost.connection, f"{'with' if cost.has_taps else 'without'} taps", *figures, *judged]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taps", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="how many pairs of polls are compared in each row")
    parser.add_argument("--page", type=Path, help="a Markdown page whose marked part is written anew")
    chosen = parser.parse_args(arguments)
    facts = machine.facts([], raise_descriptors(), f"{chosen.pairs} pairs of polls in each row", "stock asyncio loop")
    facts["load of the machine before the run (1 minute)"] = f"{os.getloadavg()[0]:.1f}"
    found = table(asyncio.run(measure(chosen.pairs)))
    if chosen.page:
        said = [f"- {name}: {value}" for name, value in facts.items() if name != "peers"]
        write_between_markers(chosen.page, "\n".join([*said, "", found]), OWNER)
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

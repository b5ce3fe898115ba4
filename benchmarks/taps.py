"""What taps cost a poll: the same polls through a lab without taps and with them, in turns.

Run ``python -m benchmarks.taps``. Each pair of polls is one of each lab right behind the other, so that both meet the
same machine; the median of the differences is what taps add. Without taps nothing of them runs: no code, no thread, no
socket, so their cost then is that of the first column, which ``benchmarks.relay`` measures too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from connector_sim.cloud.tokens import new_signing_key
from maco_lab.journal import Journal
from maco_lab.lab_file import find_lab_file
from maco_lab.state import StateFolder
from maco_lab.taps.chunk import HOPS
from maco_lab.topology import RunningLab, running_lab

WARM_UP = 10
TARGET = 0.10
"""Of a poll's duration, at most."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a poll without taps and with them, and the median of what they add."""

    connection: str
    without: float
    tapped: float
    added: float

    @property
    def added_by_each(self) -> float:
        """What one tap adds: a poll passes one on each hop."""
        return self.added / len(HOPS)

    @property
    def share(self) -> float:
        """What taps add, by the duration of a poll without them."""
        return self.added / self.without


async def measure(pairs: int) -> list[Cost]:
    file, signing_key = find_lab_file(None), functools.cache(new_signing_key)
    async with contextlib.AsyncExitStack() as stack:
        labs: list[RunningLab] = []
        for tapped in (False, True):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            lab = running_lab(
                file, StateFolder(folder), Journal(), free_ports=True, make_signing_key=signing_key, tapped=tapped
            )
            labs.append(await stack.enter_async_context(lab))
        return [await _compare(labs, name, pairs) for name in labs[0].maco.connections]


async def _compare(labs: list[RunningLab], name: str, pairs: int) -> Cost:
    for lab in labs:
        await lab.maco.poll(name)  # what was delivered to this mailbox while others were measured
    for lab in labs * WARM_UP:
        await _poll_s(lab, name)
    taken = []
    for number in range(pairs):
        in_turn = labs if number % 2 else labs[::-1]
        seconds = {lab.taps is not None: await _poll_s(lab, name) for lab in in_turn}
        taken.append((seconds[False], seconds[True]))
    without, tapped = (statistics.median(column) for column in zip(*taken, strict=True))
    return Cost(name, without, tapped, statistics.median(tapped - without for without, tapped in taken))


async def _poll_s(lab: RunningLab, name: str) -> float:
    """Deliver a mail, then return how long fetching it takes."""
    await lab.seed_mail()
    began = time.perf_counter()
    result = await lab.maco.poll(name)
    took = time.perf_counter() - began
    assert result.stored == 1, result.error
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    pairs = parser.parse_args().pairs
    print(f"one poll with one new mail, {pairs} pairs, medians")
    for cost in asyncio.run(measure(pairs)):
        print(f"{cost.connection}: {cost.without * 1e3:.2f} ms without taps, {cost.tapped * 1e3:.2f} ms with them")
        print(
            f"  they add {cost.added * 1e6:.0f} us, {cost.added_by_each * 1e6:.0f} us for each of {len(HOPS)} taps: "
            f"{cost.share:.1%} of a poll (target: below {TARGET:.0%}, {'met' if cost.share < TARGET else 'missed'})"
        )


if __name__ == "__main__":
    main()

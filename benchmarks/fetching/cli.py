"""The command line: fetch in turns, look at the memory, poll for nothing; print the table, write JSON and the page."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fetching.chain import WAYS, Chain, running_chain
from benchmarks.fetching.contestants import maco, mbsync, warm_up
from benchmarks.fetching.measuring import MIB, added_memory, idle_polls
from benchmarks.relay.cli import raise_descriptors, say
from benchmarks.relay.report import machine
from benchmarks.relay.report.page import write_between_markers

OWNER = "benchmarks.fetching"
"""Whose place in the page it is."""
MAIL_BYTES = 10_000
LARGE_BYTES = 50 * MIB
SMALL_BYTES = 500
FETCHED_OF_MANY = 1_000
MOST_FOR_MANY_MIB = 16
"""Flat: a mailbox of any size takes no more than this; what is kept of each mail until the end is its number."""
IDLE_CONNECTIONS = 20
EVERY_S = 60
"""How often a connection of the default lab file is polled."""


@dataclass(frozen=True)
class Scale:
    """Sizes of a run; ``many`` is the large mailbox."""

    rounds: int
    mails: int
    many: int
    idle_rounds: int


FULL = Scale(rounds=5, mails=10_000, many=100_000, idle_rounds=5)
QUICK = Scale(rounds=1, mails=1_000, many=10_000, idle_rounds=2)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``values`` in the order of the turns, ``target`` in words, with whether it was met."""

    what: str
    unit: str
    values: list[float]
    target: str = ""
    met: bool | None = None

    @property
    def median(self) -> float:
        """The value that counts."""
        return statistics.median(self.values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.fetching", description=__doc__)
    options.add_argument("--quick", action="store_true", help="one round of 1,000 mails")
    options.add_argument("--json", type=Path, default=Path("build/fetching.json"), help="where every value goes")
    options.add_argument("--page", type=Path, help="a Markdown page whose marked part is written anew")
    chosen = options.parse_args(arguments)
    scale = QUICK if chosen.quick else FULL
    load = f"{os.getloadavg()[0]:.1f}"
    facts = machine.facts(["dovecot"], raise_descriptors(), f"{scale.rounds} in turns", "stock asyncio loop")
    facts["load of the machine before the run (1 minute)"] = load
    facts["mails fetched in each turn"] = f"{scale.mails:,} of {MAIL_BYTES:,} bytes"
    rows = _measure(scale)
    table = _table(rows)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps({"facts": facts, "rows": [asdict(row) for row in rows]}, indent=1))
    if chosen.page:
        said = [f"- {name}: {value}" for name, value in facts.items()]
        write_between_markers(chosen.page, "\n".join([*said, "", table]), OWNER)
    sys.stdout.write(f"{table}\n")
    return 0


def _measure(scale: Scale) -> list[Row]:
    fetched = {f"{way}{number}": (scale.mails, MAIL_BYTES) for way in WAYS for number in range(scale.rounds)}
    idle = [f"idle{number}" for number in range(IDLE_CONNECTIONS)]
    others = {
        "warm": (1, SMALL_BYTES),
        "large": (1, LARGE_BYTES),
        "few": (FETCHED_OF_MANY, SMALL_BYTES),
        "many": (scale.many, SMALL_BYTES),
        "all": (scale.many, SMALL_BYTES),
    }
    # Dovecot's user may not pass through a folder that is closed to others.
    with tempfile.TemporaryDirectory(prefix="fetching-", dir="/tmp") as name:
        folder = Path(name)
        with running_chain(folder, {**fetched, **others, **dict.fromkeys(idle, (0, 0))}) as chain:
            say("Dovecot is filled, the lab runs")
            return [
                *(row for way in WAYS for row in _rates(chain, way, folder, scale)),
                *_memory(chain, folder, scale),
                *_idle(chain, idle, folder, scale),
            ]


def _rates(chain: Chain, way: str, folder: Path, scale: Scale) -> list[Row]:
    rates: dict[str, list[float]] = {"MaCo": [], "mbsync": []}
    for number in range(scale.rounds):
        user = f"{way}{number}"
        warm_up(chain, user)
        turns = [("MaCo", maco), ("mbsync", mbsync)]
        for name, fetch in turns[:: -1 if number % 2 else 1]:
            rates[name].append(scale.mails / fetch(chain, way, user, folder, scale.mails))
            say(f"way {way}, {name}: {rates[name][-1]:.0f} mails a second")
    ratio = [ours / theirs for ours, theirs in zip(rates["MaCo"], rates["mbsync"], strict=True)]
    ratio_met = statistics.median(ratio) >= 0.7
    return [
        *(Row(f"way {way}, {name}", "mails/s", values) for name, values in rates.items()),
        Row(f"way {way}, MaCo to mbsync", "x", ratio, "at least 0.7", ratio_met),
    ]


def _memory(chain: Chain, folder: Path, scale: Scale) -> list[Row]:
    large = added_memory(chain, "warm", "large", folder)
    limited = {"max_messages_per_poll": FETCHED_OF_MANY}
    few = added_memory(chain, "warm", "few", folder, **limited)
    many = added_memory(chain, "warm", "many", folder, **limited)
    all_of_many = added_memory(chain, "warm", "all", folder)
    return [
        Row("a mail of 50 MiB adds", "MiB", [large], "below 80", large < 80),
        Row(f"{FETCHED_OF_MANY:,} mails of a mailbox of as many add", "MiB", [few]),
        Row(f"{FETCHED_OF_MANY:,} mails of a mailbox of {scale.many:,} add", "MiB", [many]),
        Row(
            f"all {scale.many:,} mails of that mailbox in one poll add",
            "MiB",
            [all_of_many],
            f"below {MOST_FOR_MANY_MIB}",
            all_of_many < MOST_FOR_MANY_MIB,
        ),
    ]


def _idle(chain: Chain, users: list[str], folder: Path, scale: Scale) -> list[Row]:
    rows = []
    for disconnects, how in ((True, "with Automatically Disconnect"), (False, "without")):
        cost = asyncio.run(idle_polls(chain, users, folder, scale.idle_rounds, automatically_disconnect=disconnects))
        maco, others = cost.maco_s / EVERY_S * 100, cost.chain_s / EVERY_S * 100
        title = f"{IDLE_CONNECTIONS} idle connections polled every {EVERY_S} s, {how}"
        rows.append(Row(f"{title}: MaCo", "% of a core", [maco], "below 1", maco < 1))
        rows.append(Row(f"{title}: cloud and connector", "% of a core", [others]))
    return rows


def _table(rows: Sequence[Row]) -> str:
    lines = ["| | unit | median | lowest to highest | target | |", "| --- | --- | ---: | ---: | --- | --- |"]
    for row in rows:
        spread = f"{_short(min(row.values))} to {_short(max(row.values))}" if len(row.values) > 1 else ""
        verdict = "" if row.met is None else "met" if row.met else "missed"
        lines.append(f"| {row.what} | {row.unit} | {_short(row.median)} | {spread} | {row.target} | {verdict} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

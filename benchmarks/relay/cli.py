"""The command line: choose rows, peers and sizes; run; print the table, write JSON and the page."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.relay import scale as scales
from benchmarks.relay.bench import Bench, Sample
from benchmarks.relay.contestants import field, ours, settings
from benchmarks.relay.contestants.shape import Contestant, Ground
from benchmarks.relay.measurements import ROWS, Row
from benchmarks.relay.report import machine
from benchmarks.relay.report.figures import FIGURES
from benchmarks.relay.report.page import markdown, write_between_markers
from benchmarks.relay.report.results import Line, disturbance, line
from benchmarks.relay.report.table import terminal
from benchmarks.relay.rounds import run_row
from certs.cast import Cast
from certs.files import write_cast

ONE_HOP_MODULE = "benchmarks.relay.contestants.one_hop"
PEERS = tuple(each.name for each in field.FIELD if each.is_peer)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.relay", description=__doc__)
    options.add_argument(
        "--only", action="append", choices=[row.key for row in ROWS], help="measure this row; again for more"
    )
    options.add_argument(
        "--against", action="append", choices=[*PEERS, "nobody"], help="a peer; again for more; all by default"
    )
    options.add_argument("--rounds", type=int, help="how often each contestant has its turn")
    options.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options.add_argument("--uvloop", action="store_true", help="run ours on uvloop, which has to be installed")
    options.add_argument("--one-hop-module", default=ONE_HOP_MODULE, help="what stands for ours in the rows of one hop")
    options.add_argument("--json", type=Path, default=Path("build/relay.json"), help="where every sample goes")
    options.add_argument("--page", type=Path, help="a Markdown page whose marked part is written anew")
    options.add_argument("--list", action="store_true", help="list the rows and end")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    if options.list:
        print("\n".join(f"{row.key:12}{row.title}" for row in ROWS))
        return 0
    if options.uvloop and not settings.has_uvloop():
        command_line.error("--uvloop: uvloop is not installed (pip install uvloop)")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    began = time.monotonic()
    chosen = Run.chosen(options)
    with chosen.ground(options) as ground, ExitStack() as stack:
        samples, is_complete = chosen.measure(Bench(stack, ground, chosen.scale, sinks=16))
    took = f"{time.monotonic() - began:.0f} s in all"
    chosen.publish(samples, options, took, options.page if is_complete else None)
    return 0 if is_complete else 128 + signal.SIGINT


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What is to be measured."""

    rows: tuple[Row, ...]
    contestants: tuple[Contestant, ...]
    scale: scales.Scale
    descriptors: int

    @classmethod
    def chosen(cls, options: argparse.Namespace) -> Run:
        """Return the run that the command line asks for; peers that are absent are named loudly."""
        rows = tuple(row for row in ROWS if not options.only or row.key in options.only)
        wanted = field.chosen(options.against)
        for absent in (each for each in wanted if not field.is_installed(each)):
            say(field.absence(absent))
        if not ours.has_module(options.one_hop_module):
            say(f"!!! there is no module {options.one_hop_module}: ours has no figures in the rows of one hop")
            wanted = [field.without_one_hop(each) for each in wanted]
        scale = scales.QUICK if options.quick else scales.FULL
        if options.rounds:
            changes = {"rounds": options.rounds, "idle_rounds": options.rounds, "level_rounds": options.rounds}
            scale = dataclasses.replace(scale, **changes)
        return cls(rows, tuple(each for each in wanted if field.is_installed(each)), scale, raise_descriptors())

    @contextmanager
    def ground(self, options: argparse.Namespace) -> Iterator[Ground]:
        """Make the run's folder with certificates of our own; it is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="relay-benchmark-") as name:
            folder = Path(name)
            cast = Cast(dt.datetime.now(dt.UTC))
            cast.subaccount_certificate(settings.SUBACCOUNT)
            write_cast(cast, folder / "cast")
            ours.set_cipher(folder)
            descriptors = min(self.descriptors, scales.ENOUGH_DESCRIPTORS)
            yield Ground(folder, descriptors, sys.executable, options.uvloop, options.one_hop_module)

    def measure(self, bench: Bench) -> tuple[dict[str, dict[str, list[Sample]]], bool]:
        """Measure row by row; Ctrl-C ends the run: then the second value is False, and the page stays as it is."""
        samples: dict[str, dict[str, list[Sample]]] = {}
        try:
            for row in self.rows:
                began = time.monotonic()
                samples[row.key] = run_row(bench, row, self.contestants, getattr(self.scale, row.rounds), say)
                say(f"{row.title}: {time.monotonic() - began:.0f} s")
        except KeyboardInterrupt:
            say("!!! interrupted: the rows that follow are missing")
            return samples, False
        return samples, True

    def lines(self, samples: dict[str, dict[str, list[Sample]]]) -> list[Line]:
        """Return the lines of the tables."""
        peers = {each.name for each in self.contestants if each.is_peer}
        rows = {row.key: row for row in self.rows}
        found = []
        for figure in FIGURES:
            key = figure.key.partition(".")[0]
            if key in samples:
                light = rows[key].generator_must_be_light
                found.append(line(figure, samples[key], peers, must_be_light=light))
        return [each for each in found if each is not None]

    def publish(
        self,
        samples: dict[str, dict[str, list[Sample]]],
        options: argparse.Namespace,
        took: str,
        page: Path | None,
    ) -> None:
        """Print the table, write the JSON file, and the page if there is one."""
        lines = self.lines(samples)
        columns = [(each.name, each.title) for each in field.FIELD if self._is_shown(each, options)]
        rounds = f"{self.scale.rounds} interleaved, of {self.scale.sample_s:g} s each; {took}"
        loop = "uvloop" if options.uvloop else "stock asyncio loop"
        facts = machine.facts([each.name for each in self.contestants], self.descriptors, rounds, loop)
        facts["idle connections"] = " and ".join(
            f"{self.scale.idle_connections(self.descriptors, slow=slow):,}{of}"
            for slow, of in ((False, ""), (True, " (stunnel, ssh)"))
        )
        facts["other processes"] = disturbance(samples.values())
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(samples, lines, facts), indent=1), encoding="utf-8")
        if page:
            write_between_markers(page, markdown(lines, columns, facts))
        print(terminal(lines, columns))
        print("\n".join(f"{name}: {value}" for name, value in facts.items()))

    def _is_shown(self, contestant: Contestant, options: argparse.Namespace) -> bool:
        return not contestant.is_peer or options.against is None or contestant.name in options.against


def as_json(
    samples: dict[str, dict[str, list[Sample]]], lines: Sequence[Line], facts: dict[str, str]
) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "facts": facts,
        "samples": {
            row: {name: [dataclasses.asdict(sample) for sample in each] for name, each in by_name.items()}
            for row, by_name in samples.items()
        },
        "figures": {
            each.figure.key: {
                "title": each.figure.title,
                "unit": each.figure.unit,
                "medians": {name: cell.median for name, cell in each.cells.items()},
                "to_best_peer": each.ratio,
                "target": str(each.figure.target) if each.figure.target else None,
                "missed_by": each.verdict.missed_by if each.verdict else None,
            }
            for each in lines
        },
    }


def raise_descriptors() -> int:
    """Raise ``ulimit -n`` to the hard limit, say so, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = hard if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    say(f"ulimit -n: {soft:,}, raised to the hard limit of {hard:,}; {len(os.sched_getaffinity(0))} cores")
    return hard


def say(text: str) -> None:
    """Tell how the run goes, beside its result."""
    print(text, file=sys.stderr, flush=True)

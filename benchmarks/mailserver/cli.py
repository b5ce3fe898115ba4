"""The command line: choose rows and sizes; run; print the table, write JSON and the page."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.mailserver import scale as scales
from benchmarks.mailserver.contestants import DOVECOT, OURS, Contestant, Server, is_installed
from benchmarks.mailserver.rows import ROWS, Row, figures
from benchmarks.mailserver.scale import Scale
from benchmarks.relay.bench import Sample
from benchmarks.relay.cli import as_json, raise_descriptors, say
from benchmarks.relay.contestants.field import OURS_NAME
from benchmarks.relay.generator.opening import LoadError
from benchmarks.relay.processes import StartError
from benchmarks.relay.processor_time import cpu_seconds, machine_cpu_seconds
from benchmarks.relay.report import machine
from benchmarks.relay.report.page import markdown, write_between_markers
from benchmarks.relay.report.results import Line, disturbance, line
from benchmarks.relay.report.table import terminal

OWNER = "benchmarks.mailserver"
"""Whose place in the page it is."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.mailserver", description=__doc__)
    options.add_argument(
        "--only", action="append", choices=[row.key for row in ROWS], help="measure this row; again for more"
    )
    options.add_argument("--alone", action="store_true", help="ours without Dovecot")
    options.add_argument("--rounds", type=int, help="how often each server has its turn")
    options.add_argument("--quick", action="store_true", help="fewer rounds and smaller mailboxes")
    options.add_argument("--json", type=Path, default=Path("build/mailserver.json"), help="where every sample goes")
    options.add_argument("--page", type=Path, help="a Markdown page whose marked part is written anew")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    options = parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    scale = scales.QUICK if options.quick else scales.FULL
    scale = dataclasses.replace(scale, rounds=options.rounds or scale.rounds)
    rows = [row for row in ROWS if not options.only or row.key in options.only]
    contestants = _contestants(alone=options.alone)
    descriptors = raise_descriptors()
    began = time.monotonic()
    with ExitStack() as stack:
        servers = {each: _start(stack, each, scale) for each in contestants}
        samples = {row.key: run_row(row, servers, scale) for row in rows}
    facts = machine.facts(
        [each.name for each in contestants], descriptors, f"{scale.rounds} interleaved", "stock asyncio loop"
    )
    facts["rounds"] += f"; {time.monotonic() - began:.0f} s in all, filling the mailboxes included"
    facts["other processes"] = disturbance(samples.values())
    _publish(samples, scale, contestants, facts, options)
    return 0


def _contestants(*, alone: bool) -> list[Contestant]:
    if not alone and not is_installed():
        say("!!! Dovecot 2.3 is NOT INSTALLED, its column stays empty: apt-get install dovecot-imapd")
    return [OURS] if alone or not is_installed() else [OURS, DOVECOT]


def _start(stack: ExitStack, contestant: Contestant, scale: Scale) -> Server:
    # Dovecot's user may not pass through a folder that is closed to others, and the path of a Unix socket is short.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{contestant.name}-", dir="/tmp")))
    began = time.monotonic()
    server = contestant.start(stack, folder, scale)
    say(f"{contestant.title}: filled and started in {time.monotonic() - began:.0f} s")
    return server


def run_row(row: Row, servers: dict[Contestant, Server], scale: Scale) -> dict[str, list[Sample]]:
    """Measure a row in turns; a server that fails is named and leaves the row."""
    taking_part = [each for each in servers if not (row.ours_alone and each.is_peer)]
    samples: dict[str, list[Sample]] = {each.name: [] for each in taking_part}
    for number in range(scale.rounds):
        for contestant in taking_part[:: -1 if number % 2 else 1]:
            try:
                samples[contestant.name].append(_one(row, contestant, servers[contestant], scale))
            except (StartError, LoadError, OSError) as error:
                say(f"!!! {row.key}: {contestant.title}: {error}")
    return samples


def _one(row: Row, contestant: Contestant, server: Server, scale: Scale) -> Sample:
    if not row.fresh:
        return _sample(row, server, scale)
    with ExitStack() as stack:
        return _sample(row, _start(stack, contestant, dataclasses.replace(scale, mails=0, sizes=())), scale)


def _sample(row: Row, server: Server, scale: Scale) -> Sample:
    began, own, theirs, all_of_it = (
        time.monotonic(),
        time.process_time(),
        cpu_seconds([server.pid]),
        machine_cpu_seconds(),
    )
    values = row.measure(server, scale)
    seconds, own = time.monotonic() - began, time.process_time() - own
    theirs, all_of_it = cpu_seconds([server.pid]) - theirs, machine_cpu_seconds() - all_of_it
    say(f"{row.title}: {seconds:.1f} s")
    return Sample(values, own / seconds, own / seconds, max(0.0, all_of_it - theirs - own) / seconds)


def _publish(
    samples: dict[str, dict[str, list[Sample]]],
    scale: Scale,
    contestants: Sequence[Contestant],
    facts: dict[str, str],
    options: argparse.Namespace,
) -> None:
    """Print the table, write the JSON file, and the page if there is one."""
    lines = _lines(samples, scale)
    columns = [(each.name, each.title) for each in contestants]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(as_json(samples, lines, facts), indent=1), encoding="utf-8")
    if options.page:
        write_between_markers(options.page, markdown(lines, columns, facts), OWNER)
    print(terminal(lines, columns))
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))


def _lines(samples: dict[str, dict[str, list[Sample]]], scale: Scale) -> list[Line]:
    peers = {name for each in samples.values() for name in each if name != OURS_NAME}
    found = (
        line(figure, samples[key], peers)
        for figure in figures(scale)
        if (key := figure.key.partition(".")[0]) in samples
    )
    return [each for each in found if each is not None]

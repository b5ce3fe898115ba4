"""How long the lab takes to start and to stop, and what the imports of each package cost.

``make bench`` (or ``python -m benchmarks.start [--runs N] [--json FILE]``) starts real processes, interleaved, and
prints medians with the spread. *Ready* is counted from the command to the moment MaCo has polled both connections.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

READY_S = 30.0
STOP_S = 10.0
TARGETS_S = {"up: command to both mails fetched": 1.5, "up: Ctrl-C to end of process": 1.0}
PACKAGES = ("maco_wire.socks5", "maco_net.tls", "certs.cast", "connector_sim.cloud.service", "maco_client.poller",
            "mailserver_sim.server", "maco_lab.cli")  # fmt: skip


def start_and_stop() -> tuple[float, float]:
    """Return the seconds until a lab is ready, and until it has gone after Ctrl-C."""
    ready, ready_for_child = os.pipe()
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-m", "maco_lab", "up", "--ports", "auto", "--state", state]
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, f"--ready-fd={ready_for_child}"], stdout=subprocess.DEVNULL, pass_fds=[ready_for_child]
        ) as lab:
            os.close(ready_for_child)
            wait_for(ready, b"polled\n")
            is_ready = time.perf_counter()
            lab.send_signal(signal.SIGINT)
            lab.wait(STOP_S)
            gone = time.perf_counter()
    os.close(ready)
    return is_ready - began, gone - is_ready


def wait_for(ready: int, word: bytes) -> None:
    """Return once the lab has said ``word``."""
    said = b""
    while word not in said:
        readable, _, _ = select.select([ready], [], [], READY_S)
        more = os.read(ready, 64) if readable else b""
        if not more:
            raise SystemExit("the lab did not start")
        said += more


def demo() -> float:
    """Return the seconds of one ``maco-lab demo``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "maco_lab", "demo"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def import_time(module: str) -> float:
    """Return the seconds that importing a module takes in a new interpreter, without the interpreter's own start."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def measure(runs: int) -> dict[str, list[float]]:
    """Run everything ``runs`` times in turn, so that a slow minute of the machine hits all alike."""
    seconds: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        seconds.setdefault(name, []).append(value)

    for _ in range(runs):
        up, stop = start_and_stop()
        add("up: command to both mails fetched", up)
        add("up: Ctrl-C to end of process", stop)
        add("demo: command to end", demo())
        for module in PACKAGES:
            add(f"import {module}", import_time(module))
    return seconds


def report(seconds: dict[str, list[float]], write: Callable[[str], object]) -> None:
    """Print one line for each figure: median, lowest and highest, in milliseconds."""
    write(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs, medians in ms\n")
    write(f"{'':44}{'median':>8}{'lowest':>8}{'highest':>8}{'target':>8}\n")
    for name, values in seconds.items():
        figures = (statistics.median(values), min(values), max(values))
        target = f"{TARGETS_S[name] * 1000:8.0f}" if name in TARGETS_S else ""
        write(f"{name:44}" + "".join(f"{value * 1000:8.0f}" for value in figures) + target + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure start, stop and imports on this machine.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write every single value to this file")
    options = parser.parse_args(arguments)
    seconds = measure(options.runs)
    report(seconds, sys.stdout.write)
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the pytest plugin costs a suite: its import, the first fixture, a reset, and a hundred tests by both ways.

``python -m benchmarks.plugin [--runs N] [--tests N] [--json FILE]`` prints medians with the spread. Everything is
measured in new processes; the suite is a real run of pytest without other plugins, counted from its command to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RESETS = 20
TARGETS_S = {"import of the plugin": 0.050, "first fixture": 0.500, "reset": 0.020, "suite": 15.0}

IN_PROCESS = f"""
import json, tempfile, time
import pytest
seconds = {{}}
began = time.perf_counter()
import maco_lab.pytest_plugin
seconds["import of the plugin"] = time.perf_counter() - began
began = time.perf_counter()
import maco_lab.testing.pool, maco_lab.mail_party
import mailserver_sim.imap.connection, mailserver_sim.imap.listening, mailserver_sim.smtp.connection
from pathlib import Path
from mailserver_sim.smtp import listening
seconds["imports of the first fixture"] = time.perf_counter() - began
with tempfile.TemporaryDirectory() as folder, maco_lab.testing.pool.LabPool(Path(folder)) as pool:
    began = time.perf_counter()
    authority = maco_lab.testing.lab.new_authority()
    lab = pool.take(None, authority)
    seconds["first fixture"] = time.perf_counter() - began
    resets = []
    for _ in range({RESETS}):
        for connection, user in ("way-a", "strom@stadtwerke.example"), ("way-b", "gas@stadtwerke.example"):
            lab.mail_server.deliver(user)
            assert lab.maco.poll(connection).stored == 1
        began = time.perf_counter()
        pool.take(None, authority)
        resets.append(time.perf_counter() - began)
    seconds["reset"] = sorted(resets)[len(resets) // 2]
print(json.dumps(seconds))
"""

SUITE = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_a_mail_arrives_by_both_ways(maco, mail_server, number):
    for connection, user in ("way-a", "strom@stadtwerke.example"), ("way-b", "gas@stadtwerke.example"):
        mail_server.deliver(user)
        assert maco.poll(connection).stored == 1
"""


def in_process() -> dict[str, float]:
    """Return the seconds of import, first fixture and reset."""
    done = subprocess.run([sys.executable, "-c", IN_PROCESS], capture_output=True, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def suite(tests: int) -> float:
    """Return the seconds of a run of pytest with so many tests."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_suite.py").write_text(SUITE.format(tests=tests), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "maco_lab.pytest_plugin", "-p", "no:cacheprovider"]
        began = time.perf_counter()
        subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - began


def measure(runs: int, tests: int) -> dict[str, list[float]]:
    """Run everything ``runs`` times in turn."""
    seconds: dict[str, list[float]] = {}
    for _ in range(runs):
        for name, value in in_process().items():
            seconds.setdefault(name, []).append(value)
        seconds.setdefault("suite", []).append(suite(tests))
    return seconds


def report(seconds: dict[str, list[float]], tests: int, write: Callable[[str], object]) -> None:
    """Print one line for each figure: median, lowest and highest, in milliseconds."""
    write(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs, medians in ms\n")
    write(f"{'':44}{'median':>8}{'lowest':>8}{'highest':>8}{'target':>8}\n")
    for name, values in seconds.items():
        shown = f"suite: {tests} tests, a mail by each way" if name == "suite" else name
        figures = (statistics.median(values), min(values), max(values))
        target = f"{TARGETS_S[name] * 1000:8.0f}" if name in TARGETS_S else ""
        write(f"{shown:44}" + "".join(f"{value * 1000:8.1f}" for value in figures) + target + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure what the pytest plugin costs on this machine.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tests", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write every single value to this file")
    options = parser.parse_args(arguments)
    seconds = measure(options.runs, options.tests)
    report(seconds, options.tests, sys.stdout.write)
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Run the command line as a user does, in processes of its own, with deadlines instead of sleeps."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import typer
from typer.testing import CliRunner

from maco_lab import runner
from maco_lab.background import background_loop
from maco_lab.cli import app

DEADLINE_S = 20.0
LOOK_EVERY_S = 0.01


@dataclass
class Process:
    """A running child; everything it printed is kept."""

    child: subprocess.Popen[bytes]
    printed: bytes = b""
    _done: bool = field(default=False, repr=False)

    @property
    def pid(self) -> int:
        return self.child.pid

    def wait_for(self, text: str) -> None:
        """Read standard output until ``text`` is in it."""
        end = time.monotonic() + DEADLINE_S
        while text.encode() not in self.printed:
            if self._done or time.monotonic() > end:
                raise AssertionError(f"{text!r} was not printed; printed was:\n{self.text}")
            self._read(end - time.monotonic())

    def wait(self) -> int:
        """Read everything and return the exit code."""
        end = time.monotonic() + DEADLINE_S
        while not self._done and time.monotonic() < end:
            self._read(end - time.monotonic())
        return self.child.wait(max(0.1, end - time.monotonic()))

    def stop(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; return the exit code and how many seconds the end took."""
        began = time.monotonic()
        self.child.send_signal(number)
        code = self.wait()
        return code, time.monotonic() - began

    @property
    def text(self) -> str:
        return self.printed.decode("utf-8", "replace")

    def _read(self, seconds: float) -> None:
        assert self.child.stdout is not None
        readable, _, _ = select.select([self.child.stdout], [], [], max(0.0, seconds))
        if readable:
            data = os.read(self.child.stdout.fileno(), 65536)
            self.printed += data
            self._done = not data


@contextlib.contextmanager
def running(
    *arguments: str, folder: Path, module: str = "maco_lab", environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Run ``python -m module`` in ``folder`` while the block runs; standard error goes to standard output."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        cwd=folder,
        env=child_environment() | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield Process(child)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def run(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "maco_lab", *arguments],
        cwd=folder,
        env=child_environment() | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def command(*arguments: str, folder: Path, app: typer.Typer = app) -> subprocess.CompletedProcess[str]:
    """Run one command to its end as ``run`` does, but in this process.

    For what is asked of a lab that runs; a lab starts here by ``command_that_starts_a_lab`` alone.
    """
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, arguments, prog_name="maco-lab")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def command_that_starts_a_lab(
    *arguments: str, folder: Path, module: ModuleType = runner, app: typer.Typer = app
) -> subprocess.CompletedProcess[str]:
    """Run a command as ``command`` does; ``module`` is where it finds ``run_lab``.

    Its lab runs on the loop that has this process's reactor.
    """
    with mock.patch.object(module, "run_lab", _run_lab_here):
        return command(*arguments, folder=folder, app=app)


def _run_lab_here(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return background_loop().run(coroutine)
    except runner.CANNOT_START as error:
        runner._stop(runner.reason_of(error))


def child_environment() -> dict[str, str]:
    """Return this environment, with the source tree importable from every folder."""
    root = Path(__file__).resolve().parents[2]
    return dict(os.environ) | {"PYTHONPATH": str(root), "COLUMNS": "100", "PYTHONWARNINGS": ""}


def wait_until(predicate: Callable[[], bool], what: str) -> None:
    """Look again and again until ``predicate`` holds; for files and processes that nothing announces."""
    end = time.monotonic() + DEADLINE_S
    looked = select.poll()
    while not predicate():
        assert time.monotonic() < end, f"{what}: not within {DEADLINE_S} s"
        looked.poll(LOOK_EVERY_S * 1000)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (one that has ended and was not waited for does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"

"""The generator as the benchmark sees it: a client that takes orders, and sinks; both are processes."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.relay.contestants.shape import Running
from benchmarks.relay.generator.opening import LoadError
from benchmarks.relay.processes import StartError, running

START_S = 10.0
MODULES = "benchmarks.relay.generator"


class LoadClient:
    """A client process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def order(self, do: str, way: Running, sinks: Sequence[int] = (), **details: Any) -> None:
        """Give an order; ``answer`` returns what came of it."""
        fields = {"do": do, "entry": way.entry.to_json(), "proxies": list(way.proxies), "sinks": list(sinks)}
        _say(self._process, json.dumps(fields | details))

    def answer(self, limit_s: float) -> dict[str, float]:
        """Return the answer to the last order. Raises LoadError if it failed, or took longer than ``limit_s``."""
        line = _listen(self._process, limit_s)
        if not line:
            raise LoadError(f"the client had no answer within {limit_s:g} s")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LoadError(answer["error"])
        return answer

    def stop_conversation(self) -> None:
        """End the conversation that goes on."""
        self._process.send_signal(signal.SIGUSR1)


class SinkProcess:
    """A sink process; ``ports`` lead to it."""

    def __init__(self, process: subprocess.Popen[bytes], ports: list[int]) -> None:
        self._process = process
        self.ports = ports
        self.pid = process.pid

    def connections(self) -> int:
        """Return how many connections the sink holds now."""
        _say(self._process, "connections")
        return int(_listen(self._process, START_S) or -1)


@contextmanager
def load_client(python: str, log: Path) -> Iterator[LoadClient]:
    """Run a client process."""
    with running([python, "-m", f"{MODULES}.client"], log, pipes=True) as process:
        yield LoadClient(process)


@contextmanager
def sink(python: str, log: Path, count: int) -> Iterator[SinkProcess]:
    """Run the plain sink on ``count`` ports."""
    with _ready(running([python, "-m", f"{MODULES}.sink", str(count)], log, pipes=True), log) as process:
        yield process


@contextmanager
def tls_sink(python: str, log: Path, certificate: Path, key: Path) -> Iterator[SinkProcess]:
    """Run the sink behind TLS."""
    command = [python, "-m", f"{MODULES}.tls_sink", str(certificate), str(key)]
    with _ready(running(command, log, pipes=True), log) as process:
        yield process


@contextmanager
def _ready(started: Any, log: Path) -> Iterator[SinkProcess]:
    with started as process:
        line = _listen(process, START_S)
        if not line:
            raise StartError(f"the sink did not start: {log.read_text(encoding='utf-8', errors='replace')[-400:]}")
        yield SinkProcess(process, json.loads(line))


def _say(process: subprocess.Popen[bytes], line: str) -> None:
    if process.stdin is None:
        raise ValueError("the process has no pipe to listen to")
    try:
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError as error:
        raise LoadError("the client has ended") from error


def _listen(process: subprocess.Popen[bytes], limit_s: float) -> bytes:
    if process.stdout is None:
        raise ValueError("the process has no pipe to speak through")
    readable, _, _ = select.select([process.stdout], [], [], limit_s)
    return process.stdout.readline() if readable else b""

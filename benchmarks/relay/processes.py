"""Start processes and end them whatever happens, with all that they have started themselves.

Each is the leader of a session of its own, so that Ctrl-C reaches only the benchmark, which then ends them in order.
Should the benchmark itself be killed, the kernel sends them SIGTERM (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.relay.processor_time import family, read_stats

LOOPBACK = "127.0.0.1"
STOP_S = 3.0
KILL_S = 10.0
_PR_SET_PDEATHSIG = 1
_LOWEST_PORT, _HIGHEST_PORT = 15_000, 32_000  # below the ephemeral ports, or a connection of the load might take one

_libc = ctypes.CDLL(None)


class StartError(Exception):
    """A process did not start; the text says which one and what it said."""


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, *, pipes: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process while the block runs; what it says goes to ``log``, with ``pipes`` only its standard error."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else said,
            stderr=said,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - the benchmark has no threads
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its descendants: SIGTERM, and SIGKILL for what is left after three seconds."""
    started = [stat.pid for stat in family([process.pid], read_stats())]
    for number, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, KILL_S)):
        for pid in _alive(started, process):
            _signal(pid, number)
        deadline = time.monotonic() + patience_s
        while _alive(started, process) and time.monotonic() < deadline:
            time.sleep(0.01)
    process.wait(KILL_S)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def free_port() -> int:
    """Return a loopback port that nobody listens on now, for programs that cannot be given a socket."""
    for _ in range(200):
        port = random.randint(_LOWEST_PORT, _HIGHEST_PORT)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise StartError("no free port on loopback")


def _alive(pids: Sequence[int], leader: subprocess.Popen[bytes]) -> list[int]:
    leader.poll()  # a leader that has ended is a zombie, still there for /proc, until it is waited for
    stats = read_stats()
    return [pid for pid in pids if pid in stats and not stats[pid].has_ended]


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

"""A server as a child in a process group of its own, which is empty when the block is left. Linux only (/proc)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

STOP_S = 10.0  # Dovecot's master itself kills processes that have not gone after 5 s
KILLED_S = 5.0


@contextlib.contextmanager
def process_group(
    command: Sequence[str], *, folder: Path, log: Path, identity: dict[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` in ``folder``; what it says goes to ``log``; ``identity`` is the user that it becomes.

    Leaving asks it to end (SIGTERM), and kills what of the group is alive after ``STOP_S``.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is for the test run, which then leaves the block
            **identity,
        )
    try:
        yield process
    finally:
        _stop(process)


def living(group: int) -> list[int]:
    """Return the IDs of a group's processes that have not ended; a zombie has, whenever its parent looks at it."""
    states = ((int(path.name), _group_of_living(path)) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [process for process, its_group in states if its_group == group]


def _group_of_living(process: Path) -> int | None:
    try:
        # proc(5): pid, name in brackets (which may hold brackets and blanks), state, parent, process group, ...
        state, _, group, *_ = (process / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):  # it has gone while we looked
        return None
    return None if state in {"Z", "X"} else int(group)


def _stop(process: subprocess.Popen[bytes]) -> None:
    group = process.pid
    process.terminate()
    if not all_ended(group, STOP_S):
        os.killpg(group, signal.SIGKILL)
        if not all_ended(group, KILLED_S):
            raise TimeoutError(f"processes {living(group)} of group {group} outlive SIGKILL")
    process.wait(KILLED_S)


def all_ended(group: int, timeout_s: float) -> bool:
    """Wait until no process of a group is left; False if one outlives the time."""
    deadline = time.monotonic() + timeout_s
    while members := living(group):
        if time.monotonic() >= deadline:
            return False
        for member in members:
            _await_end(member, max(0.0, deadline - time.monotonic()))
    return True


def _await_end(process: int, timeout_s: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process)
        try:
            select.select([descriptor], [], [], timeout_s)  # readable when the process has ended
        finally:
            os.close(descriptor)

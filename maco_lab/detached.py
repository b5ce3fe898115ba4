"""``maco-lab up --detach``: start the lab in a process of its own and wait until it runs."""

from __future__ import annotations

import dataclasses
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

import typer

from maco_lab.journal import open_private
from maco_lab.lab_file import LabFile
from maco_lab.state import StateFolder
from maco_lab.up_options import UpOptions

READY_S = 30.0
FIRST_POLL_S = 10.0
"""A first poll that takes longer goes on in the background: a mail server that is silent is no reason not to start."""

STOP_S = 5.0


def start_detached(file: LabFile, lab: Path | None, state: StateFolder, options: UpOptions) -> int:
    """Start the lab, print what it said by the time it was ready, and return the exit code for this process."""
    if state.is_locked:
        note = state.read_note()
        who = f" (pid {note.pid})" if note else ""
        typer.echo(f"a lab is running in {state.folder} already{who}: stop it by `maco-lab down`", err=True)
        return 2
    try:
        log = open_private(state.log)
    except OSError as error:
        typer.echo(f"{state.log}: {error.strerror}", err=True)
        return 2
    with log:
        child, ready = _start(lab, state, options, log)
    try:
        is_up = _wait_until_ready(ready)
    except BaseException:
        _end(child)
        raise
    finally:
        os.close(ready)
    typer.echo(state.log.read_text(encoding="utf-8", errors="replace"), nl=False, err=not is_up)
    if is_up:
        typer.echo(f"runs {file.name} in the background (pid {child.pid}); what it says goes to {state.log}")
        return 0
    _end(child)
    return 2


def _start(
    lab: Path | None, state: StateFolder, options: UpOptions, log: TextIO
) -> tuple[subprocess.Popen[bytes], int]:
    """Return the lab's process, and the pipe on which it tells how far it is."""
    ready, ready_for_child = os.pipe()
    options = dataclasses.replace(options, ready_fd=ready_for_child)
    # -P: nothing that lies in the current folder is taken for a module.
    command = [sys.executable, "-P", "-m", "maco_lab", "up", *options.as_arguments()]
    command += [f"--state={state.folder}"] if options.keep else []
    command += [f"--lab={lab}"] if lab else []
    try:
        child = subprocess.Popen(  # noqa: S603 - this program itself, with arguments of its own
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[ready_for_child],
        )
    finally:
        os.close(ready_for_child)
    return child, ready


def _wait_until_ready(ready: int) -> bool:
    """Return whether the child said that it is up; the pipe ends after the first poll, or when the child has ended."""
    if not _read(ready, READY_S):
        return False
    end = time.monotonic() + FIRST_POLL_S
    while (left := end - time.monotonic()) > 0 and _read(ready, left):
        pass
    return True


def _read(ready: int, seconds: float) -> bytes:
    readable, _, _ = select.select([ready], [], [], seconds)
    return os.read(ready, 16) if readable else b""


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

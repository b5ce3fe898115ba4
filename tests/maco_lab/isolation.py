"""A lab with a process for each party, as `maco-lab up --isolate` starts it: its processes, its journal, its polls."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.maco_lab.processes import Process, command, running, wait_until

READY = "ends the lab."
PARTIES = ("Mail server", "Connectivity service", "Cloud Connector scc", "MaCo")
FETCHED_BOTH_WAYS = [("way-a", True, 1), ("way-b", True, 1)]
Line = dict[str, Any]


@contextlib.contextmanager
def isolated(folder: Path, *more: str) -> Iterator[Process]:
    temporary = folder / "t"
    temporary.mkdir(exist_ok=True)
    environment = {"TMPDIR": str(temporary)}
    with running("up", "--isolate", "--ports", "auto", *more, folder=folder, environment=environment) as lab:
        lab.wait_for(READY)
        yield lab


def journal(folder: Path) -> list[Line]:
    text = (folder / ".maco-lab" / "journal.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def processes(folder: Path) -> dict[str, int]:
    """Return the newest process of every party."""
    return {line["name"]: line["pid"] for line in journal(folder) if line["kind"] == "party_process"}


def is_started_again(folder: Path, name: str, killed: int) -> Callable[[], bool]:
    def check() -> bool:
        seen = [line for line in journal(folder) if line["kind"] == "party_process" and line["name"] == name]
        newest = seen[-1]
        return (newest["state"], newest["pid"] == killed) == ("started", False)

    return check


def kill(folder: Path, name: str) -> int:
    """Kill a party's process and return its number, once its parent has seen another one up."""
    pid = processes(folder)[name]
    os.kill(pid, signal.SIGKILL)
    wait_until(is_started_again(folder, name, pid), f"{name} is started again")
    return pid


def is_connected(folder: Path, *, after: int, locations: Sequence[str] = ("WERK1",)) -> Callable[[], bool]:
    """Tell whether the tunnels of these Cloud Connectors came up after an entry of the journal."""

    def check() -> bool:
        seen = [line for line in journal(folder) if line["n"] > after and line["kind"] == "tunnel_state"]
        up = [line for line in seen if (line["party"], line["state"]) == ("Connectivity service", "Connected")]
        return {line["location_id"] for line in up} >= {*locations}

    return check


def poll_everything(folder: Path) -> list[tuple[str, bool, int]]:
    """Deliver a mail to both mailboxes and poll; return what each connection came to."""
    for user in ("strom", "gas"):
        sent = command("send", "--to", f"{user}@stadtwerke.example", folder=folder)
        assert sent.returncode == 0, sent.stderr
    polled = json.loads(command("poll", "--json", folder=folder).stdout)
    return [(each["connection"], each["succeeded"], each["stored"]) for each in polled]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def running_children_of(pid: int) -> list[int]:
    """Return the children that have become a party: before that they are copies of their parent, which waits for it."""
    found = []
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            found += [child] if b"--attached" in Path(f"/proc/{child}/cmdline").read_bytes() else []
    return found

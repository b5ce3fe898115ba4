"""Processes that the benchmark starts are ended, with all that they have started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from benchmarks.relay import processes
from benchmarks.relay.processes import LOOPBACK, free_port, running
from benchmarks.relay.processor_time import family, read_stats

# Python 3.12 warns of preexec_fn where threads run, as under pytest-xdist; the benchmark itself has none.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def are_alive(pids: set[int]) -> bool:
    return any(stat.pid in pids and not stat.has_ended for stat in read_stats().values())


def test_what_a_process_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_S", 0.05)
    command = ["sh", "-c", "trap '' TERM; sleep 60 & echo begun; read nothing"]

    with running(command, tmp_path / "log", pipes=True) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        started = {stat.pid for stat in family([process.pid], read_stats())}

        assert are_alive(started)

    assert len(started) == 2
    assert not are_alive(started)


def test_a_process_ends_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(LookupError), running(["sleep", "60"], tmp_path / "log") as process:
        raise LookupError

    assert process.returncode is not None


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, free_port()))

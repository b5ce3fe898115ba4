"""A group of processes ends with the block, whatever its members do."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.real import process_group as module
from tests.real.process_group import living, process_group

pytestmark = pytest.mark.real

LONG = "600"


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stays ignored over exec(2)


@pytest.fixture
def sleep(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(module, "STOP_S", 0.1)
    return require_program("sleep")


def test_members_are_alive_inside_the_block_and_gone_behind_it(tmp_path: Path, sleep: str) -> None:
    with process_group([sleep, LONG], folder=tmp_path, log=tmp_path / "log", identity={}) as process:
        assert living(process.pid) == [process.pid]
    assert living(process.pid) == []
    assert process.returncode == -signal.SIGTERM


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path, sleep: str) -> None:
    stubborn = {"preexec_fn": ignore_sigterm}
    with process_group([sleep, LONG], folder=tmp_path, log=tmp_path / "log", identity=stubborn) as process:
        pass
    assert process.returncode == -signal.SIGKILL


def test_a_grandchild_that_outlives_its_parent_is_killed(tmp_path: Path, sleep: str) -> None:
    command = ["sh", "-c", f"{sleep} {LONG} & exit 0"]
    with process_group(command, folder=tmp_path, log=tmp_path / "log", identity={}) as process:
        process.wait(module.KILLED_S)
        assert len(living(process.pid)) == 1
    assert living(process.pid) == []


def test_what_the_process_says_is_in_the_log(tmp_path: Path, sleep: str) -> None:
    command = ["sh", "-c", "echo out; echo err >&2"]
    with process_group(command, folder=tmp_path, log=tmp_path / "log", identity={}) as process:
        process.wait(module.KILLED_S)
    assert (tmp_path / "log").read_text() == "out\nerr\n"

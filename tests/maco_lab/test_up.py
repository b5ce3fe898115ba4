"""`maco-lab up`, `poll`, `send` and `down` as a user runs them: in processes of their own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from maco_lab.state import RunNote, StateFolder
from tests.maco_lab.processes import Process, command, is_alive, run, running, wait_until

pytestmark = pytest.mark.slow

STOP_S = 3.0  # the target is one second, which benchmarks.start measures; a busy machine may take longer
READY = "ends the lab."


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The TMPDIR of the lab's processes; a short path, as a Unix socket's name must be."""
    folder = tmp_path / "t"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def lab_up(folder: Path, temporary: Path, *more: str) -> Iterator[Process]:
    with running("up", "--ports", "auto", *more, folder=folder, environment={"TMPDIR": str(temporary)}) as lab:
        lab.wait_for(READY)
        yield lab


def note_of(folder: Path) -> RunNote:
    note = StateFolder(folder / ".maco-lab", create=False).read_note()
    assert note is not None
    return note


def test_a_running_lab_is_polled_and_sent_to_and_ended_by_other_commands(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary) as lab:
        assert "way-a: 1 mail fetched" in lab.text
        assert "way-b: 1 mail fetched" in lab.text

        sent = run("send", folder=tmp_path)
        assert (sent.returncode, sent.stdout[:36]) == (0, "accepted for strom@stadtwerke.exampl")
        polled = run("poll", "way-a", folder=tmp_path)
        assert (polled.returncode, polled.stdout) == (0, "way-a: 1 mail(s) fetched\n")
        down = run("down", folder=tmp_path)

        assert (down.returncode, down.stdout) == (0, f"stopped (pid {lab.pid})\n")
        assert lab.wait() == 0


@dataclass
class Ended:
    """A lab that a signal has ended."""

    text: str
    code: int
    took_s: float
    """Until the end of its output: no process that could hold a port is left."""
    folder: Path
    left_behind: list[str]
    """In the TMPDIR of its processes."""


def end(lab: Process, number: signal.Signals, folder: Path, temporary: Path) -> Ended:
    code, took_s = lab.stop(number)
    return Ended(lab.text, code, took_s, folder, [each.name for each in temporary.iterdir()])


@dataclass
class Killed:
    """What a lab has left that got a SIGKILL."""

    folder: Path
    left_behind: list[str]
    """In the TMPDIR of its processes."""
    has_note: bool
    polled: subprocess.CompletedProcess[str]
    """How a poll went thereafter."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    (temporary := folder / "t").mkdir()
    with lab_up(folder, temporary) as lab:
        lab.child.kill()
        lab.wait()
    left = [each.name for each in temporary.iterdir()]
    has_note = (folder / ".maco-lab" / "run.json").exists()
    return Killed(folder, left, has_note, command("poll", folder=folder))


@dataclass
class Again(Ended):
    """A lab that was started where another one was killed."""

    used: list[str]
    """In the TMPDIR of its processes, while it ran."""


@pytest.fixture(scope="module")
def interrupted(killed: Killed) -> Again:
    """A lab in the folder of one that was killed; it logged, was polled and got a SIGINT."""
    folder, temporary = killed.folder, killed.folder / "t"
    with lab_up(folder, temporary, "--verbose") as lab:
        command("poll", folder=folder)
        used = [each.name for each in temporary.iterdir()]
        return Again(**vars(end(lab, signal.SIGINT, folder, temporary)), used=used)


@pytest.fixture(scope="module")
def terminated(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A lab that was started after one that was killed, whose number another process has now, and got a SIGTERM."""
    folder = tmp_path_factory.mktemp("terminated")
    (temporary := folder / "t").mkdir()
    StateFolder(folder / ".maco-lab").write_note(RunNote(os.getpid(), "lab.yaml", "/nonexistent/control", {}, ()))
    with lab_up(folder, temporary) as lab:
        return end(lab, signal.SIGTERM, folder, temporary)


@pytest.mark.parametrize("how", ["interrupted", "terminated"])
def test_a_signal_ends_the_lab_soon_and_leaves_nothing_behind(how: str, request: pytest.FixtureRequest) -> None:
    ended: Ended = request.getfixturevalue(how)

    assert ended.code == 0
    assert ended.took_s < STOP_S
    assert ended.left_behind == []
    assert not (ended.folder / ".maco-lab" / "run.json").exists()


def test_a_signal_ends_a_lab_whose_first_poll_hangs(tmp_path: Path, temporary: Path) -> None:
    """Nothing answers behind the mapping, and MaCo would wait for half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lab_file = tmp_path / "lab.yaml"
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        lab_file.write_text(default_text().replace("143: 127.0.0.1:3143", f"143: {there}"))
        with running("up", "--ports=auto", folder=tmp_path, environment={"TMPDIR": str(temporary)}) as lab:
            silent.settimeout(20)
            waiting, _ = silent.accept()
            code, took_s = lab.stop(signal.SIGINT)
            waiting.close()

    assert (code, took_s < STOP_S) == (0, True)
    assert list(temporary.iterdir()) == []


def test_down_ends_a_lab_while_a_poll_is_under_way(tmp_path: Path, temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "lab.yaml").write_text(default_text().replace("143: 127.0.0.1:3143", f"143: {there}"))
        with running("up", "--ports=auto", folder=tmp_path, environment={"TMPDIR": str(temporary)}) as lab:
            silent.settimeout(20)
            waiting, _ = silent.accept()
            began = time.monotonic()
            down = run("down", folder=tmp_path)
            took_s = time.monotonic() - began
            assert lab.wait() == 0
            waiting.close()

    assert down.returncode == 0
    assert took_s < 2 * STOP_S, "stopping, and the command's own start"


def test_taps_tell_what_they_saw_of_the_first_polls_and_at_the_end_how_much_passed(tmp_path: Path) -> None:
    with running("up", "--ports=auto", "--tap", folder=tmp_path, environment={"COLUMNS": "80"}) as lab:
        lab.wait_for(READY)
        first = lab.text
        assert command("poll", folder=tmp_path).returncode == 0
        code, _ = lab.stop(signal.SIGINT)

    assert code == 0
    assert max(map(len, lab.text.splitlines())) <= 80
    assert "way-a, as the taps saw it:\n  Seen at " in first
    assert "    wire: cloud network  in clear " in first.partition("way-b, as the taps saw it:")[2]
    told = re.findall(r"Tap on the (.+): awake, both ends agree; (\d+) connections?, (\d+) bytes", first)
    ended = re.findall(r"Tap on the (.+): (\d+) connections?, (\d+) bytes\n", lab.text.removeprefix(first))
    assert [hop for hop, _, _ in told] == [hop for hop, _, _ in ended] == ["cloud network", "tunnel", "customer LAN"]
    assert [(int(after) - int(before)) for (_, before, _), (_, after, _) in zip(told, ended, strict=True)] == [2, 0, 2]
    assert all(int(before) < int(after) for (*_, before), (*_, after) in zip(told, ended, strict=True))


def test_after_kill_9_a_lab_starts_again_and_clears_away_what_was_left(killed: Killed, interrupted: Again) -> None:
    assert (len(killed.left_behind), killed.has_note) == (1, True)
    assert (killed.polled.returncode, killed.polled.stderr[:21]) == (2, "no lab is running in ")

    assert len(interrupted.used) == 1
    assert "way-a: 1 mail fetched" in interrupted.text
    assert interrupted.left_behind == []


def test_the_number_of_a_killed_lab_given_to_another_process_does_not_stop_a_new_lab(
    tmp_path: Path, terminated: Ended
) -> None:
    state = StateFolder(tmp_path / ".maco-lab")
    state.write_note(RunNote(os.getpid(), "lab.yaml", "/nonexistent/control", {}, ()))

    assert command("down", folder=tmp_path).stdout == "no lab is running in .maco-lab\n"
    assert (terminated.code, "way-a: 1 mail fetched" in terminated.text) == (0, True)


def test_an_occupied_port_is_named_with_what_to_do(tmp_path: Path, temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "lab.yaml").write_text(
            default_text()
            .replace("socks5_port: 20004", f"socks5_port: {port}")
            .replace("{imap: 3143, imaps: 3993, smtp: 3025, submission: 3587, smtps: 3465}", "{imap: 0, smtp: 0}")
            .replace("port: 8025 ", "port: 0 ")
        )
        result = run("up", folder=tmp_path, environment={"TMPDIR": str(temporary)})

    assert result.returncode == 2
    assert f"127.0.0.1:{port}" in result.stderr
    assert "--ports auto" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(temporary.iterdir()) == []


def test_nothing_that_a_lab_prints_or_keeps_as_text_holds_a_password(interrupted: Again) -> None:
    texts = [interrupted.text, *((interrupted.folder / ".maco-lab" / name).read_text() for name in ("journal.jsonl",))]
    assert all(len(text) > 1000 for text in texts)
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert [text for text in texts if secret in text] == []


def test_a_detached_lab_runs_until_it_is_told_to_stop_and_takes_no_module_from_the_current_folder(
    tmp_path: Path, temporary: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the current folder')")

    started = run("up", "--detach", "--ports=auto", folder=tmp_path, environment={"TMPDIR": str(temporary)})
    assert started.returncode == 0, started.stdout + started.stderr
    assert "way-b: 1 mail fetched" in started.stdout
    pid = note_of(tmp_path).pid
    assert f"in the background (pid {pid})" in started.stdout

    assert command("poll", folder=tmp_path).returncode == 0
    again = command("up", "--detach", "--ports=auto", folder=tmp_path)
    assert (again.returncode, f"(pid {pid})" in again.stderr) == (2, True)
    assert run("down", folder=tmp_path).stdout == f"stopped (pid {pid})\n"

    wait_until(lambda: not is_alive(pid), "the lab's process ends")
    assert list(temporary.iterdir()) == []


def test_a_detached_lab_that_cannot_start_says_why_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / ".maco-lab").mkdir(mode=0o700)
    (tmp_path / ".maco-lab" / "mail.sqlite").write_bytes(b"not a database " * 100)

    started = run("up", "--detach", "--ports=auto", folder=tmp_path)

    assert (started.returncode, started.stdout) == (2, "")
    assert "mail.sqlite is not a mail store" in started.stderr
    assert "Traceback" not in started.stderr
    assert not StateFolder(tmp_path / ".maco-lab", create=False).is_locked


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mail.sqlite", "mail.sqlite has schema 99"),
        (
            "configuration.sqlite",
            "configuration.sqlite: was written by a newer version of maco-lab (schema 99, this one knows 1)",
        ),
    ],
    ids=["mail", "configuration"],
)
def test_a_store_of_a_newer_version_is_refused_in_one_line(tmp_path: Path, name: str, told: str) -> None:
    state = StateFolder(tmp_path / ".maco-lab")
    with contextlib.closing(sqlite3.connect(state.folder / name)) as database:
        database.execute("PRAGMA user_version = 99")

    result = run("up", "--ports=auto", "--state=.maco-lab", folder=tmp_path)

    assert result.returncode == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_lab_whose_output_nobody_reads_ends_and_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    """As in `maco-lab up | head -1`."""
    with running("up", "--ports=auto", folder=tmp_path, environment={"TMPDIR": str(temporary)}) as lab:
        assert lab.child.stdout is not None
        lab.child.stdout.close()
        lab._done = True
        lab.wait()

    assert list(temporary.iterdir()) == []
    assert not (tmp_path / ".maco-lab" / "run.json").exists()

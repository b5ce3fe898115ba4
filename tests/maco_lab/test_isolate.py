"""`maco-lab up --isolate`: a process for each party, one journal, and nothing that is left at the end."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from tests.maco_lab.isolation import (
    FETCHED_BOTH_WAYS,
    PARTIES,
    READY,
    Line,
    children_of,
    isolated,
    journal,
    kill,
    poll_everything,
    processes,
)
from tests.maco_lab.processes import Process, command, is_alive, run, running, wait_until
from tests.maco_lab.through_the_lab import connection, log_out, said, that_drains, wait_until_closed

pytestmark = pytest.mark.slow

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of processes in /proc")

STOP_S = 3.0  # the target is one second, which benchmarks.start measures; a busy machine may take longer


@dataclass
class Ended:
    """A lab that a signal has ended."""

    lab: Process
    told: str
    """What was printed before the signal."""
    code: int
    took_s: float
    pids: Mapping[str, int]
    """The processes of its parties before the signal."""
    folder: Path

    @property
    def survivors(self) -> list[int]:
        return [pid for pid in self.pids.values() if is_alive(pid)]

    @property
    def journal(self) -> list[Line]:
        return journal(self.folder)


def end(lab: Process, number: signal.Signals, folder: Path, *, others: Callable[[], None] = lambda: None) -> Ended:
    """End a lab by a signal; it is waited for from when ``others`` have done what they do then."""
    told, pids = lab.text, processes(folder)
    assert all(is_alive(pid) for pid in pids.values())
    lab.child.send_signal(number)
    others()
    began = time.monotonic()
    code = lab.wait()
    return Ended(lab, told, code, time.monotonic() - began, pids, folder)


@dataclass
class Killed:
    """A lab whose parent was killed, and what became of its parties."""

    folder: Path
    pids: Mapping[str, int]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    with isolated(folder) as lab:
        pids = processes(folder)
        lab.child.kill()
        lab.wait()
    return Killed(folder, pids)


@dataclass
class Seen(Ended):
    """What was seen of its secrets while it ran, too."""

    arguments: list[str]
    """The command lines of its parties, where there is /proc."""
    modes: list[int]
    """Of the folder that has the certificates, and of the keys in it."""
    polled: list[tuple[str, bool, int]]
    answer: bytes
    """To what somebody else said who was connected when it was to end."""


@pytest.fixture(scope="module")
def interrupted(killed: Killed) -> Seen:
    """A lab in the folder of one that was killed; it logged, and got a SIGINT while somebody was connected."""
    folder = killed.folder
    (folder / "lab.yaml").write_text(that_drains(600), encoding="utf-8")
    wait_until(lambda: not any(is_alive(pid) for pid in killed.pids.values()), "all parties of the first one end")
    with isolated(folder, "--verbose") as lab:
        lines = [Path(f"/proc/{pid}/cmdline") for pid in processes(folder).values()]
        arguments = [line.read_bytes().decode() for line in lines if line.exists()]
        kept = folder / ".maco-lab" / "pki-of-this-run"
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (kept, *kept.glob("*.key"))]
        polled = poll_everything(folder)
        with connection(folder) as client:
            answers: list[bytes] = []

            def finish() -> None:
                wait_until_closed(folder)
                answers.append(said(client, b"a NOOP"))
                assert lab.child.poll() is None
                log_out(client)

            ended = end(lab, signal.SIGINT, folder, others=finish)
        return Seen(**vars(ended), arguments=arguments, modes=modes, polled=polled, answer=answers[0])


@dataclass
class Drained(Ended):
    """A lab through which somebody else was connected until the limit."""

    answer: bytes
    """To that connection's last command, when the lab had ended."""


@pytest.fixture(scope="module")
def terminated(tmp_path_factory: pytest.TempPathFactory) -> Drained:
    """A lab that kept its certificates and got a SIGTERM."""
    folder = tmp_path_factory.mktemp("terminated")
    (folder / "lab.yaml").write_text(that_drains(0.2), encoding="utf-8")
    with isolated(folder, "--certs", "pki") as lab:
        lab.wait_for("See it at http")
        with connection(folder) as client:
            ended = end(lab, signal.SIGTERM, folder)
            return Drained(**vars(ended), answer=said(client, b"b NOOP"))


@dataclass
class Held(Ended):
    """A lab whose first poll was cut off, and of which a party hung at the end."""

    polled: int
    """The exit code of a poll that came later."""


@pytest.fixture(scope="module")
def held_up(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Nothing answers behind the mapping at first, so MaCo is in the middle of its first poll when it is killed."""
    folder = tmp_path_factory.mktemp("held_up")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        (folder / "lab.yaml").write_text(default_text().replace("143: 127.0.0.1:3143", f"143: {there}"))
        with running("up", "--isolate", "--ports=auto", folder=folder) as lab:
            silent.settimeout(20)
            waiting, _ = silent.accept()
            kill(folder, "MaCo")
            lab.wait_for("way-a: failed at step")
            waiting.close()
            lab.wait_for(READY)
            polled = command("poll", "way-b", folder=folder).returncode
            os.kill(processes(folder)["Cloud Connector scc"], signal.SIGSTOP)
            return Held(**vars(end(lab, signal.SIGINT, folder)), polled=polled)


def test_every_party_has_a_process_of_its_own_and_mail_comes_by_both_ways(interrupted: Seen) -> None:
    assert sorted(interrupted.pids) == sorted(PARTIES)
    assert len({*interrupted.pids.values(), interrupted.lab.pid}) == 5
    assert interrupted.polled == FETCHED_BOTH_WAYS
    assert "way-a: 1 mail fetched in" in interrupted.told
    assert "TLS from MaCo to the mail server, end to end" in interrupted.told
    assert "TLS from the Cloud Connector to the mail server" in " ".join(interrupted.told.split())


def test_what_is_printed_is_the_same_as_with_one_process(tmp_path: Path, terminated: Drained) -> None:
    def words(text: str) -> list[str]:
        """Return what is printed without the figures and what their width makes of the lines."""
        # Sorted: the two connections are polled at once, and whichever ends first is told first.
        return sorted(word for word in text.split() if not any(character.isdigit() for character in word))

    (tmp_path / "lab.yaml").write_text(that_drains(0.2), encoding="utf-8")
    with running("up", "--ports=auto", folder=tmp_path) as alone:
        alone.wait_for(READY)
        alone.wait_for("See it at http")

    assert words(terminated.told) == words(alone.text)


def test_the_journal_is_one_stream_numbered_without_gaps_in_the_order_of_time(interrupted: Seen) -> None:
    lines = interrupted.journal
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert {line["party"] for line in lines} == {"MaCo", "Connectivity service", "Cloud Connector", "Mail server"}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


@pytest.mark.parametrize("how", ["interrupted", "terminated"])
def test_all_processes_look_for_the_same_planted_secrets(how: str, request: pytest.FixtureRequest) -> None:
    """The line in a mail is planted anew at each start: its value must reach every process."""
    ended: Ended = request.getfixturevalue(how)

    seen = {(line["party"], line["name"]) for line in ended.journal if line["kind"] == "canary_seen"}
    parties = {"MaCo", "Connectivity service", "Cloud Connector", "Mail server"}
    assert {party for party, name in seen if name == "line in a mail of gas@stadtwerke.example"} == parties
    assert {party for party, name in seen if name == "line in a mail of strom@stadtwerke.example"} == {
        "MaCo",
        "Mail server",
    }


@needs_proc
def test_no_secret_is_in_an_argument_a_log_or_the_journal(interrupted: Seen) -> None:
    assert len(interrupted.arguments) == 4
    assert (interrupted.modes[0], set(interrupted.modes[1:])) == (0o700, {0o600})
    kept = (interrupted.folder / ".maco-lab" / "journal.jsonl").read_text()
    texts = [*interrupted.arguments, interrupted.lab.text, kept]
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert [text for text in texts if secret in text] == []


def test_certificates_that_are_kept_are_used_by_every_process_and_stay(terminated: Drained) -> None:
    assert "way-a: 1 mail fetched" in terminated.told
    assert (terminated.folder / "pki" / "root.pem").exists()
    assert not (terminated.folder / ".maco-lab" / "pki-of-this-run").exists()


def test_a_poll_whose_process_is_killed_fails_and_the_lab_goes_on(held_up: Held) -> None:
    assert "MaCo's process ended during the poll" in " ".join(held_up.told.split())
    assert held_up.polled == 0


def test_a_process_that_hangs_does_not_hold_up_the_end(held_up: Held) -> None:
    assert (held_up.code, held_up.took_s < STOP_S) == (0, True), held_up.took_s
    assert held_up.survivors == []


@pytest.mark.parametrize("how", ["interrupted", "terminated"])
def test_a_signal_ends_all_processes_soon_and_leaves_nothing(how: str, request: pytest.FixtureRequest) -> None:
    ended: Ended = request.getfixturevalue(how)

    assert (ended.code, ended.took_s < STOP_S) == (0, True), ended.took_s
    assert ended.survivors == []
    assert list((ended.folder / "t").iterdir()) == []
    kept = {"inbox.sqlite", "journal.jsonl", "lock", "log", "mail.sqlite", "mail.sqlite.lock"}
    assert {path.name for path in (ended.folder / ".maco-lab").iterdir()} <= kept


def test_who_is_connected_may_finish(interrupted: Seen) -> None:
    assert interrupted.answer.startswith(b"a OK")
    assert interrupted.code == 0


def test_the_limit_ends_what_somebody_else_has_to_do(terminated: Drained) -> None:
    assert (terminated.code, terminated.answer) == (0, b"")


def test_no_party_outlives_a_parent_that_was_killed(killed: Killed) -> None:
    wait_until(lambda: not any(is_alive(pid) for pid in killed.pids.values()), "all parties end")


def test_a_lab_starts_again_in_the_folder_of_one_that_was_killed(interrupted: Seen) -> None:
    assert "way-a: 1 mail fetched" in interrupted.told
    assert interrupted.code == 0
    assert not (interrupted.folder / ".maco-lab" / "pki-of-this-run").exists()


@needs_proc
def test_no_party_outlives_a_parent_that_was_killed_while_they_start(tmp_path: Path) -> None:
    with running("up", "--isolate", "--ports=auto", folder=tmp_path) as lab:
        wait_until((tmp_path / ".maco-lab" / "pki-of-this-run").exists, "the certificates are made")
        wait_until(lambda: len(children_of(lab.pid)) == len(PARTIES), "all processes are there")
        children = children_of(lab.pid)
        lab.child.kill()
        lab.wait()

    wait_until(lambda: not any(is_alive(pid) for pid in children), "all parties end")


def test_an_occupied_port_is_named_as_with_one_process(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "lab.yaml").write_text(
            default_text()
            .replace("socks5_port: 20004", f"socks5_port: {port}")
            .replace("{imap: 3143, imaps: 3993, smtp: 3025, submission: 3587, smtps: 3465}", "{imap: 0, smtp: 0}")
        )
        alone = run("up", folder=tmp_path)
        result = run("up", "--isolate", folder=tmp_path)

    assert f"127.0.0.1:{port}" in result.stderr
    assert (result.returncode, result.stderr) == (alone.returncode, alone.stderr)


def test_a_detached_isolated_lab_is_polled_and_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    started = run("up", "--isolate", "--detach", "--ports=auto", folder=tmp_path)
    assert started.returncode == 0, started.stdout + started.stderr
    pids = processes(tmp_path)
    found = re.search(r"in the background \(pid (\d+)\)", started.stdout)
    assert found

    assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
    down = run("down", folder=tmp_path)
    assert (down.returncode, down.stdout) == (0, f"stopped (pid {found[1]})\n")
    assert [pid for pid in pids.values() if is_alive(pid)] == []

"""`maco-lab up --isolate`: a process for each party, one journal, and a party that is killed comes back."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import smtplib
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from maco_lab.lab_file import default_text
from maco_lab.testing.settings import lab_text
from tests.maco_lab.processes import Process, is_alive, run, running, wait_until

pytestmark = pytest.mark.slow

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of processes in /proc")

STOP_S = 3.0  # the target is one second, which benchmarks.start measures; a busy machine may take longer
READY = "ends the lab."
PARTIES = ("Mail server", "Connectivity service", "Cloud Connector scc", "MaCo")
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


def is_connected(folder: Path, *, after: int) -> Callable[[], bool]:
    def check() -> bool:
        seen = [line for line in journal(folder) if line["n"] > after and line["kind"] == "tunnel_state"]
        return any((line["party"], line["state"]) == ("Connectivity service", "Connected") for line in seen)

    return check


def poll_everything(folder: Path) -> list[tuple[str, bool, int]]:
    """Deliver a mail to both mailboxes and poll; return what each connection came to."""
    for user in ("strom", "gas"):
        sent = run("send", "--to", f"{user}@stadtwerke.example", folder=folder)
        assert sent.returncode == 0, sent.stderr
    polled = json.loads(run("poll", "--json", folder=folder).stdout)
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


FETCHED_BOTH_WAYS = [("way-a", True, 1), ("way-b", True, 1)]


def test_every_party_has_a_process_of_its_own_and_mail_comes_by_both_ways(tmp_path: Path) -> None:
    with isolated(tmp_path) as lab:
        pids = processes(tmp_path)

        assert sorted(pids) == sorted(PARTIES)
        assert len({*pids.values(), lab.pid}) == 5
        assert all(is_alive(pid) for pid in pids.values())
        assert "way-a: 1 mail fetched in" in lab.text
        assert "TLS from MaCo to the mail server, end to end" in lab.text
        assert "TLS from the Cloud Connector to the mail server" in " ".join(lab.text.split())


def test_what_is_printed_is_the_same_as_with_one_process(tmp_path: Path) -> None:
    def told(*more: str) -> list[str]:
        """Return what is printed without the figures and what their width makes of the lines."""
        with running("up", "--ports=auto", "--state", f"s{len(more)}", *more, folder=tmp_path) as lab:
            lab.wait_for(READY)
            lab.wait_for("See it at http")
        # Sorted: the two connections are polled at once, and whichever ends first is told first.
        return sorted(word for word in lab.text.split() if not any(character.isdigit() for character in word))

    assert told("--isolate") == told()


def test_poll_send_and_down_work_as_before(tmp_path: Path) -> None:
    with isolated(tmp_path) as lab:
        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
        assert run("poll", "way-c", folder=tmp_path).stderr == (
            "found e-mail connection 'way-c', allowed: way-a, way-b\n"
        )
        pids = processes(tmp_path)
        down = run("down", folder=tmp_path)

        assert (down.returncode, down.stdout) == (0, f"stopped (pid {lab.pid})\n")
        assert lab.wait() == 0
    assert [pid for pid in pids.values() if is_alive(pid)] == []


def test_the_journal_is_one_stream_numbered_without_gaps_in_the_order_of_time(tmp_path: Path) -> None:
    with isolated(tmp_path) as lab:
        poll_everything(tmp_path)
        lab.stop(signal.SIGINT)

    lines = journal(tmp_path)
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert {line["party"] for line in lines} == {"MaCo", "Connectivity service", "Cloud Connector", "Mail server"}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


def test_all_processes_look_for_the_same_planted_secrets(tmp_path: Path) -> None:
    """The line in a mail is planted anew at each start: its value must reach every process."""
    with isolated(tmp_path) as lab:
        lab.stop(signal.SIGINT)

    seen = {(line["party"], line["name"]) for line in journal(tmp_path) if line["kind"] == "canary_seen"}
    parties = {"MaCo", "Connectivity service", "Cloud Connector", "Mail server"}
    assert {party for party, name in seen if name == "line in a mail of gas@stadtwerke.example"} == parties
    assert {party for party, name in seen if name == "line in a mail of strom@stadtwerke.example"} == {
        "MaCo",
        "Mail server",
    }


@pytest.mark.parametrize("name", PARTIES)
def test_a_party_that_is_killed_is_seen_and_survived(tmp_path: Path, name: str) -> None:
    with isolated(tmp_path) as lab:
        addresses = (tmp_path / ".maco-lab" / "run.json").read_text()
        last = journal(tmp_path)[-1]["n"]

        killed = kill(tmp_path, name)
        if name in ("Connectivity service", "Cloud Connector scc"):
            wait_until(is_connected(tmp_path, after=last), "the tunnel is up again")

        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
        ended = [line for line in journal(tmp_path) if line["n"] > last and line.get("state") == "ended"]
        assert [(line["name"], line["pid"], line["reason"]) for line in ended] == [(name, killed, "SIGKILL")]
        assert (tmp_path / ".maco-lab" / "run.json").read_text() == addresses
        lab.wait_for(f"{name}: runs again")
        assert f"{name}: its process (pid {killed}) ended: SIGKILL; it is started again" in lab.text
        assert {pid for pid in processes(tmp_path).values() if not is_alive(pid)} == set()
        assert lab.stop(signal.SIGINT)[0] == 0


@needs_proc
def test_a_connector_that_comes_back_before_the_cloud_side_connects_when_that_is_there(tmp_path: Path) -> None:
    """One that never got through would not dial again by itself."""
    with isolated(tmp_path) as lab:
        pids, before = processes(tmp_path), set(children_of(lab.pid))
        os.kill(pids["Connectivity service"], signal.SIGKILL)
        wait_until(lambda: bool(set(running_children_of(lab.pid)) - before), "the cloud side is started again")
        (held_up,) = set(running_children_of(lab.pid)) - before
        os.kill(held_up, signal.SIGSTOP)
        try:
            kill(tmp_path, "Cloud Connector scc")
            last = journal(tmp_path)[-1]["n"]
            states = [line["state"] for line in journal(tmp_path) if line["kind"] == "tunnel_state"]
            assert states[-1] == "ConnectFailure"
        finally:
            os.kill(held_up, signal.SIGCONT)
        wait_until(is_connected(tmp_path, after=last), "the tunnel is up again")

        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS


def test_each_of_two_connectors_has_its_process_and_one_that_is_killed_leaves_the_other_alone(tmp_path: Path) -> None:
    def add_connector(data: Line) -> None:
        other = copy.deepcopy(data["cloud_connectors"][0]) | {"name": "second"}
        other["subaccounts"][0]["location_id"] = "WERK2"
        data["cloud_connectors"].append(other)
        data["maco"]["email_servers"][1]["location_id"] = "WERK2"

    (tmp_path / "lab.yaml").write_text(lab_text(add_connector).text)
    with isolated(tmp_path):
        last = journal(tmp_path)[-1]["n"]
        kill(tmp_path, "Cloud Connector second")
        wait_until(is_connected(tmp_path, after=last), "the tunnel is up again")

        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
        states = [line for line in journal(tmp_path) if line["n"] > last and line["kind"] == "tunnel_state"]
        assert {line["location_id"] for line in states} == {"WERK2"}


def test_a_poll_whose_process_is_killed_fails_and_the_lab_goes_on(tmp_path: Path) -> None:
    """Nothing answers behind the mapping at first, so MaCo is in the middle of its first poll when it is killed."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "lab.yaml").write_text(default_text().replace("143: 127.0.0.1:3143", f"143: {there}"))
        with running("up", "--isolate", "--ports=auto", folder=tmp_path) as lab:
            silent.settimeout(20)
            waiting, _ = silent.accept()
            kill(tmp_path, "MaCo")
            lab.wait_for("way-a: failed at step")
            waiting.close()
            lab.wait_for(READY)
            polled = run("poll", "way-b", folder=tmp_path)
            code, _ = lab.stop(signal.SIGINT)

    assert "MaCo's process ended during the poll" in " ".join(lab.text.split())
    assert (polled.returncode, code) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_processes_soon_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with isolated(tmp_path) as lab:
        pids = processes(tmp_path)
        code, took_s = lab.stop(number)

    assert (code, took_s < STOP_S) == (0, True), took_s
    assert [pid for pid in pids.values() if is_alive(pid)] == []
    assert list((tmp_path / "t").iterdir()) == []
    kept = {"inbox.sqlite", "journal.jsonl", "lock", "mail.sqlite", "mail.sqlite.lock"}
    assert {path.name for path in (tmp_path / ".maco-lab").iterdir()} <= kept


def test_a_process_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with isolated(tmp_path) as lab:
        pids = processes(tmp_path)
        os.kill(pids["Cloud Connector scc"], signal.SIGSTOP)
        code, took_s = lab.stop(signal.SIGINT)

    assert (code, took_s < STOP_S) == (0, True), took_s
    assert [pid for pid in pids.values() if is_alive(pid)] == []


def test_no_party_outlives_a_parent_that_was_killed_and_the_lab_starts_again(tmp_path: Path) -> None:
    with isolated(tmp_path) as lab:
        pids = processes(tmp_path)
        lab.child.kill()
        lab.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in pids.values()), "all parties end")

    with isolated(tmp_path) as again:
        assert "way-a: 1 mail fetched" in again.text
        assert again.stop(signal.SIGINT)[0] == 0
    assert not (tmp_path / ".maco-lab" / "pki-of-this-run").exists()


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


def test_a_detached_isolated_lab_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    started = run("up", "--isolate", "--detach", "--ports=auto", folder=tmp_path)
    assert started.returncode == 0, started.stdout + started.stderr
    pids = processes(tmp_path)

    assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
    assert run("down", folder=tmp_path).returncode == 0
    assert [pid for pid in pids.values() if is_alive(pid)] == []


@needs_proc
def test_no_secret_is_in_an_argument_a_log_or_the_journal(tmp_path: Path) -> None:
    with isolated(tmp_path, "--verbose") as lab:
        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in processes(tmp_path).values()]
        kept = tmp_path / ".maco-lab" / "pki-of-this-run"
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (kept, *kept.glob("*.key"))]
        lab.stop(signal.SIGINT)

    assert len(arguments) == 4
    assert (modes[0], set(modes[1:])) == (0o700, {0o600})
    texts = [*arguments, lab.text, (tmp_path / ".maco-lab" / "journal.jsonl").read_text()]
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert [text for text in texts if secret in text] == []


def test_certificates_that_are_kept_are_used_by_every_process_and_stay(tmp_path: Path) -> None:
    with isolated(tmp_path, "--certs", "pki") as lab:
        lab.stop(signal.SIGINT)

    assert "way-a: 1 mail fetched" in lab.text
    assert (tmp_path / "pki" / "root.pem").exists()
    assert not (tmp_path / ".maco-lab" / "pki-of-this-run").exists()


def test_a_burst_of_mails_is_polled_over_the_pipe(tmp_path: Path) -> None:
    """The answer to such a poll is larger than a pipe's buffer."""
    with isolated(tmp_path) as lab:
        note = json.loads((tmp_path / ".maco-lab" / "run.json").read_text())
        host, port = note["addresses"]["smtp"]
        with smtplib.SMTP(host, port, timeout=10) as server:
            for number in range(400):
                mail = f"Subject: {number} {'x' * 200}\r\n\r\n{number}\r\n".encode()
                server.sendmail("a@b.example", ["strom@stadtwerke.example"], mail)
        polled = json.loads(run("poll", "--json", "way-a", folder=tmp_path).stdout)
        lab.stop(signal.SIGINT)

    assert (polled[0]["stored"], len(polled[0]["mails"])) == (400, 400)


WITH_SHADOW = """  - name: scc
    high_availability:
      check_interval_s: 0.1
      takeover_delay_s: 0.1
      connect_timeout_ms: 1000
      request_timeout_ms: 1000
"""


def is_in_role(folder: Path, system: str, role: str, *states: str) -> Callable[[], bool]:
    def check() -> bool:
        seen = [line for line in journal(folder) if line["kind"] == "ha_state" and line["system"] == system]
        return bool(seen) and (seen[-1]["role"], seen[-1]["state"] in states) == (role, True)

    return check


def with_shadow(folder: Path) -> None:
    (folder / "lab.yaml").write_text(default_text().replace("  - name: scc\n", WITH_SHADOW, 1), encoding="utf-8")


def test_a_shadow_takes_over_from_a_master_that_hangs_and_keeps_the_part_when_it_comes_back(tmp_path: Path) -> None:
    with_shadow(tmp_path)
    with isolated(tmp_path):
        wait_until(is_in_role(tmp_path, "scc shadow", "shadow", "READY"), "the shadow is ready")
        master = processes(tmp_path)["Cloud Connector scc"]
        os.kill(master, signal.SIGSTOP)
        try:
            wait_until(is_in_role(tmp_path, "scc shadow", "master", "ALONE"), "the shadow takes over")
            assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS
        finally:
            os.kill(master, signal.SIGCONT)
        wait_until(is_in_role(tmp_path, "scc", "shadow", "READY"), "the former master is the shadow")
        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS


def test_a_master_that_was_killed_comes_back_and_mail_comes_by_both_ways(tmp_path: Path) -> None:
    with_shadow(tmp_path)
    with isolated(tmp_path):
        wait_until(is_in_role(tmp_path, "scc shadow", "shadow", "READY"), "the shadow is ready")
        before = journal(tmp_path)[-1]["n"]
        kill(tmp_path, "Cloud Connector scc")
        wait_until(is_connected(tmp_path, after=before), "one of the two is connected")
        wait_until(
            lambda: (
                {is_in_role(tmp_path, each, "shadow", "READY")() for each in ("scc", "scc shadow")} == {True, False}
            ),
            "they are a pair again",
        )
        assert poll_everything(tmp_path) == FETCHED_BOTH_WAYS

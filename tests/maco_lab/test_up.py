"""`maco-lab up`, `poll`, `send` and `down` as a user runs them: in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from maco_lab.state import RunNote, StateFolder
from tests.maco_lab.processes import Process, is_alive, run, running, wait_until
from tests.maco_wire.capture_reader import SECRETS, captured, walk

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


def test_poll_as_json_has_the_documented_keys(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary, "--no-seed"):
        run("send", "--to", "gas@stadtwerke.example", folder=tmp_path)
        (result,) = json.loads(run("poll", "--json", "way-b", folder=tmp_path).stdout)

    assert result.keys() == {
        *("connection", "succeeded", "stage", "stored", "error", "hint"),
        *("socks_reply", "duration_ms", "vouched_by", "mails"),
    }
    assert result["mails"][0].keys() == {
        *("inbox_id", "uid_validity", "uid", "size", "subject", "already_known", "post_processed")
    }


def test_polling_a_connection_that_is_not_there_names_those_that_are(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary):
        polled = run("poll", "way-c", folder=tmp_path)

    assert (polled.returncode, polled.stdout) == (2, "")
    assert polled.stderr == "found e-mail connection 'way-c', allowed: way-a, way-b\n"


def test_sending_to_an_unknown_mailbox_tells_what_the_mail_server_answered(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary):
        sent = run("send", "--to", "nobody@stadtwerke.example", folder=tmp_path)

    assert sent.returncode == 2
    assert sent.stderr.startswith("nobody@stadtwerke.example: refused by the mail server: 550 ")


def test_a_mail_of_ones_own_arrives_byte_for_byte(tmp_path: Path, temporary: Path) -> None:
    mail = b"From: a@b.example\r\nTo: strom@stadtwerke.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHallo\r\n"
    (tmp_path / "own.eml").write_bytes(mail)
    with lab_up(tmp_path, temporary):
        sent = run("send", "--file", "own.eml", folder=tmp_path)
        polled = json.loads(run("poll", "--json", "way-a", folder=tmp_path).stdout)

    assert sent.stdout == "accepted for strom@stadtwerke.example: Grüße\n"
    assert [each["subject"] for each in polled[0]["mails"]] == ["Grüße"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_lab_soon_and_leaves_nothing_behind(
    tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    with lab_up(tmp_path, temporary) as lab:
        code, took_s = lab.stop(number)  # the end of its output: no process that could hold a port is left

    assert code == 0
    assert took_s < STOP_S
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / ".maco-lab" / "run.json").exists()


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


@pytest.mark.parametrize(("option", "has_keys"), [("--keys", True), ("--no-keys", False)])
def test_a_lab_with_taps_writes_what_has_passed_so_far(
    tmp_path: Path, temporary: Path, option: str, has_keys: bool
) -> None:
    with lab_up(tmp_path, temporary, "--tap"):
        done = run("capture", "hops.pcapng", "--running", option, folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    file = (tmp_path / "hops.pcapng").read_bytes()
    assert {each.interface for each in captured(file)} == {0, 1, 2}
    assert (SECRETS in [kind for kind, _ in walk(file)]) is has_keys


def test_taps_tell_what_they_saw_of_the_first_polls_and_at_the_end_how_much_passed(tmp_path: Path) -> None:
    with running("up", "--ports=auto", "--tap", folder=tmp_path, environment={"COLUMNS": "80"}) as lab:
        lab.wait_for(READY)
        first = lab.text
        assert run("poll", folder=tmp_path).returncode == 0
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


def test_a_lab_without_taps_says_how_to_get_them(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary):
        done = run("capture", "hops.pcapng", "--running", folder=tmp_path)

    assert (done.returncode, done.stderr) == (2, "the lab runs without taps: start it by `maco-lab up --tap`\n")


def test_a_running_lab_tells_why_it_could_not_write_a_capture(tmp_path: Path, temporary: Path) -> None:
    name = "x" * 254
    with lab_up(tmp_path, temporary, "--tap"):
        done = run("capture", name, "--running", folder=tmp_path)

    assert (done.returncode, done.stderr) == (2, f"{tmp_path / name}: File name too long\n")


def test_a_second_lab_in_the_same_folder_is_refused_and_the_first_one_keeps_its_journal(
    tmp_path: Path, temporary: Path
) -> None:
    with lab_up(tmp_path, temporary) as lab:
        journal = (tmp_path / ".maco-lab" / "journal.jsonl").read_bytes()
        second = run("up", "--ports=auto", folder=tmp_path)

        assert second.returncode == 2
        assert second.stderr.startswith(f"a lab is running in .maco-lab already (pid {lab.pid}): ")
        assert (tmp_path / ".maco-lab" / "journal.jsonl").read_bytes().startswith(journal)
        assert run("poll", folder=tmp_path).returncode == 0


def test_after_kill_9_a_lab_starts_again_and_clears_away_what_was_left(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary) as lab:
        lab.child.kill()
        lab.wait()
    assert len(list(temporary.iterdir())) == 1
    assert (tmp_path / ".maco-lab" / "run.json").exists()
    poll = run("poll", folder=tmp_path)
    assert (poll.returncode, poll.stderr[:21]) == (2, "no lab is running in ")

    with lab_up(tmp_path, temporary) as again:
        assert len(list(temporary.iterdir())) == 1
        assert "way-a: 1 mail fetched" in again.text
        again.stop(signal.SIGINT)

    assert list(temporary.iterdir()) == []


def test_the_number_of_a_killed_lab_given_to_another_process_does_not_stop_a_new_lab(
    tmp_path: Path, temporary: Path
) -> None:
    state = StateFolder(tmp_path / ".maco-lab")
    state.write_note(RunNote(os.getpid(), "lab.yaml", "/nonexistent/control", {}, ()))

    assert run("down", folder=tmp_path).stdout == "no lab is running in .maco-lab\n"
    with lab_up(tmp_path, temporary) as lab:
        assert lab.stop(signal.SIGTERM)[0] == 0


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


def test_the_state_folder_and_all_that_is_in_it_is_private(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary):
        folder = tmp_path / ".maco-lab"
        files = [path for path in folder.iterdir() if path.is_file()]

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {"journal.jsonl", "run.json", "mail.sqlite", "inbox.sqlite"} <= {path.name for path in files}
        assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_nothing_that_a_lab_prints_or_keeps_as_text_holds_a_password(tmp_path: Path, temporary: Path) -> None:
    with lab_up(tmp_path, temporary, "--verbose") as lab:
        run("poll", folder=tmp_path)
        lab.stop(signal.SIGINT)

    texts = [lab.text, *((tmp_path / ".maco-lab" / name).read_text() for name in ("journal.jsonl",))]
    assert all(len(text) > 1000 for text in texts)
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert [text for text in texts if secret in text] == []


def test_a_detached_lab_runs_until_it_is_told_to_stop(tmp_path: Path, temporary: Path) -> None:
    started = run("up", "--detach", "--ports=auto", folder=tmp_path, environment={"TMPDIR": str(temporary)})
    assert started.returncode == 0, started.stdout + started.stderr
    assert "way-b: 1 mail fetched" in started.stdout
    pid = note_of(tmp_path).pid
    assert f"in the background (pid {pid})" in started.stdout

    assert run("poll", folder=tmp_path).returncode == 0
    again = run("up", "--detach", "--ports=auto", folder=tmp_path)
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


def test_a_detached_lab_takes_no_module_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the current folder')")

    started = run("up", "--detach", "--ports=auto", folder=tmp_path)

    assert started.returncode == 0, started.stdout + started.stderr
    assert run("down", folder=tmp_path).returncode == 0


def test_a_store_of_a_newer_version_is_refused_in_one_line(tmp_path: Path) -> None:
    import sqlite3

    state = StateFolder(tmp_path / ".maco-lab")
    with contextlib.closing(sqlite3.connect(state.mail_store)) as database:
        database.execute("PRAGMA user_version = 99")

    result = run("up", "--ports=auto", folder=tmp_path)

    assert result.returncode == 2
    assert "has schema 99" in result.stderr
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

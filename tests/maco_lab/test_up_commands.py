"""What other commands do with a lab that runs, and what starting another one does to it: all ask the same two labs."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from tests.maco_lab.processes import command, run, running
from tests.maco_wire.capture_reader import SECRETS, captured, walk

pytestmark = pytest.mark.slow


def lab_in(folder: Path, *more: str) -> Iterator[Path]:
    """Run a lab that polls on demand, and yield the folder that it runs in."""
    (folder / "lab.yaml").write_text(default_text().replace("poll_every_s: 60", "poll_every_s: 3600"))
    with running("up", "--ports=auto", *more, folder=folder, environment={"TMPDIR": str(folder)}) as lab:
        lab.wait_for("ends the lab.")
        yield folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from lab_in(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from lab_in(tmp_path_factory.mktemp("tapped"), "--tap")


def test_poll_as_json_has_the_documented_keys(plain: Path) -> None:
    command("send", "--to", "gas@stadtwerke.example", folder=plain)
    (result,) = json.loads(command("poll", "--json", "way-b", folder=plain).stdout)

    assert result.keys() == {
        *("connection", "succeeded", "stage", "stored", "error", "hint", "duration_ms", "vouched_by", "warnings"),
        *(
            "socks_status",
            "socks_reply",
            "alert_sent",
            "alert_received",
            "java_alert",
            "java_text",
            "server_answer",
            "seen_by",
        ),
        "mails",
    }
    assert result["mails"][0].keys() == {
        *("inbox_id", "uid_validity", "uid", "size", "subject", "already_known", "post_processed"),
        *("duplicate_of", "problems", "unique_id"),
    }


def test_polling_a_connection_that_is_not_there_names_those_that_are(plain: Path) -> None:
    polled = command("poll", "way-c", folder=plain)

    assert (polled.returncode, polled.stdout) == (2, "")
    assert polled.stderr == "found e-mail connection 'way-c', allowed: 'way-a', 'way-b'\n"


def test_sending_to_an_unknown_mailbox_tells_what_the_mail_server_answered(plain: Path) -> None:
    sent = command("send", "--to", "nobody@stadtwerke.example", folder=plain)

    assert sent.returncode == 2
    assert sent.stderr.startswith("nobody@stadtwerke.example: refused by the mail server: 550 ")


def test_a_mail_of_ones_own_arrives_byte_for_byte(plain: Path) -> None:
    mail = b"From: a@b.example\r\nTo: strom@stadtwerke.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHallo\r\n"
    (plain / "own.eml").write_bytes(mail)
    sent = run("send", "--file", "own.eml", folder=plain)
    polled = json.loads(run("poll", "--json", "way-a", folder=plain).stdout)

    assert sent.stdout == "accepted for strom@stadtwerke.example: Grüße\n"
    assert [each["subject"] for each in polled[0]["mails"]] == ["Grüße"]


@pytest.mark.parametrize(("option", "has_keys"), [("--keys", True), ("--no-keys", False)])
def test_a_lab_with_taps_writes_what_has_passed_so_far(tapped: Path, option: str, has_keys: bool) -> None:
    done = command("capture", "hops.pcapng", "--running", option, folder=tapped)

    assert (done.returncode, done.stderr) == (0, "")
    file = (tapped / "hops.pcapng").read_bytes()
    assert {each.interface for each in captured(file)} == {0, 1, 2}
    assert (SECRETS in [kind for kind, _ in walk(file)]) is has_keys


def test_a_lab_without_taps_says_how_to_get_them(plain: Path) -> None:
    done = run("capture", "hops.pcapng", "--running", folder=plain)

    assert (done.returncode, done.stderr) == (2, "the lab runs without taps: start it by `maco-lab up --tap`\n")


def test_a_running_lab_tells_why_it_could_not_write_a_capture(tapped: Path) -> None:
    name = "x" * 254
    done = command("capture", name, "--running", folder=tapped)

    assert (done.returncode, done.stderr) == (2, f"{tapped / name}: File name too long\n")


@pytest.mark.parametrize("state", [(), ("--state", ".maco-lab")], ids=["", "kept"])
def test_a_second_lab_in_the_same_folder_is_refused_and_the_first_one_keeps_its_journal(
    plain: Path, state: tuple[str, ...]
) -> None:
    folder = plain / ".maco-lab"
    journal, pid = (folder / "journal.jsonl").read_bytes(), json.loads((folder / "run.json").read_text())["pid"]
    second = (command if state else run)("up", "--ports=auto", *state, folder=plain)

    assert second.returncode == 2
    assert second.stderr == (
        f"a lab is running in .maco-lab already (pid {pid}): stop it by `maco-lab down`, "
        "or give this one a folder of its own by --state\n"
    )
    assert (folder / "journal.jsonl").read_bytes().startswith(journal)
    assert command("poll", folder=plain).returncode == 0


def test_the_state_folder_and_all_that_is_in_it_is_private(plain: Path) -> None:
    folder = plain / ".maco-lab"
    files = [path for path in folder.iterdir() if path.is_file()]

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"journal.jsonl", "run.json", "mail.sqlite", "inbox.sqlite"} <= {path.name for path in files}
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []

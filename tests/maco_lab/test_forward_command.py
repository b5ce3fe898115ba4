"""`maco-lab forward` as a user runs it, beside a lab that `maco-lab up` runs."""

from __future__ import annotations

import contextlib
import imaplib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.maco_lab.processes import Process, child_environment, running

pytestmark = pytest.mark.slow

SECRET = "lab-secret-of-maco"
DEADLINE_S = 20.0
LOGOUT = b"a1 LOGOUT\r\n"
LOGGED_OUT = b"a1 OK LOGOUT completed\r\n"


@pytest.fixture(scope="module")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which a lab runs."""
    folder = tmp_path_factory.mktemp("lab")
    with running("up", "--ports", "auto", folder=folder, environment={"TMPDIR": str(folder)}) as lab:
        lab.wait_for("ends the lab.")
        yield folder


@contextlib.contextmanager
def port_of(folder: Path, address: str, *more: str) -> Iterator[tuple[int, Process]]:
    with running("forward", "0", address, *more, folder=folder) as forward:
        forward.wait_for("Ctrl-C ends it\n")
        found = re.match(r"127\.0\.0\.1:(\d+) leads to (.*);", forward.text)
        assert found
        assert found[2] == f"{address} (Location ID 'WERK1')"
        yield int(found[1]), forward


def stdio(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "maco_lab", "forward", "--stdio", *arguments],
        cwd=folder,
        env=child_environment(),
        input=given,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_free_port_is_printed_and_leads_to_the_mail_server(lab_folder: Path) -> None:
    with port_of(lab_folder, "mailbox.virtual:993") as (port, _), imaplib.IMAP4("127.0.0.1", port) as mailbox:
        assert mailbox.login("gas@stadtwerke.example", "Gas0815Postfach")[0] == "OK"


def test_only_this_machines_loopback_address_is_listened_on(lab_folder: Path) -> None:
    with port_of(lab_folder, "mailbox.virtual:993") as (port, _), socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_though_a_program_is_connected(lab_folder: Path, number: signal.Signals) -> None:
    with port_of(lab_folder, "mailbox.virtual:993") as (port, forward), socket.create_connection(("127.0.0.1", port)):
        code, took_s = forward.stop(number)

    assert (code, took_s < 1.0) == (0, True)


def test_what_is_refused_is_told_and_the_program_is_reset(lab_folder: Path) -> None:
    with port_of(lab_folder, "mailbox.virtual:994") as (port, forward):
        program = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        with program, pytest.raises(ConnectionResetError):
            program.recv(1)
        forward.wait_for("(0x02 FORBIDDEN); look at: There is no mapping for the virtual host mailbox.virtual:994")


def test_stdio_prints_nothing_but_what_the_mail_server_says(lab_folder: Path) -> None:
    done = stdio(lab_folder, "mailbox.virtual:993", given=LOGOUT)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    assert done.stdout.endswith(LOGGED_OUT)


def test_stdio_that_is_refused_exits_1_and_prints_nothing(lab_folder: Path) -> None:
    done = stdio(lab_folder, "mailbox.virtual:993", "--location-id", "")

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"maco-lab forward: mailbox.virtual:993 (no Location ID): SOCKS: Network unreachable")
    assert len(done.stderr.splitlines()) == 1


def test_stdio_works_on_a_terminal_and_leaves_it_blocking(lab_folder: Path) -> None:
    ours, terminal = os.openpty()
    command = [sys.executable, "-P", "-m", "maco_lab", "forward", "--stdio", "mailbox.virtual:993"]
    with subprocess.Popen(
        command, cwd=lab_folder, env=child_environment(), stdin=terminal, stdout=terminal, start_new_session=True
    ) as forward:
        read_until(ours, b" ready\r")
        os.write(ours, b"a1 LOGOUT\n")
        read_until(ours, b"a1 OK LOGOUT completed")
        assert forward.wait(DEADLINE_S) == 0
    assert os.get_blocking(terminal)
    os.close(ours)
    os.close(terminal)


def read_until(descriptor: int, wanted: bytes) -> None:
    """Read until ``wanted`` was read."""
    end = time.monotonic() + DEADLINE_S
    data = b""
    while wanted not in data:
        readable, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
        assert readable, data
        data += os.read(descriptor, 4096)


def test_stdio_without_standard_input_is_a_wrong_call(lab_folder: Path) -> None:
    command = f"exec {sys.executable} -P -m maco_lab forward --stdio mailbox.virtual:993 <&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=lab_folder, env=child_environment(), capture_output=True, timeout=30, check=False
    )

    assert (done.returncode, done.stderr) == (2, b"--stdio: standard input and output must be open\n")


def test_the_note_the_arguments_and_the_output_hold_no_secret(lab_folder: Path) -> None:
    with port_of(lab_folder, "mailbox.virtual:994") as (port, forward):
        with socket.create_connection(("127.0.0.1", port)):
            forward.wait_for("look at")
        assert SECRET not in forward.text
        arguments = Path(f"/proc/{forward.pid}/cmdline")
        assert not arguments.exists() or SECRET not in arguments.read_text()
    assert SECRET not in (lab_folder / ".maco-lab" / "run.json").read_text()
    assert SECRET not in (lab_folder / ".maco-lab" / "journal.jsonl").read_text()

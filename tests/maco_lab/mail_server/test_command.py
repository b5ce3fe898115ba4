"""``python -m mailserver_sim --user``: a mail server by itself, in a process as a user runs it."""

from __future__ import annotations

import contextlib
import imaplib
import json
import signal
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maco_lab.mail_server import command as alone
from mailserver_sim.settings import LISTENER_PROTOCOLS
from tests.maco_lab.page.client import PageClient
from tests.maco_lab.processes import Process, command_that_starts_a_lab, running

pytestmark = pytest.mark.slow

FREE_PORTS = tuple(part for protocol in LISTENER_PROTOCOLS for part in (f"--{protocol}", "0"))


@contextlib.contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[Process, dict[str, Any]]]:
    """Run a server on free ports, and wait until it has told that it is up."""
    with running(
        "--user", "maco:secret", "--json", *FREE_PORTS, *options, folder=folder, module="mailserver_sim"
    ) as it:
        it.wait_for("\n")
        yield it, json.loads(it.text.splitlines()[0])


def address(ready: dict[str, Any], protocol: str) -> tuple[str, int]:
    return ready["listeners"][protocol]["host"], ready["listeners"][protocol]["port"]


def fetch_first(ready: dict[str, Any]) -> bytes:
    context = ssl.create_default_context(cafile=ready["trust"])
    with imaplib.IMAP4_SSL("localhost", address(ready, "imaps")[1], ssl_context=context, timeout=20) as client:
        client.login("maco", "secret")
        client.select()
        _, found = client.fetch("1", "(BODY[])")
        assert isinstance(found[0], tuple)
        return found[0][1]


def test_what_is_there_at_the_end_is_exported_in_every_format_and_what_is_preloaded_is_there(tmp_path: Path) -> None:
    mail = b"Subject: kept\r\n\r\nFrom a line that an mbox quotes\r\n"
    given = tmp_path / "mail"
    given.mkdir()
    (given / "one.eml").write_bytes(mail)
    for kind in ("maildir", "mbox", "eml"):  # each server has what the one before exported
        out = tmp_path / kind
        with server(tmp_path, "--preload", str(given), "--export", str(out), "--export-as", kind) as (process, ready):
            assert fetch_first(ready) == mail
            assert process.stop(signal.SIGTERM)[0] == 0
        given = out / "maco"

    assert [path.read_bytes() for path in given.rglob("*.eml")] == [mail]


def test_a_mail_comes_by_smtp_and_goes_by_imap_and_a_signal_ends_it(tmp_path: Path) -> None:
    with server(tmp_path) as (process, ready):
        with smtplib.SMTP(*address(ready, "smtp"), timeout=20) as client:
            client.sendmail("a@b.example", ["maco@localhost"], b"Subject: alone\r\n\r\nhello\r\n")
        assert fetch_first(ready).endswith(b"Subject: alone\r\n\r\nhello\r\n")
        code, _ = process.stop(signal.SIGINT)

    assert code == 0
    observations = [json.loads(line) for line in process.text.splitlines()[1:]]
    assert "mail_accepted" in {each["kind"] for each in observations}
    assert not Path(ready["trust"]).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_person_is_told_of_each_mail(tmp_path: Path) -> None:
    options = ["--user", "maco:secret", *FREE_PORTS, "--api", "0"]
    with running(*options, folder=tmp_path, module="mailserver_sim") as process:
        process.wait_for("Ctrl-C ends it.")
        api = next(line.split()[1] for line in process.text.splitlines() if line.startswith("API"))
        host, _, port = api.removeprefix("http://").removesuffix("/api").partition(":")
        client = PageClient((host, int(port)))
        client.ask("POST", "/api/messages?user=maco", b"Subject: \x1b[31mred\r\n\r\n", Content_Type="message/rfc822")
        process.wait_for("maco: mail 1 in INBOX, 21 bytes: ?[31mred\n")
        code, _ = process.stop(signal.SIGTERM)

    assert code == 0
    assert "Traceback" not in process.text


def test_a_store_that_is_kept_has_its_mail_after_a_restart_and_belongs_to_one_server(tmp_path: Path) -> None:
    store = ("--store", "mail.sqlite", "--write-root", "root.pem")
    with server(tmp_path, *store) as (process, ready):
        with smtplib.SMTP(*address(ready, "smtp"), timeout=20) as client:
            client.sendmail("a@b.example", ["maco@localhost"], b"Subject: kept\r\n\r\n")
        told = refused(tmp_path, *FREE_PORTS, *store)
        assert told.startswith("the mail store mail.sqlite is in use by another mail server")
        process.stop(signal.SIGINT)

    with server(tmp_path, *store) as (_, ready):
        assert b"Subject: kept" in fetch_first(ready)
        assert ready["store"] == "mail.sqlite"


def refused(folder: Path, *options: str) -> str:
    with running("--user", "maco:secret", *options, folder=folder, module="mailserver_sim") as process:
        assert process.wait() == 2
    assert "Traceback" not in process.text
    return process.text


@pytest.mark.parametrize("option", ["--submission", "--api"])
def test_a_port_that_is_taken_is_told_by_its_option(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ("--user", "maco:secret", *FREE_PORTS, option, str(port))
        done = command_that_starts_a_lab(*options, folder=tmp_path, module=alone, app=alone.app)

    assert done.returncode == 2
    assert done.stderr == f"{option}: cannot listen at 127.0.0.1:{port}: Address already in use; choose another port\n"

"""The commands that the server prints, run by a shell as they stand there; and curl by STARTTLS and by TLS."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mailserver_sim.settings import LISTENER_PROTOCOLS
from tests.maco_lab.processes import running
from tests.programs import require_program
from tests.real.alone.server import ADDRESS, HOST, PASSWORD, USER, AloneServer, mail, run

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.mark.parametrize(
    ("off", "options"),
    [
        ((), ()),
        (("imaps", "smtps"), ("--host-name", "mail.stadtwerke.example")),
        (("imap", "submission", "smtps"), ()),
    ],
    ids=["TLS", "STARTTLS of another name", "MX"],
)
def test_the_commands_that_are_printed_send_a_mail_and_read_it(
    tmp_path: Path, off: tuple[str, ...], options: tuple[str, ...]
) -> None:
    require_program("curl")
    ports = [part for each in LISTENER_PROTOCOLS for part in (f"--{each}", "off" if each in off else "0")]
    arguments = ["--user", "maco:it's $ecret", *ports, *options]
    with running(*arguments, folder=tmp_path, module="mailserver_sim") as process:
        process.wait_for("Ctrl-C ends it.")
        send, read = re.findall(r"^  (.*curl .*)$", process.text, re.MULTILINE)
        assert run(["sh", "-c", send]).returncode == 0
        process.wait_for("maco: mail 1 in INBOX")
        done = run(["sh", "-c", read])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Subject: test\n\nhello\n")


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_curl_appends_searches_and_fetches(alone: AloneServer, tmp_path: Path, protocol: str) -> None:
    (tmp_path / "mail.eml").write_bytes(mail("UTILMD"))
    curl = [require_program("curl"), "-sS", "--ssl-reqd", "--cacert", str(alone.root), "--user", f"{USER}:{PASSWORD}"]
    url = f"{protocol}://{HOST}:{alone.port(protocol)}/INBOX"

    assert run([*curl, "--upload-file", str(tmp_path / "mail.eml"), url]).stderr == ""
    assert run([*curl, f"{url}?SUBJECT%20UTILMD"]).stdout == "* SEARCH 1\n"
    assert run([*curl, f"{url};MAILINDEX=1"]).stdout.encode() == mail("UTILMD").replace(b"\r\n", b"\n")


@pytest.mark.parametrize("protocol", ["pop3", "pop3s"])
def test_curl_reads_by_pop3(alone: AloneServer, protocol: str) -> None:
    alone.deliver(mail("INVOIC"))
    trust = ["--ssl-reqd", "--cacert", str(alone.root), "--user", f"{USER}:{PASSWORD}"]
    done = run([require_program("curl"), "-sS", *trust, f"{protocol}://{HOST}:{alone.port(protocol)}/1"])

    assert (done.returncode, done.stdout.encode()) == (0, mail("INVOIC").replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("protocol", ["submission", "smtps"])
def test_curl_submits(alone: AloneServer, protocol: str) -> None:
    scheme = "smtps" if protocol == "smtps" else "smtp"
    trust = ["--ssl-reqd", "--cacert", str(alone.root), "--user", f"{USER}:{PASSWORD}"]
    envelope = ["--mail-from", "a@b.example", "--mail-rcpt", ADDRESS, "--upload-file", "-"]
    target = f"{scheme}://{HOST}:{alone.port(protocol)}"
    done = run([require_program("curl"), "-sS", *trust, *envelope, target], mail("CONTRL").decode())

    assert (done.returncode, done.stderr) == (0, ""), shlex.join(done.args)
    assert [each["subject"] for each in alone.messages()] == ["CONTRL"]

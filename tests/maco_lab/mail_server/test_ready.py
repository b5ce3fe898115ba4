"""What is told once the server is up; the commands in it are run by tests/real/test_mail_server_alone.py."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from maco_lab.mail_server.certificate import presented
from maco_lab.mail_server.options import MailServerOptions
from maco_lab.mail_server.ready import Ready
from mailserver_sim.settings import LISTENER_PROTOCOLS

PASSWORD = "it's $ecret"


def ready(tmp_path: Path, *protocols: str, host_name: str = "", host: str = "127.0.0.1") -> Ready:
    options = MailServerOptions((f"maco:{PASSWORD}",), host_name=host_name)
    made = presented(options, tmp_path)
    addresses = {name: (host, 2000 + number) for number, name in enumerate(protocols or LISTENER_PROTOCOLS)}
    return Ready(options.settings(made.host_name, tmp_path / "mail"), made, addresses, None, ("127.0.0.1", 3000))


def test_a_machine_reads_one_line_without_a_password(tmp_path: Path) -> None:
    line = ready(tmp_path, "imap").as_json()
    data = json.loads(line)

    assert "\n" not in line
    assert "ecret" not in line
    assert data["kind"] == "ready"
    assert data["listeners"] == {"imap": {"host": "127.0.0.1", "port": 2000}}
    assert data["accounts"] == [{"user": "maco", "addresses": ["maco@localhost"]}]
    assert data["api"] == "http://127.0.0.1:3000/api"
    assert Path(data["trust"]).read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_person_reads_every_listener(tmp_path: Path) -> None:
    text = ready(tmp_path).as_text()

    for number, protocol in enumerate(LISTENER_PROTOCOLS):
        assert f"\n{protocol} " in text
        assert f"127.0.0.1:{2000 + number} " in text


@pytest.mark.parametrize(
    ("protocols", "url"),
    [
        (("imap", "imaps"), "imaps://localhost:2001/INBOX;MAILINDEX=1"),
        (("imap", "smtp"), "imap://localhost:2000/INBOX;MAILINDEX=1"),
    ],
)
def test_the_command_to_read_uses_what_listens(tmp_path: Path, protocols: tuple[str, ...], url: str) -> None:
    command = shlex.split(ready(tmp_path, *protocols).read_command())

    assert command[-1] == url
    assert "--ssl-reqd" in command
    assert command[command.index("--user") + 1] == f"maco:{PASSWORD}"


def test_the_command_to_send_to_the_mx_has_no_login(tmp_path: Path) -> None:
    command = ready(tmp_path, "smtp").send_command()

    assert "ecret" not in command
    assert command.endswith("smtp://localhost:2000")


def test_a_command_that_nothing_listens_for_is_not_told(tmp_path: Path) -> None:
    assert ready(tmp_path, "smtp").read_command() == ""
    assert ready(tmp_path, "imap").send_command() == ""
    assert "Read the first" not in ready(tmp_path, "smtp").as_text()


@pytest.mark.parametrize(("host", "reached"), [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_a_name_that_resolves_nowhere_is_led_to_the_server(tmp_path: Path, host: str, reached: str) -> None:
    command = shlex.split(ready(tmp_path, "imaps", host_name="mail.example", host=host).read_command())

    assert command[command.index("--resolve") + 1] == f"mail.example:2000:{reached}"

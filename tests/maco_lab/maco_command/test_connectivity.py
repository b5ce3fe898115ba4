from __future__ import annotations

from pathlib import Path

import pytest

from tests.failures.settings import certificate
from tests.maco_lab.maco_command.command import Command


def test_an_imap_test_takes_the_settings_of_a_connection(command: Command, tmp_path: Path) -> None:
    told = command("test", "imap", "--connection", "way-a", "--list-folders", "--chain", "chain.pem").out.splitlines()

    assert told[0] == "succeeded"
    assert told[1].startswith("TLSv1.3, ")
    assert told[1].endswith("vouched for by mail-root")
    assert "INBOX: 0 mail(s), 0 unread" in told
    assert "  folder INBOX" in told
    assert (tmp_path / "chain.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_test_that_fails_is_exit_code_1(command: Command) -> None:
    told = command("test", "imap", "--connection", "way-b", "--location-id", "WERK9", code=1).out.splitlines()

    assert told[0].startswith("failed: ")
    assert told[1].startswith("look at: ")
    assert command("test", "connector", "WERK9", code=1).out.startswith("failed: ")


@pytest.mark.maco_lab(change=certificate("unknown_root"))
def test_the_line_of_java_is_told_where_a_certificate_is_refused(command: Command) -> None:
    tested = command("test", "imap", "--connection", "way-a", code=1).out.splitlines()
    polled = command("poll", "way-a", code=1).out.splitlines()

    assert tested[1].startswith("Java: javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.")
    assert polled[1] == f"  {tested[1]}"
    assert command("connections", "show", "way-a", "--json").data["last_poll"]["java_text"] in polled[1]


def test_the_connector_and_the_tls_test(command: Command) -> None:
    assert command("test", "connector", "WERK1").out == "succeeded\n"
    told = command("test", "tls", "--host", "mail.stadtwerke.example", "--port", "993",
                   "--proxy-type", "On-Premise", "--location-id", "WERK1").out  # fmt: skip
    assert told.startswith("succeeded\nTLSv1.3, ")


def test_locks_are_listed(command: Command) -> None:
    assert command("locks", "list").out == "no lock is held\n"
    assert "found no lock" in command("locks", "release", "mail", "u", code=2).err

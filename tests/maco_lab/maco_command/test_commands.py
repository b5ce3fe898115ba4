from __future__ import annotations

import mailbox
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maco_lab.cli import app
from maco_lab.testing.lab import Lab
from tests.maco_lab.maco_command.command import Command

STROM = "strom@stadtwerke.example"
GROUPS = {
    "keystore": ("list", "import", "delete", "export"),
    "credentials": ("list", "add", "change", "delete"),
    "servers": ("list", "add", "change", "delete"),
    "connections": ("list", "show", "add", "change", "delete"),
}


@pytest.mark.parametrize(("group", "commands"), GROUPS.items(), ids=GROUPS)
def test_every_command_has_help(group: str, commands: tuple[str, ...]) -> None:
    for each in commands:
        result = CliRunner().invoke(app, ["maco", group, each, "--help"])
        assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


def test_without_a_lab_every_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["maco", "keystore", "list"])

    assert (result.exit_code, result.stderr[:20]) == (2, "no lab is running in")


def test_the_key_store_is_listed_with_its_warnings(command: Command, maco_lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "old.pem").write_bytes(maco_lab.authority.by_name("expired").certificate_pem())

    command("keystore", "import", "old.pem")
    listed = command("keystore", "list").out.splitlines()

    assert [line.split()[0] for line in listed] == ["alias", "mail-root", "old", "!", "!"]
    assert "  expired  " in listed[2]
    assert listed[3].startswith("! old: has expired on ")


def test_a_certificate_goes_in_and_out_by_pipes(command: Command, maco_lab: Lab) -> None:
    command("keystore", "import", "-", "--alias", "again", text=maco_lab.root_pem)

    assert command("keystore", "export", "again").out.encode() == maco_lab.root_pem

    command("keystore", "delete", "again")
    assert "again" not in command("keystore", "list").out


def test_what_the_api_refuses_is_said_and_is_exit_code_2(command: Command) -> None:
    assert command("keystore", "delete", "x", code=2).err == "found key store entry 'x', allowed: 'mail-root'\n"
    refused = command("connections", "change", "way-a", "--protection", "SSL", code=2).err
    assert refused.startswith("protection: found 'SSL', allowed are 'Off', ")


def test_a_password_comes_from_the_environment(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACO_LAB_PASSWORD", "sesame")

    added = command("credentials", "add", "X", "--user", "u").out

    assert added.splitlines()[1].split() == ["X", "u", "password"]
    assert "sesame" not in added


@pytest.mark.slow
def test_a_token_comes_from_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")

    command("credentials", "add", "X", "--user", "u", "--token-file", "token")

    assert command("credentials", "list", "--json").data["credentials"][-1]["kind"] == "access token"


def test_without_a_terminal_a_missing_password_is_told(command: Command) -> None:
    assert "--password-file, or MACO_LAB_PASSWORD" in command("credentials", "add", "X", "--user", "u", code=2).err


def test_a_changed_user_leaves_the_password_as_it_is(command: Command, maco_lab: Lab) -> None:
    command("credentials", "change", "GAS", "--user", "nobody@stadtwerke.example")
    assert not maco_lab.maco.poll("way-b").succeeded
    command("credentials", "change", "GAS", "--user", "gas@stadtwerke.example")
    assert maco_lab.maco.poll("way-b").succeeded


def test_a_server_is_changed_in_what_is_given_alone(command: Command) -> None:
    command("servers", "change", "mail-tcp-tls", "--timeout-ms", "5000")

    changed = command("servers", "list", "--json").data["servers"][1]

    assert (changed["timeout_ms"], changed["address"], changed["location_id"]) == (5000, "mailbox.virtual:993", "WERK1")


@pytest.mark.slow
def test_a_connection_is_changed_shown_and_deleted(command: Command) -> None:
    command("connections", "change", "way-a", "--selection", "All Mails", "--max-messages-per-poll", "5",
            "--every", "90", "--weekday", "Mon", "--weekday", "Tue", "--no-decode-mime-headers")  # fmt: skip

    shown = [" ".join(line.split()) for line in command("connections", "show", "way-a").out.splitlines()]

    assert {"selection All Mails", "max_messages_per_poll 5", "decode_mime_headers no"} <= set(shown)
    assert any("every_s 90" in line and "weekdays Mon Tue" in line for line in shown)
    assert "! Selection 'All Mails' with Post-Processing 'Mark as Read' meets every mail at every poll" in shown
    command("connections", "change", "way-a", "--max-messages-per-poll", "0")
    assert command("connections", "show", "way-a", "--json").data["max_messages_per_poll"] is None
    command("connections", "delete", "way-a")
    assert "way-a" not in command("connections", "list").out


def test_a_poll_that_fails_is_exit_code_1_with_its_reason_and_the_traps(command: Command) -> None:
    command("connections", "change", "way-b", "--protection", "STARTTLS Optional")
    command("servers", "change", "mail-tcp-tls", "--location-id", "WERK9")

    polled = command("poll", "way-b", code=1).out.splitlines()

    assert polled[0].startswith("way-b: failed: ")
    assert polled[1].startswith("  look at: ")
    assert polled[2].startswith("  ! 'STARTTLS Optional' goes on in clear")


def test_a_connection_that_is_not_there_is_told(command: Command) -> None:
    assert command("poll", "x", code=2).err == "found e-mail connection 'x', allowed: 'way-a', 'way-b'\n"


def fetched(maco_lab: Lab, *subjects: str) -> None:
    for subject in subjects:
        maco_lab.mail_server.deliver(STROM, f"Subject: {subject}\r\n\r\ntext\r\n")
    maco_lab.maco.poll("way-a")


def test_mails_are_listed_and_shown(command: Command, maco_lab: Lab) -> None:
    fetched(maco_lab, "one", "two")

    listed = command("inbox", "--limit", "1").out.splitlines()

    assert listed[1].split()[2:4] == ["way-a", "INBOX"]
    assert listed[2].startswith("1 more: --after ")
    number = listed[1].split()[0]
    assert "Subject: one\n" in command("show", number, "--raw").out.replace("\r\n", "\n")
    assert command("show", number).out.splitlines()[-3:] == ["Subject: one", "", "text"]


@pytest.mark.slow
def test_a_mail_is_shown_by_the_settings_of_its_connection(command: Command, maco_lab: Lab) -> None:
    fetched(maco_lab, "=?utf-8?q?M=C3=A4rz?=")
    assert command("show", "1").out.splitlines()[-3:] == ["Subject: M\u00e4rz", "", "text"]

    command("connections", "change", "way-a", "--no-decode-mime-headers", "--include-original-mail")

    *_, subject, _empty, _text, original = command("show", "1").out.splitlines()
    assert subject == "Subject: =?utf-8?q?M=C3=A4rz?="
    assert re.fullmatch(r"\{SAP_MAIL_ORIGINAL_MESSAGE: \d+ bytes\}", original)
    assert "=?utf-8?q?M=C3=A4rz?=" in command("inbox").out


def test_mails_are_exported_as_files_for_their_owner_alone(command: Command, maco_lab: Lab, tmp_path: Path) -> None:
    fetched(maco_lab, "one", "two")

    assert command("export", "mails").out == "mails: 2 mail(s) written\n"

    files = sorted((tmp_path / "mails").iterdir())
    assert [b"Subject: one" in files[0].read_bytes(), b"Subject: two" in files[1].read_bytes()] == [True, True]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_mails_are_exported_as_one_mbox_file(command: Command, maco_lab: Lab, tmp_path: Path) -> None:
    fetched(maco_lab, "one", "two")

    command("export", "all.mbox", "--format", "mbox", "--connection", "way-a")

    box = mailbox.mbox(tmp_path / "all.mbox", create=False)
    try:
        assert [mail["Subject"] for mail in box] == ["one", "two"]
    finally:
        box.close()


def test_an_export_that_cannot_be_written_is_told(command: Command, maco_lab: Lab) -> None:
    fetched(maco_lab, "one")

    assert "No such file or directory" in command("export", "no/such/a.mbox", "--format", "mbox", code=2).err

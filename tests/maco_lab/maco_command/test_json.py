"""`maco-lab maco … --json`: every command of the group prints JSON and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from maco_client.inbox_tables.locks import LockPlace
from maco_lab.maco_command.app import app
from maco_lab.testing.lab import Lab
from tests.maco_lab.maco_command.command import Command

PLACE = LockPlace("mail.stadtwerke.example", "somebody@stadtwerke.example", "INBOX")
NEW_SERVER = ("--address", "mail.stadtwerke.example:143", "--location-id", "WERK1")
NEW_CONNECTION = ("--server", "s", "--protection", "Off", "--credential", "c")
NEW_SENDING = (
    "--address",
    "mail.stadtwerke.example:587",
    "--protection",
    "Off",
    "--sender",
    "strom@stadtwerke.example",
)
IMAP_TEST = ("--connection", "way-b")
TLS_TEST = ("--proxy-type", "On-Premise", "--location-id", "WERK1", "--host", "mailbox.virtual", "--port", "993")

# In an order in which each can be done, with keys of what it prints.
CALLS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("keystore import", ("root.pem", "--alias", "again"), ("entries",)),
    ("keystore list", (), ("entries",)),
    ("keystore export", ("again",), ("alias", "certificate", "expired", "days_left", "warnings", "pem")),
    ("keystore delete", ("again",), ()),
    ("credentials add", ("c", "--user", "u"), ("credentials",)),
    ("credentials change", ("c", "--user", "v"), ("credentials",)),
    ("credentials list", (), ("credentials",)),
    ("servers add", ("s", *NEW_SERVER), ("servers",)),
    ("servers change", ("s", "--timeout-ms", "5000"), ("servers",)),
    ("servers list", (), ("servers",)),
    ("connections add", ("x", *NEW_CONNECTION), ("name", "folder")),
    ("connections change", ("x", "--folder", "Other"), ("name", "folder")),
    ("connections show", ("x",), ("name", "folder")),
    ("connections list", (), ("connections",)),
    ("connections delete", ("x",), ()),
    ("servers delete", ("s",), ()),
    ("credentials delete", ("c",), ()),
    ("sending add", ("y", *NEW_SENDING), ("name", "subject")),
    ("sending change", ("y", "--subject", "z"), ("name", "subject")),
    ("sending show", ("y",), ("name", "subject")),
    ("sending list", (), ("connections",)),
    ("sending delete", ("y",), ()),
    ("send", ("to-partners", "root.pem", "--to", "gas@stadtwerke.example"), ("result", "line")),
    ("poll", ("way-b",), ("results",)),
    ("inbox", (), ("mails", "more")),
    ("show", ("1",), ("headers", "text", "attachments")),
    ("export", ("mails",), ("files",)),
    ("locks list", (), ("locks",)),
    ("locks release", (PLACE.host, PLACE.user), ()),
    ("test imap", IMAP_TEST, ("succeeded", "content")),
    ("test tls", TLS_TEST, ("succeeded", "chain")),
    ("test connector", ("WERK1",), ("succeeded", "error")),
)
FAILS = {"test tls": 1}  # by way B the Cloud Connector speaks TLS, so nobody does it a second time


def commands(group: typer.Typer, *names: str) -> Iterator[str]:
    """Yield every command below ``group`` by its whole name."""
    for each in group.registered_commands:
        assert each.callback
        yield " ".join([*names, each.name or each.callback.__name__])
    for inner in group.registered_groups:
        assert inner.typer_instance
        yield from commands(inner.typer_instance, *names, str(inner.name))


@pytest.mark.slow
def test_every_command_prints_json(
    command: Command, maco_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root.pem").write_bytes(maco_lab.root_pem)
    monkeypatch.setenv("MACO_LAB_PASSWORD", "sesame")

    with maco_lab.thread.loop.enter(maco_lab.running.inbox.poll_lock(PLACE, 60)):
        printed = {
            name: command(*name.split(), *arguments, "--json", code=FAILS.get(name, 0)).data
            for name, arguments, _ in CALLS
        }

    for name, _, keys in CALLS:
        assert set(keys) <= printed[name].keys() if keys else printed[name] == {}, name
    assert sorted(printed) == sorted(commands(app))
    assert printed["keystore export"]["pem"].encode() == maco_lab.root_pem
    assert [each["user"] for each in printed["locks list"]["locks"]] == [PLACE.user]
    assert printed["export"]["files"] == ["mails/000001.eml"]
    assert (tmp_path / "mails/000001.eml").is_file()


def test_a_raw_mail_is_no_json(command: Command) -> None:
    assert command("show", "1", "--raw", "--json", code=2).err == "--raw and --json: give one of both\n"

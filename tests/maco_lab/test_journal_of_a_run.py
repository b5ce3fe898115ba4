"""A real run in which everything happens that can be observed: its journal is as the schema says, line by line."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from maco_lab.journal_schema import journal_schema
from maco_lab.testing.settings import lab_text
from maco_wire.observation_fields import observation_kinds
from maco_wire.socks5 import Socks5Client
from tests.maco_lab.processes import Process, run, running, wait_until

pytestmark = pytest.mark.slow

ALL_KINDS = set(observation_kinds())


def where_everything_happens(data: dict[str, Any]) -> None:
    """Add a shadow, a second connection of the tunnel, a connection to a host that is not mapped, and a fault."""
    data["mail_server"]["faults"] = [{"step": "answer.slow", "parameters": {"delay_s": 0.01}}]
    data["cloud_connectors"][0] |= {"high_availability": {}, "application_tunnel_connections": 2}
    maco = data["maco"]
    maco["email_servers"].append(maco["email_servers"][0] | {"name": "nowhere", "address": "nowhere.virtual:143"})
    astray = copy.deepcopy(maco["email_connections"][0]) | {"name": "astray", "server": "nowhere", "folder": "Other"}
    maco["email_connections"].append(astray)


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Process]:
    (folder / "lab.yaml").write_text(lab_text(where_everything_happens).text)
    with running("up", "--isolate", "--ports=auto", folder=folder) as lab:
        lab.wait_for("ends the lab.")
        yield lab


def misbehave_at_the_proxy(address: tuple[str, int]) -> None:
    """Show a token that is none, and say what is no SOCKS5."""
    machine = Socks5Client(token="no-token", location_id="WERK1", host="mail.stadtwerke.example", port=143)
    with socket.create_connection(address, 10) as client:
        client.sendall(machine.data_to_send())
        machine.receive_data(client.recv(100))
        client.sendall(machine.data_to_send())
        assert client.recv(100) == b"\x01\x05"
    with socket.create_connection(address, 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.recv(100)


def kinds_in(file: Path) -> set[str]:
    return set(re.findall(r'"kind": "(\w+)"', file.read_text()))


def shown(folder: Path) -> list[dict[str, Any]]:
    result = run("journal", folder=folder)
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_line_of_a_run_with_every_kind_is_as_the_schema_says(tmp_path: Path) -> None:
    with lab_in(tmp_path):
        note = json.loads((tmp_path / ".maco-lab" / "run.json").read_text())
        misbehave_at_the_proxy(tuple(note["addresses"]["socks5"]))
        assert run("check", folder=tmp_path).returncode == 0
        (tmp_path / "secret").write_text("Wasser42Postfach")
        named = ("WASSER", "--user", "wasser@stadtwerke.example", "--password-file", "secret")
        assert run("maco", "credentials", "add", *named, folder=tmp_path).returncode == 0
        (tmp_path / "mail").write_text("UNA")
        sent = run("maco", "send", "to-partners", "mail", "--to", "gas@stadtwerke.example", folder=tmp_path)
        assert sent.returncode == 0, sent.stderr
        file = tmp_path / ".maco-lab" / "journal.jsonl"
        wait_until(lambda: kinds_in(file) == ALL_KINDS, "everything has been observed")
        lines = shown(tmp_path)

    validator = jsonschema_rs.validator_for(journal_schema())
    wrong = {line["kind"]: error.message for line in lines for error in validator.iter_errors(line)}
    assert wrong == {}
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))

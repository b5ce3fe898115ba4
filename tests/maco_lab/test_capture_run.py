"""The recording behind `maco-lab capture`: what passed on all hops, named as in the lab file, with keys if asked."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maco_lab.background import background_loop
from maco_lab.capture_run import Recording, record_polls
from maco_lab.taps.chunk import HOPS
from maco_lab.testing.settings import lab_text
from tests.maco_lab.processes import run
from tests.maco_wire.capture_reader import SECRETS, captured, walk

Record = Callable[..., Recording]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Record the polls of the default lab file after a change; everything temporary goes into ``tmp_path``."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def recording(change: Callable[[dict[str, Any]], None] = lambda _: None, *, with_keys: bool = False) -> Recording:
        return background_loop().run(record_polls(lab_text(change).parsed(), with_keys=with_keys))

    return recording


def without_connections(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"] = []


def without_trusted_back_ends(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = []


def test_servers_are_named_as_in_the_lab_file_on_every_hop(record: Record) -> None:
    recording = record()

    assert {each.hop for each in recording.wiretap.connections} == set(HOPS)
    named = {each.hop: set[tuple[str, int]]() for each in recording.wiretap.connections}
    for each in recording.wiretap.connections:
        named[each.hop].add(recording.servers[each.server])
    assert named == {
        "cloud network": {("connectivity-service", 20004)},
        "tunnel": {("connectivitytunnel.lab.example", 20011)},
        "customer LAN": {("mail.stadtwerke.example", 143), ("mail.stadtwerke.example", 993)},
    }


def test_every_connection_is_polled_and_none_fails(record: Record) -> None:
    recording = record()

    assert [(each.connection, each.stored) for each in recording.results] == [("way-a", 1), ("way-b", 1)]
    assert recording.failures == []


def test_there_are_keys_if_they_are_asked_for(record: Record) -> None:
    assert record(with_keys=True).key_log


def test_there_are_no_keys_unless_they_are_asked_for(record: Record) -> None:
    assert record().key_log == ()


@pytest.mark.parametrize("with_keys", [True, False])
def test_neither_keys_nor_mails_are_left_behind(record: Record, tmp_path: Path, with_keys: bool) -> None:
    record(with_keys=with_keys)

    assert list(tmp_path.iterdir()) == []


def test_a_poll_that_failed_is_named_and_what_passed_is_kept(record: Record) -> None:
    recording = record(without_trusted_back_ends)

    (failure,) = recording.failures
    assert failure.startswith("way-b: ")
    assert {each.hop for each in recording.wiretap.connections} == set(HOPS)


def test_a_lab_file_without_an_email_connection_is_a_failure(record: Record) -> None:
    assert record(without_connections).failures == ["the lab file has no e-mail connection"]


@pytest.mark.slow
@pytest.mark.parametrize(("option", "has_keys"), [("--keys", True), ("--no-keys", False)])
def test_the_command_writes_a_private_file_with_the_packets_of_all_hops(
    tmp_path: Path, option: str, has_keys: bool
) -> None:
    done = run("capture", "hops.pcapng", option, folder=tmp_path)

    file = tmp_path / "hops.pcapng"
    assert (done.returncode, done.stdout.startswith("hops.pcapng: "), done.stderr) == (0, True, "")
    assert {HOPS[each.interface] for each in captured(file.read_bytes())} == set(HOPS)
    assert (SECRETS in [kind for kind, _ in walk(file.read_bytes())]) is has_keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.slow
@pytest.mark.parametrize(("out", "told"), [("nowhere/hops.pcapng", "there is no such folder"), (".", "is a folder")])
def test_a_file_that_cannot_be_written_is_told_before_a_lab_is_started(tmp_path: Path, out: str, told: str) -> None:
    done = run("capture", out, folder=tmp_path)

    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []

"""The recording behind `maco-lab capture`: what passed on all hops, named as in the lab file, with keys if asked."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from maco_lab.background import background_loop
from maco_lab.capture_run import Recording, record_polls
from maco_lab.taps.chunk import HOPS
from maco_lab.testing.settings import Change, lab_text
from tests.maco_lab.processes import command, command_that_starts_a_lab, run
from tests.maco_wire.capture_reader import SECRETS, captured, walk


@dataclass(frozen=True)
class Recorded:
    """A recording, and what it left in the folder for temporary files."""

    recording: Recording
    left: list[Path]


def recorded(folder: Path, change: Change = lambda _: None, *, with_keys: bool = False) -> Recorded:
    """Record the polls of the default lab file after a change."""
    with mock.patch("tempfile.tempdir", str(folder)):
        recording = background_loop().run(record_polls(lab_text(change).parsed(), with_keys=with_keys))
    return Recorded(recording, list(folder.iterdir()))


@pytest.fixture(scope="module")
def with_keys(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("with-keys"), with_keys=True)


@pytest.fixture(scope="module")
def without_keys(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("without-keys"))


def without_connections(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"] = []


def without_trusted_back_ends(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = []


@pytest.mark.slow
def test_servers_are_named_as_in_the_lab_file_on_every_hop(without_keys: Recorded) -> None:
    recording = without_keys.recording

    assert {each.hop for each in recording.wiretap.connections} == set(HOPS)
    named = {each.hop: set[tuple[str, int]]() for each in recording.wiretap.connections}
    for each in recording.wiretap.connections:
        named[each.hop].add(recording.servers[each.server])
    assert named == {
        "cloud network": {("connectivity-service", 20004)},
        "tunnel": {("connectivitytunnel.lab.example", 20011)},
        "customer LAN": {("mail.stadtwerke.example", 143), ("mail.stadtwerke.example", 993)},
    }


def test_every_connection_is_polled_and_none_fails(without_keys: Recorded) -> None:
    recording = without_keys.recording

    assert [(each.connection, each.stored) for each in recording.results] == [("way-a", 1), ("way-b", 1)]
    assert recording.failures == []


def test_there_are_keys_if_they_are_asked_for(with_keys: Recorded) -> None:
    assert with_keys.recording.key_log


def test_there_are_no_keys_unless_they_are_asked_for(without_keys: Recorded) -> None:
    assert without_keys.recording.key_log == ()


def test_neither_keys_nor_mails_are_left_behind(with_keys: Recorded, without_keys: Recorded) -> None:
    assert (with_keys.left, without_keys.left) == ([], [])


def test_a_poll_that_failed_is_named_and_what_passed_is_kept(tmp_path: Path) -> None:
    recording = recorded(tmp_path, without_trusted_back_ends).recording

    (failure,) = recording.failures
    assert failure.startswith("way-b: ")
    assert {each.hop for each in recording.wiretap.connections} == set(HOPS)


@pytest.mark.slow
def test_a_lab_file_without_an_email_connection_is_a_failure(tmp_path: Path) -> None:
    assert recorded(tmp_path, without_connections).recording.failures == ["the lab file has no e-mail connection"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("capture", "option", "has_keys"), [(run, "--keys", True), (command_that_starts_a_lab, "--no-keys", False)]
)
def test_the_command_writes_a_private_file_with_the_packets_of_all_hops(
    tmp_path: Path, capture: Callable[..., Any], option: str, has_keys: bool
) -> None:
    done = capture("capture", "hops.pcapng", option, folder=tmp_path)

    file = tmp_path / "hops.pcapng"
    assert (done.returncode, done.stdout.startswith("hops.pcapng: "), done.stderr) == (0, True, "")
    assert {HOPS[each.interface] for each in captured(file.read_bytes())} == set(HOPS)
    assert (SECRETS in [kind for kind, _ in walk(file.read_bytes())]) is has_keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("out", "told"), [("nowhere/hops.pcapng", "there is no such folder"), (".", "is a folder")])
def test_a_file_that_cannot_be_written_is_told_before_a_lab_is_started(tmp_path: Path, out: str, told: str) -> None:
    done = command("capture", out, folder=tmp_path)

    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []

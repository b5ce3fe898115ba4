"""`maco-lab up --isolate`: a party that is killed or hangs comes back, and mail comes by both ways again.

The tests of one lab do to it one after the other what would disturb none of the next.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import smtplib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from maco_lab.testing.settings import lab_text
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import OWN
from tests.maco_lab.isolation import (
    FETCHED_BOTH_WAYS,
    PARTIES,
    Line,
    children_of,
    is_connected,
    isolated,
    journal,
    kill,
    poll_everything,
    processes,
    running_children_of,
)
from tests.maco_lab.processes import Process, command, is_alive, wait_until

pytestmark = pytest.mark.slow

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of processes in /proc")

VERSION = "/api/v1/connector/version"
PIPE_BYTES = 65536  # what a pipe of Linux holds, pipe(7)
LOCATIONS = {"Connectivity service": ("WERK1", "WERK2"), "Cloud Connector scc": ("WERK1",)}
"""Whose tunnels must come up again when a party was killed."""


@dataclass
class Lab:
    """A running lab, and where it runs."""

    process: Process
    folder: Path

    @property
    def last(self) -> int:
        """The number of the newest entry of its journal."""
        return int(journal(self.folder)[-1]["n"])

    def tunnels(self, location: str) -> list[Line]:
        lines = [line for line in journal(self.folder) if line["kind"] == "tunnel_state"]
        return [line for line in lines if line["location_id"] == location]


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    with isolated(folder) as process:
        yield Lab(process, folder)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with two Cloud Connectors, one for each way, that polls on demand; whatever befell it, it ends well."""

    def change(data: Line) -> None:
        other = copy.deepcopy(data["cloud_connectors"][0]) | {"name": "second"}
        other["subaccounts"][0]["location_id"] = "WERK2"
        data["cloud_connectors"].append(other)
        data["maco"]["email_servers"][1]["location_id"] = "WERK2"
        data["maco"]["poll_every_s"] = 3600

    folder = tmp_path_factory.mktemp("lab")
    (folder / "lab.yaml").write_text(lab_text(change).text)
    with lab_in(folder) as lab:
        yield lab
        assert lab.process.stop(signal.SIGINT)[0] == 0


@pytest.mark.parametrize("name", PARTIES)
def test_a_party_that_is_killed_is_seen_and_survived(lab: Lab, name: str) -> None:
    addresses = (lab.folder / ".maco-lab" / "run.json").read_text()
    last = lab.last

    killed = kill(lab.folder, name)
    wait_until(is_connected(lab.folder, after=last, locations=LOCATIONS.get(name, ())), "the tunnels are up again")

    assert poll_everything(lab.folder) == FETCHED_BOTH_WAYS
    ended = [line for line in journal(lab.folder) if line["n"] > last and line.get("state") == "ended"]
    assert [(line["name"], line["pid"], line["reason"]) for line in ended] == [(name, killed, "SIGKILL")]
    assert (lab.folder / ".maco-lab" / "run.json").read_text() == addresses
    lab.process.wait_for(f"{name}: runs again (pid {processes(lab.folder)[name]})")
    assert f"{name}: its process (pid {killed}) ended: SIGKILL; it is started again" in lab.process.text
    assert {pid for pid in processes(lab.folder).values() if not is_alive(pid)} == set()


def test_each_of_two_connectors_has_its_process_and_one_that_is_killed_leaves_the_other_alone(lab: Lab) -> None:
    last = lab.last
    kill(lab.folder, "Cloud Connector second")
    wait_until(is_connected(lab.folder, after=last, locations=("WERK2",)), "the tunnel is up again")

    assert poll_everything(lab.folder) == FETCHED_BOTH_WAYS
    states = [line for line in journal(lab.folder) if line["n"] > last and line["kind"] == "tunnel_state"]
    assert {line["location_id"] for line in states} == {"WERK2"}


def test_a_connector_is_administered_at_the_same_port_after_a_restart(lab: Lab) -> None:
    address = next(line.split()[0] for line in lab.process.text.splitlines() if "REST API, HTTPS" in line)
    assert AdminClient(f"https://{address}").get(OWN).json["tunnel"]["state"] == "Connected"

    last = lab.last
    kill(lab.folder, "Cloud Connector scc")

    assert AdminClient(f"https://{address}").get(VERSION).json == {"version": "2.19.0.2"}
    wait_until(is_connected(lab.folder, after=last), "the tunnel is up again")


@needs_proc
def test_a_connector_that_comes_back_before_the_cloud_side_connects_when_that_is_there(lab: Lab) -> None:
    """One that never got through would not dial again by itself."""
    pids, before = processes(lab.folder), set(children_of(lab.process.pid))
    os.kill(pids["Connectivity service"], signal.SIGKILL)
    wait_until(lambda: bool(set(running_children_of(lab.process.pid)) - before), "the cloud side is started again")
    (held_up,) = set(running_children_of(lab.process.pid)) - before
    os.kill(held_up, signal.SIGSTOP)
    try:
        kill(lab.folder, "Cloud Connector scc")
        last = lab.last
        assert lab.tunnels("WERK1")[-1]["state"] == "ConnectFailure"
    finally:
        os.kill(held_up, signal.SIGCONT)
    wait_until(is_connected(lab.folder, after=last, locations=("WERK1", "WERK2")), "the tunnels are up again")

    assert poll_everything(lab.folder) == FETCHED_BOTH_WAYS


def test_polling_a_connection_that_is_not_there_names_those_that_are(lab: Lab) -> None:
    polled = command("poll", "way-c", folder=lab.folder)

    assert polled.stderr == "found e-mail connection 'way-c', allowed: 'way-a', 'way-b'\n"


def test_a_burst_of_mails_is_polled_over_the_pipe(lab: Lab) -> None:
    """The answer to such a poll is larger than a pipe's buffer."""
    note = json.loads((lab.folder / ".maco-lab" / "run.json").read_text())
    host, port = note["addresses"]["smtp"]
    with smtplib.SMTP(host, port, timeout=10) as server:
        for number in range(400):
            mail = f"Subject: {number} {'x' * 200}\r\n\r\n{number}\r\n".encode()
            server.sendmail("a@b.example", ["strom@stadtwerke.example"], mail)
    polled = json.loads(command("poll", "--json", "way-a", folder=lab.folder).stdout)

    assert (polled[0]["stored"], len(polled[0]["mails"])) == (400, 400)
    assert len(json.dumps(polled)) > PIPE_BYTES


WITH_SHADOW = """  - name: scc
    high_availability:
      check_interval_s: 0.1
      takeover_delay_s: 0.1
      connect_timeout_ms: 1000
      request_timeout_ms: 1000
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose Cloud Connector has a shadow."""
    folder = tmp_path_factory.mktemp("pair")
    text = default_text().replace("  - name: scc\n", WITH_SHADOW, 1).replace("poll_every_s: 60", "poll_every_s: 3600")
    (folder / "lab.yaml").write_text(text, encoding="utf-8")
    with lab_in(folder) as lab:
        yield lab


def is_in_role(folder: Path, system: str, role: str, *states: str) -> Callable[[], bool]:
    def check() -> bool:
        seen = [line for line in journal(folder) if line["kind"] == "ha_state" and line["system"] == system]
        return bool(seen) and (seen[-1]["role"], seen[-1]["state"] in states) == (role, True)

    return check


def master_and_shadow(folder: Path) -> tuple[str, str]:
    """Return which of the two is the master and which is the shadow, as soon as they are a pair."""

    def ready() -> list[str]:
        return [each for each in ("scc", "scc shadow") if is_in_role(folder, each, "shadow", "READY")()]

    wait_until(lambda: len(ready()) == 1, "one is the other's shadow")
    (shadow,) = ready()
    return ("scc shadow", "scc") if shadow == "scc" else ("scc", "scc shadow")


def test_a_shadow_takes_over_from_a_master_that_hangs_and_keeps_the_part_when_it_comes_back(pair: Lab) -> None:
    master, shadow = master_and_shadow(pair.folder)
    pid = processes(pair.folder)[f"Cloud Connector {master}"]
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(is_in_role(pair.folder, shadow, "master", "ALONE"), "the shadow takes over")
        assert poll_everything(pair.folder) == FETCHED_BOTH_WAYS
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(is_in_role(pair.folder, master, "shadow", "READY"), "the former master is the shadow")
    assert poll_everything(pair.folder) == FETCHED_BOTH_WAYS


def test_a_master_that_was_killed_comes_back_and_mail_comes_by_both_ways(pair: Lab) -> None:
    master, _ = master_and_shadow(pair.folder)
    before = pair.last
    kill(pair.folder, f"Cloud Connector {master}")
    wait_until(is_connected(pair.folder, after=before), "one of the two is connected")
    master_and_shadow(pair.folder)
    assert poll_everything(pair.folder) == FETCHED_BOTH_WAYS

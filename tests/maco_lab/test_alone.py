"""Every party in a process of its own, from one lab file: one mail by both ways."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from maco_lab.alone import connector_app, maco_app
from maco_lab.lab_file import default_text
from maco_lab.mail_server.command import app as mail_server_app
from tests.maco_lab.processes import Process, command, running
from tests.ports import free_ports

pytestmark = pytest.mark.slow

PORTS = (20004, 20010, 20011, 3143, 3993, 3025, 3587, 3465, 8443)


@dataclass(frozen=True)
class Landscape:
    """A folder with a lab file whose ports are free."""

    folder: Path
    ports: dict[int, int]
    """From the port of the default lab file to the one that is used."""

    def run(self, module: str, *arguments: str) -> contextlib.AbstractContextManager[Process]:
        return running(*arguments, folder=self.folder, module=module)

    def send(self, recipient: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.ports[3025], timeout=10) as server:
            server.sendmail("a@b.example", [recipient], b"Subject: alone\r\n\r\nhello\r\n")


@pytest.fixture
def landscape(tmp_path: Path) -> Landscape:
    return landscape_in(tmp_path)


def landscape_in(folder: Path) -> Landscape:
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    configured = re.compile("|".join(map(str, PORTS)))
    text = configured.sub(lambda found: str(ports[int(found[0])]), default_text())
    text, given = re.subn(r"( {4}administration:) .*\n", rf"\1\n      port: {ports[8443]}\n", text)
    assert given == 1, "the product's port is that of other tests too"
    (folder / "lab.yaml").write_text(text)
    return Landscape(folder, ports)


@contextlib.contextmanager
def started(landscape: Landscape) -> Iterator[tuple[Process, Process, Process]]:
    """Run mail server, cloud and connector, each as soon as the one before is ready."""
    with (
        landscape.run("mailserver_sim") as mail_server,
        landscape.run("connector_sim", "cloud") as cloud,
    ):
        mail_server.wait_for("smtps listens on")
        cloud.wait_for("tunnel endpoint listens on")
        with landscape.run("connector_sim", "on-premise") as connector:
            connector.wait_for("Cloud Connector scc: stadtwerke Connected")
            yield mail_server, cloud, connector


def observations(process: Process) -> list[dict[str, object]]:
    return [json.loads(line) for line in process.text.splitlines() if line.startswith("{")]


@dataclass(frozen=True)
class Polled:
    """Four processes that brought a mail by both ways, and have ended."""

    maco: Process
    cloud: Process
    connector: Process
    mail_server: Process


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Polled:
    landscape = landscape_in(tmp_path_factory.mktemp("polled"))
    with started(landscape) as (mail_server, cloud, connector):
        landscape.send("strom@stadtwerke.example")
        landscape.send("gas@stadtwerke.example")
        with landscape.run("maco_client", "--once") as maco:
            assert maco.wait() == 0, maco.text
        for process in (connector, cloud, mail_server):
            code, took_s = process.stop(signal.SIGTERM)
            assert (code, took_s < 1.0) == (0, True), process.text
    return Polled(maco, cloud, connector, mail_server)


def test_four_processes_bring_a_mail_by_both_ways_and_each_reports_its_own(polled: Polled) -> None:
    fetched = [each for each in observations(polled.maco) if each["kind"] == "mail_fetched"]
    assert sorted(str(each["connection"]) for each in fetched) == ["way-a", "way-b"]
    for process, party in (
        (polled.maco, "MaCo"),
        (polled.cloud, "Connectivity service"),
        (polled.connector, "Cloud Connector"),
        (polled.mail_server, "Mail server"),
    ):
        assert {each["party"] for each in observations(process)} == {party}
    tls_clients = [
        (each["party"], each["session"])
        for process in (polled.maco, polled.connector)
        for each in observations(process)
        if each["kind"] == "handshake" and each["session"] != "tunnel"
    ]
    assert tls_clients == [("MaCo", "IMAP STARTTLS"), ("Cloud Connector", "TCP TLS to the back end")]


def test_parties_look_for_the_passwords_of_the_lab_file(polled: Polled) -> None:
    seen = [each["name"] for each in observations(polled.cloud) if each["kind"] == "canary_seen"]
    assert seen == ["mailbox password of gas@stadtwerke.example"]
    for process in (polled.maco, polled.cloud, polled.connector, polled.mail_server):
        assert "Gas0815Postfach" not in process.text


def test_maco_alone_without_the_others_fails_and_says_at_which_step(landscape: Landscape) -> None:
    with landscape.run("maco_client", "--once") as maco:
        assert maco.wait() == 1

    finished = [each for each in observations(maco) if each["kind"] == "poll_finished"]
    assert [each["succeeded"] for each in finished] == [False, False]
    assert "Traceback" not in maco.text


def test_a_connector_without_a_cloud_gives_up_and_says_what_to_start_first(landscape: Landscape) -> None:
    connector = command("on-premise", folder=landscape.folder, app=connector_app)

    assert connector.returncode == 1
    assert "no tunnel came up: start the cloud side first, then the connector again" in connector.stderr


def test_a_connector_that_is_not_in_the_lab_file_is_told_with_those_that_are(landscape: Landscape) -> None:
    connector = command("on-premise", "--name", "other", folder=landscape.folder, app=connector_app)

    assert connector.returncode == 2
    assert "found Cloud Connector 'other', allowed: scc" in connector.stderr


def test_a_mail_server_whose_port_is_taken_names_it(landscape: Landscape) -> None:
    port = landscape.ports[3143]
    with socket.create_server(("127.0.0.1", port)), landscape.run("mailserver_sim") as party:
        assert party.wait() == 2

    names_the_port(party.text, port)


def test_a_cloud_side_whose_port_is_taken_names_it(landscape: Landscape) -> None:
    port = landscape.ports[20004]
    with socket.create_server(("127.0.0.1", port)):
        party = command("cloud", folder=landscape.folder, app=connector_app)
    assert party.returncode == 2

    names_the_port(party.stdout + party.stderr, port)


def names_the_port(text: str, port: int) -> None:
    assert str(port) in text
    assert "another program listens there" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(("app", "arguments"), [(mail_server_app, ()), (maco_app, ("--once",))], ids=["mail", "maco"])
def test_a_broken_lab_file_is_told_by_its_place(tmp_path: Path, app: typer.Typer, arguments: tuple[str, ...]) -> None:
    (tmp_path / "lab.yaml").write_text("cloud: [\n")
    party = command(*arguments, folder=tmp_path, app=app)

    assert (party.returncode, party.stdout) == (2, "")
    assert party.stderr.startswith("lab.yaml:2:1: ")


def test_a_shadow_that_runs_alone_takes_over_from_a_master_that_was_killed(landscape: Landscape) -> None:
    text = (landscape.folder / "lab.yaml").read_text()
    free = free_ports(2)
    ports = f"master_port: {free[0]}, shadow_port: {free[1]}"
    pair = f"    high_availability: {{{ports}, check_interval_s: 0.1, takeover_delay_s: 0.1}}\n"
    (landscape.folder / "lab.yaml").write_text(text.replace("  - name: scc\n", f"  - name: scc\n{pair}", 1))
    with landscape.run("connector_sim", "cloud") as cloud:
        cloud.wait_for("tunnel endpoint listens on")
        with landscape.run("connector_sim", "on-premise") as master:
            master.wait_for("Cloud Connector scc: master ALONE")
            with landscape.run("connector_sim", "on-premise", "--shadow") as shadow:
                shadow.wait_for("Cloud Connector scc shadow: shadow READY")
                master.child.kill()
                shadow.wait_for('"role": "master"')
                assert shadow.stop(signal.SIGTERM)[0] == 0


def test_a_cloud_connector_without_a_shadow_cannot_be_run_as_one(landscape: Landscape) -> None:
    shadow = command("on-premise", "--shadow", folder=landscape.folder, app=connector_app)

    assert shadow.returncode == 2
    assert "Cloud Connector scc has no shadow: give it high_availability in the lab file" in shadow.stderr

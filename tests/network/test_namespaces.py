"""MaCo, cloud side, Cloud Connector and mail server on four machines, as far as the kernel is concerned.

Three networks, as in reality: MaCo and the cloud side share one, the Cloud Connector reaches the cloud side over the
second ("the internet"), and the mail server over the third (the customer's LAN). Nobody forwards packets. The mail
server listens on the real ports 143 and 993.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from maco_lab.lab_file import default_text
from tests.maco_lab.processes import Process, wait_until
from tests.network.namespaces import Namespace, connect, left_behind, namespaces

pytestmark = [pytest.mark.real, pytest.mark.slow]

CLOUD = "10.77.0.1"
MAIL = "10.77.3.2"
TOKEN_PORT = 20010

SEND = f"""
import smtplib
with smtplib.SMTP("{MAIL}", 25, timeout=10) as server:
    for user in ("strom", "gas"):
        server.sendmail("a@b.example", [user + "@stadtwerke.example"], b"Subject: far away\\r\\n\\r\\nhello\\r\\n")
"""

SPEAK_HTTP = f"""
import http.client
connection = http.client.HTTPConnection("{CLOUD}", {TOKEN_PORT}, timeout=5)
connection.request("GET", "/token_keys")
connection.getresponse()
"""

DIAL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)"


@dataclass(frozen=True)
class Landscape:
    """The four machines."""

    folder: Path
    maco: Namespace
    cloud: Namespace
    connector: Namespace
    mail: Namespace

    def fetch(self) -> Process:
        """Let MaCo poll once; return its ended process."""
        with self.maco.running("maco_client", "--once", folder=self.folder) as maco:
            maco.wait()
        return maco


@dataclass(frozen=True)
class Fetched:
    """What was seen while one mail was fetched by each way."""

    exit_code: int | None
    maco: list[dict[str, Any]]
    connector: list[dict[str, Any]]
    cloud: list[dict[str, Any]]


def lab_text() -> str:
    """Return the default lab with addresses of its machines and the real ports."""
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(default_text())
    data["cloud"] |= {"host": CLOUD, "token_port": TOKEN_PORT}
    data["hosts"] = {f"mail.stadtwerke.example:{port}": f"{MAIL}:{port}" for port in (143, 993)}
    data["mail_server"] |= {"host": MAIL, "ports": {"imap": 143, "imaps": 993, "smtp": 25}}
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue()


@contextlib.contextmanager
def wired(folder: Path) -> Iterator[Landscape]:
    with namespaces("maco", "cloud", "connector", "mail") as (maco, cloud, connector, mail):
        cloud.add_address("lo", f"{CLOUD}/32")
        connect(maco, "10.77.1.2/24", cloud, "10.77.1.1/24", device="cloudnet")
        connect(connector, "10.77.2.2/24", cloud, "10.77.2.1/24", device="internet")
        connect(connector, "10.77.3.1/24", mail, f"{MAIL}/24", device="lan")
        maco.configure("route", "add", CLOUD, "via", "10.77.1.1")
        connector.configure("route", "add", CLOUD, "via", "10.77.2.1")
        yield Landscape(folder, maco, cloud, connector, mail)


@contextlib.contextmanager
def started(landscape: Landscape) -> Iterator[tuple[Process, Process]]:
    """Run mail server, cloud side and connector; yield the latter two."""
    folder = landscape.folder
    (folder / "lab.yaml").write_text(lab_text(), encoding="utf-8")
    with (
        landscape.mail.running("mailserver_sim", folder=folder) as mail_server,
        landscape.cloud.running("connector_sim", "cloud", folder=folder) as cloud,
    ):
        mail_server.wait_for(f"smtp listens on {MAIL}:25")
        cloud.wait_for("tunnel endpoint listens on")
        with landscape.connector.running("connector_sim", "on-premise", folder=folder) as connector:
            connector.wait_for("Cloud Connector scc: stadtwerke Connected")
            yield cloud, connector


def observations(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.text.splitlines() if line.startswith("{")]


def has_told_of_both_ends(process: Process) -> bool:
    process._read(0.0)
    return process.text.count('"stream_closed"') == 2


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landscape]:
    with wired(tmp_path_factory.mktemp("machines")) as landscape:
        yield landscape


@pytest.fixture(scope="module")
def running(landscape: Landscape) -> Iterator[tuple[Process, Process]]:
    with started(landscape) as processes:
        yield processes


@pytest.fixture(scope="module")
def fetched(landscape: Landscape, running: tuple[Process, Process]) -> Fetched:
    """Deliver one mail to each mailbox inside the customer's LAN, and fetch them by both ways."""
    sent = landscape.connector.run(sys.executable, "-c", SEND)
    assert sent.returncode == 0, sent.stderr
    maco = landscape.fetch()
    cloud, connector = running
    for process in running:
        wait_until(functools.partial(has_told_of_both_ends, process), "both connections end")
    return Fetched(maco.child.returncode, observations(maco), observations(connector), observations(cloud))


def test_a_mail_comes_by_both_ways(fetched: Fetched) -> None:
    mails = [(each["connection"], each["subject"]) for each in fetched.maco if each["kind"] == "mail_fetched"]

    assert sorted(mails) == [("way-a", "far away"), ("way-b", "far away")]
    assert fetched.exit_code == 0


def test_the_back_ends_are_the_real_ports(fetched: Fetched) -> None:
    opened = [each for each in fetched.connector if each["kind"] == "stream_opened"]

    assert sorted((each["protocol"], each["back_end"][1]) for each in opened) == [
        ("TCP", [MAIL, 143]),
        ("TCPS", [MAIL, 993]),
    ]


def test_maco_does_tls_by_way_a_and_the_connector_by_way_b(fetched: Fetched) -> None:
    clients = [
        (each["party"], each["session"])
        for each in (*fetched.maco, *fetched.connector)
        if each["kind"] == "handshake" and each["session"] != "tunnel" and each["succeeded"]
    ]

    assert sorted(clients) == [("Cloud Connector", "TCP TLS to the back end"), ("MaCo", "IMAP STARTTLS")]


def test_the_cloud_side_never_sees_an_address_of_the_lan(fetched: Fetched) -> None:
    seen = json.dumps(fetched.cloud)

    assert CLOUD in seen
    assert "10.77.3." not in seen


@pytest.mark.parametrize("port", [143, 993])
def test_there_is_no_way_between_the_cloud_side_and_the_mail_server(
    landscape: Landscape, running: tuple[Process, Process], port: int
) -> None:
    assert [each.routes_to(MAIL) for each in (landscape.maco, landscape.cloud)] == [False, False]
    assert [landscape.mail.routes_to(address) for address in (CLOUD, "10.77.1.2", "10.77.2.1")] == [False] * 3
    # The control: where there is a way, the same two questions are answered by yes.
    assert landscape.connector.routes_to(MAIL)
    assert landscape.connector.run(sys.executable, "-c", DIAL, MAIL, str(port)).returncode == 0
    dialled = landscape.cloud.run(sys.executable, "-c", DIAL, MAIL, str(port))
    assert "Network is unreachable" in dialled.stderr


def test_nobody_forwards_packets(landscape: Landscape) -> None:
    for machine in (landscape.maco, landscape.cloud, landscape.connector, landscape.mail):
        assert machine.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout == "0\n"


def test_the_token_service_speaks_no_http_without_tls_on_a_network(
    landscape: Landscape, running: tuple[Process, Process]
) -> None:
    asked = landscape.maco.run(sys.executable, "-c", SPEAK_HTTP)

    assert asked.returncode == 1
    assert asked.stderr.splitlines()[-1].startswith(("http.client.", "ConnectionResetError"))


def test_everything_is_removed_also_when_a_test_fails(tmp_path: Path) -> None:
    before = set(left_behind())

    def fail() -> None:
        with namespaces("short", "lived") as (one, other):
            connect(one, "10.77.9.1/24", other, "10.77.9.2/24", device="cable")
            assert len(set(left_behind()) - before) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert set(left_behind()) == before

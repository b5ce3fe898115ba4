"""On the way from the Connectivity service to the mail server: location ID, mapping, back end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maco_lab.names import OnPremiseNames
from maco_lab.parties import CloudAddresses, Reporting, build_connector
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused, TunnelState
from tests.conftest import StartLab
from tests.failures.filtered_port import filtered_port
from tests.failures.matrix import Matrix, poll
from tests.failures.raw_client import connection_held
from tests.failures.scripted import ScriptedMailServer, both
from tests.failures.settings import INTERNAL_A, INTERNAL_B, WAY_A, WAY_B, cloud, connector, email_server, mapping
from tests.lab_under_test import Change, LabUnderTest, changed_lab_file
from tests.maco_client.scripted_server import Hang

SHORT_S = 0.3


def assert_refused(lab: LabUnderTest, way: str, reply: int) -> None:
    result = poll(lab, way)
    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", reply)
    assert lab.refusal(Party.CONNECTIVITY).reply == reply
    assert not lab.of(StreamOpened)
    assert not lab.of(Handshake, Party.MAIL_SERVER)
    assert lab.no_password_was_sent()


def assert_no_connector_was_asked(lab: LabUnderTest, way: str) -> None:
    assert_refused(lab, way, 0x03)
    assert not lab.of(StreamRefused, Party.CLOUD_CONNECTOR)


def test_a_missing_location_id_is_0x03_although_a_connector_is_there(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(email_server(WAY_A, location_id=""))

    assert_no_connector_was_asked(lab, WAY_A)
    assert "'WERK1'" in lab.refusal(Party.CONNECTIVITY).reason
    matrix.row(lab, "MaCo's location ID is missing")


def test_a_connector_that_was_stopped_is_0x03(start_lab: StartLab, matrix: Matrix, tmp_path: Path) -> None:
    lab = start_lab(lambda data: data.update(cloud_connectors=[]))
    cloud = lab.lab.cloud
    built = build_connector(
        changed_lab_file(lambda _: None, tmp_path).model.cloud_connectors[0],
        CloudAddresses(cloud.socks5_address, cloud.token_url, cloud.tunnel_address),
        OnPremiseNames({}, {}),
        lab.lab.pki,
        Reporting(lab.journal.record),
    )
    with lab.loop.enter(built.running()):
        lab.wait_for(TunnelState, Party.CONNECTIVITY, state="Connected")
    lab.wait_for(TunnelState, Party.CONNECTIVITY, state="Disconnected")

    assert_no_connector_was_asked(lab, WAY_A)
    assert "connected: none" in lab.refusal(Party.CONNECTIVITY).reason
    matrix.row(lab, "the Cloud Connector was stopped")


def two_subaccounts(data: dict[str, Any]) -> None:
    """Connect a second subaccount, by a location ID that the first does not have; MaCo belongs to the first."""
    data["subaccounts"].append("netz")
    own = data["cloud_connectors"][0]["subaccounts"][0]
    data["cloud_connectors"][0]["subaccounts"].append({**own, "subaccount": "netz", "location_id": "NETZ1"})


def test_the_location_id_of_another_subaccount_is_0x03(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(both(two_subaccounts, email_server(WAY_A, location_id="NETZ1")))
    connected = {each.location_id for each in lab.of(TunnelState, Party.CONNECTIVITY) if each.state == "Connected"}
    assert connected == {"WERK1", "NETZ1"}

    assert_no_connector_was_asked(lab, WAY_A)
    assert lab.refusal(Party.CONNECTIVITY).subaccount == "stadtwerke"
    matrix.row(lab, "MaCo's location ID is that of another subaccount's connector")


def real_name(data: dict[str, Any]) -> None:
    """Hide another host behind the virtual name of way B, and let MaCo use it."""
    mapping(WAY_B, internal="imap.intern:993")(data)
    data["hosts"]["imap.intern:993"] = data["hosts"]["mail.stadtwerke.example:993"]
    email_server(WAY_B, address="imap.intern:993")(data)


WRONG_NAMES = [
    pytest.param(
        WAY_A,
        email_server(WAY_A, address="mail.stadtwerke.example:144"),
        "mail.stadtwerke.example:144",
        "mail.stadtwerke.example:143",
        "the port in MaCo's address is wrong",
        id="wrong_port",
    ),
    pytest.param(
        WAY_B,
        real_name,
        "imap.intern:993",
        "mailbox.virtual:993",
        "B: MaCo uses the real name instead of the virtual one",
        id="real_name",
    ),
]


@pytest.mark.parametrize(("way", "change", "address", "nearest", "words"), WRONG_NAMES)
def test_what_is_not_mapped_is_0x02_and_the_connectors_log_names_the_nearest_mapping(
    start_lab: StartLab,
    matrix: Matrix,
    caplog: pytest.LogCaptureFixture,
    way: str,
    change: Change,
    address: str,
    nearest: str,
    words: str,
) -> None:
    lab = start_lab(change)

    with caplog.at_level(logging.WARNING, "connector_sim.on_premise.connector"):
        assert_refused(lab, way, 0x02)

    assert lab.refusal(Party.CLOUD_CONNECTOR).nearest == nearest
    logged = [each.getMessage() for each in caplog.records if each.name == "connector_sim.on_premise.connector"]
    assert logged == [
        f"{address}: Access denied: no mapping for this virtual host and port; the nearest mapping is {nearest}"
    ]
    assert nearest not in lab.refusal(Party.CONNECTIVITY).reason, "the cloud side does not learn what is mapped"
    matrix.row(lab, words)


def test_a_filtered_back_end_is_0x04_once_the_connectors_time_is_up(start_lab: StartLab, matrix: Matrix) -> None:
    with filtered_port() as address:
        lab = start_lab(
            both(
                connector(connect_timeout_s=SHORT_S),
                lambda data: data["hosts"].update({INTERNAL_A: "{}:{}".format(*address)}),
            )
        )
        assert_refused(lab, WAY_A, 0x04)

    assert lab.refusal(Party.CLOUD_CONNECTOR).reason.endswith(f"no connection within {SHORT_S:g} s")
    matrix.row(lab, "the back end is filtered: it never answers")


@pytest.mark.parametrize(
    ("change", "party", "setting", "words"),
    [
        pytest.param(
            connector(max_connections=1),
            Party.CLOUD_CONNECTOR,
            "1 connections are open; the setting is max_connections",
            "the Cloud Connector has as many connections open as it may",
            id="connector",
        ),
        pytest.param(
            cloud(max_connections_per_client=1),
            Party.CONNECTIVITY,
            "client 'maco' has 1 open connections; the setting is max_connections_per_client",
            "MaCo's OAuth client has as many connections open as it may",
            id="client",
        ),
    ],
)
def test_a_limit_of_connections_is_0x01_and_the_one_who_has_it_names_its_setting(
    start_lab: StartLab, matrix: Matrix, change: Change, party: Party, setting: str, words: str
) -> None:
    lab = start_lab(change)
    with connection_held(lab, "mail.stadtwerke.example", 143):
        result = poll(lab, WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x01)
    assert lab.refusal(party).reason == f"limit reached: {setting}"
    matrix.row(lab, words)


@pytest.mark.parametrize("way", [pytest.param(WAY_A, id="way_a"), pytest.param(WAY_B, id="way_b")])
def test_a_back_end_whose_name_does_not_resolve_is_0x04(start_lab: StartLab, matrix: Matrix, way: str) -> None:
    port = {WAY_A: 143, WAY_B: 993}[way]
    lab = start_lab(mapping(way, internal=f"mail.stadtwerk.example:{port}"))

    assert_refused(lab, way, 0x04)
    assert "cannot be resolved" in lab.refusal(Party.CLOUD_CONNECTOR).reason
    assert "stadtwerk.example" not in lab.refusal(Party.CONNECTIVITY).reason
    matrix.row(lab, f"{'A' if way == WAY_A else 'B'}: the internal host of the mapping does not resolve")


def test_a_back_end_that_never_answers_the_handshake_is_0x04_once_the_connectors_time_is_up(
    start_lab: StartLab, mail_server: Callable[[], ScriptedMailServer], matrix: Matrix
) -> None:
    server = mail_server()
    lab = start_lab(both(connector(tls_timeout_s=SHORT_S), server.at(INTERNAL_B)))
    server.scripts = [[Hang()]]

    assert_refused(lab, WAY_B, 0x04)
    server.wait_for_its_end()
    by_connector = lab.client_handshake(Party.CLOUD_CONNECTOR)
    assert by_connector.error == f"the peer did not finish the handshake within {SHORT_S:g} s"
    assert by_connector.error in lab.refusal(Party.CLOUD_CONNECTOR).reason
    matrix.row(lab, "B: the back end takes the connection and never answers the TLS handshake", scripted=server)

"""On the way from the Connectivity service to the mail server: location ID, mapping, back end."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import CloudConnector
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused, TunnelState
from tests.failures.filtered_port import filtered_port
from tests.failures.matrix import Matrix, poll
from tests.failures.raw_client import connection_held
from tests.failures.scripted import ScriptedMailServer, both
from tests.failures.settings import INTERNAL_A, INTERNAL_B, WAY_A, WAY_B, cloud, connector, email_server, mapping
from tests.maco_client.scripted_server import Hang

SHORT_S = 0.3


def assert_refused(lab: Lab, way: str, reply: int) -> None:
    result = poll(lab, way)
    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", reply)
    assert lab.journal.one(StreamRefused, Party.CONNECTIVITY).reply == reply
    assert not lab.journal.of(StreamOpened)
    assert not lab.journal.of(Handshake, Party.MAIL_SERVER)
    assert lab.journal.no_password_was_sent()


def assert_no_connector_was_asked(lab: Lab, way: str) -> None:
    assert_refused(lab, way, 0x03)
    assert not lab.journal.of(StreamRefused, Party.CLOUD_CONNECTOR)


@pytest.mark.maco_lab(change=email_server(WAY_A, location_id=""))
def test_a_missing_location_id_is_0x03_although_a_connector_is_there(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert_no_connector_was_asked(maco_lab, WAY_A)
    assert "'WERK1'" in lab_journal.one(StreamRefused, Party.CONNECTIVITY).reason
    matrix.row("MaCo's location ID is missing")


def test_a_connector_that_was_stopped_is_0x03(
    maco_lab: Lab, cloud_connector: CloudConnector, lab_journal: LabJournal, matrix: Matrix
) -> None:
    lab_journal.wait_for(TunnelState, Party.CONNECTIVITY, state="Connected")
    cloud_connector.disconnect()
    lab_journal.wait_for(TunnelState, Party.CONNECTIVITY, state="Disconnected")

    assert_no_connector_was_asked(maco_lab, WAY_A)
    assert "connected: none" in lab_journal.one(StreamRefused, Party.CONNECTIVITY).reason
    matrix.row("the Cloud Connector was stopped")


def two_subaccounts(data: dict[str, Any]) -> None:
    """Connect a second subaccount, by a location ID that the first does not have; MaCo belongs to the first."""
    data["subaccounts"].append("netz")
    own = data["cloud_connectors"][0]["subaccounts"][0]
    data["cloud_connectors"][0]["subaccounts"].append({**own, "subaccount": "netz", "location_id": "NETZ1"})


@pytest.mark.maco_lab(change=both(two_subaccounts, email_server(WAY_A, location_id="NETZ1")))
def test_the_location_id_of_another_subaccount_is_0x03(maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix) -> None:
    connected = {
        each.location_id for each in lab_journal.of(TunnelState, Party.CONNECTIVITY) if each.state == "Connected"
    }
    assert connected == {"WERK1", "NETZ1"}

    assert_no_connector_was_asked(maco_lab, WAY_A)
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).subaccount == "stadtwerke"
    matrix.row("MaCo's location ID is that of another subaccount's connector")


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


@pytest.mark.parametrize(("way", "maco_lab_settings", "address", "nearest", "words"), WRONG_NAMES)
def test_what_is_not_mapped_is_0x02_and_the_connectors_log_names_the_nearest_mapping(
    maco_lab: Lab,
    lab_journal: LabJournal,
    matrix: Matrix,
    caplog: pytest.LogCaptureFixture,
    way: str,
    address: str,
    nearest: str,
    words: str,
) -> None:
    with caplog.at_level(logging.WARNING, "connector_sim.on_premise.connector"):
        assert_refused(maco_lab, way, 0x02)

    assert lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).nearest == nearest
    logged = [each.getMessage() for each in caplog.records if each.name == "connector_sim.on_premise.connector"]
    assert logged == [
        f"{address}: Access denied: no mapping for this virtual host and port; the nearest mapping is {nearest}"
    ]
    told_to_the_cloud = lab_journal.one(StreamRefused, Party.CONNECTIVITY).reason
    assert nearest not in told_to_the_cloud, "the cloud side does not learn what is mapped"
    matrix.row(words)


@pytest.mark.maco_lab(change=connector(connect_timeout_s=SHORT_S))
def test_a_filtered_back_end_is_0x04_once_the_connectors_time_is_up(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    with filtered_port() as address:
        maco_lab.lead(INTERNAL_A, address)
        assert_refused(maco_lab, WAY_A, 0x04)

    assert lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason.endswith(f"no connection within {SHORT_S:g} s")
    matrix.row("the back end is filtered: it never answers")


@pytest.mark.parametrize(
    ("party", "setting", "words"),
    [
        pytest.param(
            Party.CLOUD_CONNECTOR,
            "1 connections are open; the setting is max_connections",
            "the Cloud Connector has as many connections open as it may",
            marks=pytest.mark.maco_lab(change=connector(max_connections=1)),
            id="connector",
        ),
        pytest.param(
            Party.CONNECTIVITY,
            "client 'maco' has 1 open connections; the setting is max_connections_per_client",
            "MaCo's OAuth client has as many connections open as it may",
            marks=pytest.mark.maco_lab(change=cloud(max_connections_per_client=1)),
            id="client",
        ),
    ],
)
def test_a_limit_of_connections_is_0x01_and_the_one_who_has_it_names_its_setting(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, party: Party, setting: str, words: str
) -> None:
    with connection_held(maco_lab, "mail.stadtwerke.example", 143):
        result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x01)
    assert lab_journal.one(StreamRefused, party).reason == f"limit reached: {setting}"
    matrix.row(words)


@pytest.mark.parametrize(
    ("way", "maco_lab_settings"),
    [
        pytest.param(WAY_A, mapping(WAY_A, internal="mail.stadtwerk.example:143"), id="way_a"),
        pytest.param(WAY_B, mapping(WAY_B, internal="mail.stadtwerk.example:993"), id="way_b"),
    ],
)
def test_a_back_end_whose_name_does_not_resolve_is_0x04(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, way: str
) -> None:
    assert_refused(maco_lab, way, 0x04)
    assert "cannot be resolved" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert "stadtwerk.example" not in lab_journal.one(StreamRefused, Party.CONNECTIVITY).reason
    matrix.row(f"{'A' if way == WAY_A else 'B'}: the internal host of the mapping does not resolve")


@pytest.mark.maco_lab(change=connector(tls_timeout_s=SHORT_S))
def test_a_back_end_that_never_answers_the_handshake_is_0x04_once_the_connectors_time_is_up(
    maco_lab: Lab, lab_journal: LabJournal, server: ScriptedMailServer, matrix: Matrix
) -> None:
    maco_lab.lead(INTERNAL_B, server.address)
    server.scripts = [[Hang()]]

    assert_refused(maco_lab, WAY_B, 0x04)
    server.wait_for_its_end()
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert by_connector.error == f"the peer did not finish the handshake within {SHORT_S:g} s"
    assert by_connector.error in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    matrix.row("B: the back end takes the connection and never answers the TLS handshake", scripted=server)

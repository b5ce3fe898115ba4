"""A mail server that demands a client certificate: the connector has one to give (way B), MaCo has none (way A)."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, Problem, StreamOpened, StreamRefused
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import both
from tests.failures.settings import WAY_A, WAY_B, connector, mail_tls

MISSING = "peer did not return a certificate"  # OpenSSL's words at the server's end


def demanding(port: str, version: str, *values: object, system_certificate: bool) -> ParameterSet:
    """Return the case of a port that demands a certificate in one version of TLS."""
    tls = mail_tls(
        port,
        minimum_version=version,
        maximum_version=version,
        client_certificate="required",
        client_authorities=["connector_ca"],
    )
    change = both(tls, connector(system_certificate=system_certificate))
    mark = pytest.mark.maco_lab(change=change)
    return pytest.param(version, *values, id=f"tls{version.replace('.', '')}", marks=mark)


@pytest.mark.parametrize(
    "version", [demanding("imaps", version, system_certificate=True) for version in ("1.2", "1.3")]
)
def test_way_b_gives_the_system_certificate_to_a_mail_server_that_demands_one(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, version: str
) -> None:
    result = poll(maco_lab, WAY_B)

    assert (result.succeeded, result.error) == (True, "")
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.client_certificate) == (True, "system certificate")
    assert by_connector.version == f"TLSv{version}"
    (seen, *_) = lab_journal.server_handshake(succeeded=True).peer_chain
    assert seen.subject == "CN=maco-lab Cloud Connector,O=maco-lab"
    matrix.row(f"B: a client certificate is demanded, TLS {version}; there is a system certificate")


@pytest.mark.parametrize("version", [demanding("imaps", "1.2", system_certificate=False)])
def test_way_b_without_a_system_certificate_fails_in_the_handshake_of_tls_1_2(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, version: str
) -> None:
    result = poll(maco_lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    # RFC 5246, section 7.4.6: "it MAY respond with a fatal handshake_failure alert"
    assert (by_connector.succeeded, by_connector.alert_received) == (False, "handshake_failure")
    assert "handshake" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert lab_journal.server_handshake(succeeded=False).error == MISSING
    assert lab_journal.no_password_was_sent()
    matrix.row("B: a client certificate is demanded, TLS 1.2; there is no system certificate")


@pytest.mark.parametrize("version", [demanding("imaps", "1.3", system_certificate=False)])
def test_way_b_without_a_system_certificate_fails_behind_the_handshake_of_tls_1_3(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, version: str
) -> None:
    result = poll(maco_lab, WAY_B)

    # In TLS 1.3 the server judges when the client is done already: the way is open, and then it ends.
    assert (result.succeeded, result.stage, result.socks_reply) == (False, "greeting", None)
    assert result.error == "Connection dropped by server?"
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).succeeded
    assert lab_journal.of(StreamOpened, Party.CONNECTIVITY)
    # RFC 8446, section 6.2: certificate_required, "Sent by servers when a client certificate is desired but none was"
    assert "certificate_required" in lab_journal.wait_for(Problem, Party.CLOUD_CONNECTOR).text
    assert lab_journal.server_handshake(succeeded=False).error == MISSING
    assert lab_journal.no_password_was_sent()
    matrix.row("B: a client certificate is demanded, TLS 1.3; there is no system certificate")


@pytest.mark.parametrize(
    ("version", "alert"),
    [
        demanding("imap", "1.2", "handshake_failure", system_certificate=True),
        demanding("imap", "1.3", "certificate_required", system_certificate=True),
    ],
)
def test_way_a_fails_because_maco_has_no_client_certificate(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, version: str, alert: str
) -> None:
    result = poll(maco_lab, WAY_A)

    assert not result.succeeded
    assert f"Received fatal alert: {alert}" in result.error
    assert "system certificate in the Cloud Connector" in result.hint
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.alert_received) == (False, alert)
    assert lab_journal.server_handshake(succeeded=False).error == MISSING
    assert lab_journal.no_password_was_sent()
    matrix.row(f"A: a client certificate is demanded, TLS {version}")

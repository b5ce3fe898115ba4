"""A mail server that demands a client certificate: the connector has one to give (way B), MaCo has none (way A)."""

from __future__ import annotations

import ssl

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, Problem, StreamOpened, StreamRefused
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import ScriptedMailServer, presenting
from tests.failures.settings import INTERNAL_A, INTERNAL_B, WAY_A, WAY_B, connector
from tests.maco_client.scripted_server import (
    Expect,
    Script,
    Tls,
    answered,
    found,
    greeting,
    in_clear,
    left,
    opened,
    starttls,
)

VERSIONS = [
    pytest.param(ssl.TLSVersion.TLSv1_2, id="tls12"),
    pytest.param(ssl.TLSVersion.TLSv1_3, id="tls13"),
]
MISSING = "peer did not return a certificate"  # OpenSSL's words at the server's end


def demanding(lab: Lab, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = presenting(lab, demand_client_certificate=True)
    context.maximum_version = version
    return context


def words(version: ssl.TLSVersion) -> str:
    return "TLS 1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLS 1.3"


def a_poll_without_mail(context: ssl.SSLContext) -> Script:
    login = answered(rb'LOGIN "gas@stadtwerke\.example" "Gas0815Postfach"')
    return [Tls(context), *greeting(), *in_clear(), *login, *opened(exists=0), *found(), *left()]


@pytest.mark.maco_lab(change=connector(system_certificate=True))
@pytest.mark.parametrize("version", VERSIONS)
def test_way_b_gives_the_system_certificate_to_a_mail_server_that_demands_one(
    maco_lab: Lab, lab_journal: LabJournal, server: ScriptedMailServer, matrix: Matrix, version: ssl.TLSVersion
) -> None:
    maco_lab.lead(INTERNAL_B, server.address)
    server.scripts = [a_poll_without_mail(demanding(maco_lab, version))]

    result = poll(maco_lab, WAY_B, server)

    assert (result.succeeded, result.error) == (True, "")
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.client_certificate) == (True, "system certificate")
    assert by_connector.version == words(version).replace(" 1", "v1")
    assert (server.handshake_errors, server.surprises) == ([], [])
    matrix.row(f"B: a client certificate is demanded, {words(version)}; there is a system certificate", scripted=server)


@pytest.mark.maco_lab(change=connector(system_certificate=False))
def test_way_b_without_a_system_certificate_fails_in_the_handshake_of_tls_1_2(
    maco_lab: Lab, lab_journal: LabJournal, server: ScriptedMailServer, matrix: Matrix
) -> None:
    maco_lab.lead(INTERNAL_B, server.address)
    server.scripts = [[Tls(demanding(maco_lab, ssl.TLSVersion.TLSv1_2))]]

    result = poll(maco_lab, WAY_B, server)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    # RFC 5246, section 7.4.6: "it MAY respond with a fatal handshake_failure alert"
    assert (by_connector.succeeded, by_connector.alert_received) == (False, "handshake_failure")
    assert "handshake" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert server.handshake_errors == [MISSING]
    assert lab_journal.no_password_was_sent()
    matrix.row("B: a client certificate is demanded, TLS 1.2; there is no system certificate", scripted=server)


@pytest.mark.maco_lab(change=connector(system_certificate=False))
def test_way_b_without_a_system_certificate_fails_behind_the_handshake_of_tls_1_3(
    maco_lab: Lab, lab_journal: LabJournal, server: ScriptedMailServer, matrix: Matrix
) -> None:
    maco_lab.lead(INTERNAL_B, server.address)
    server.scripts = [[Tls(demanding(maco_lab, ssl.TLSVersion.TLSv1_3))]]

    result = poll(maco_lab, WAY_B, server)

    # In TLS 1.3 the server judges when the client is done already: the way is open, and then it ends.
    assert (result.succeeded, result.stage, result.socks_reply) == (False, "greeting", None)
    assert result.error == "Connection dropped by server?"
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).succeeded
    assert lab_journal.of(StreamOpened, Party.CONNECTIVITY)
    # RFC 8446, section 6.2: certificate_required, "Sent by servers when a client certificate is desired but none was"
    assert "certificate_required" in lab_journal.wait_for(Problem, Party.CLOUD_CONNECTOR).text
    assert server.handshake_errors == [MISSING]
    assert lab_journal.no_password_was_sent()
    matrix.row("B: a client certificate is demanded, TLS 1.3; there is no system certificate", scripted=server)


@pytest.mark.maco_lab(change=connector(system_certificate=True))
@pytest.mark.parametrize(
    ("version", "alert"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_2, "handshake_failure", id="tls12"),
        pytest.param(ssl.TLSVersion.TLSv1_3, "certificate_required", id="tls13"),
    ],
)
def test_way_a_fails_because_maco_has_no_client_certificate(
    maco_lab: Lab,
    lab_journal: LabJournal,
    server: ScriptedMailServer,
    matrix: Matrix,
    version: ssl.TLSVersion,
    alert: str,
) -> None:
    maco_lab.lead(INTERNAL_A, server.address)
    server.scripts = [[*greeting(), *starttls(demanding(maco_lab, version)), Expect(b"never")]]

    result = poll(maco_lab, WAY_A, server)

    assert not result.succeeded
    assert f"Received fatal alert: {alert}" in result.error
    assert "system certificate in the Cloud Connector" in result.hint
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.alert_received) == (False, alert)
    assert server.handshake_errors == [MISSING]
    assert lab_journal.no_password_was_sent()
    matrix.row(f"A: a client certificate is demanded, {words(version)}", scripted=server)

"""Protocol of the mapping, port of the mail server and Protection that do not fit one another."""

from __future__ import annotations

from maco_wire.observation import Handshake, Login, Party, PollFinished, Starttls, StreamOpened, TlsSession
from tests.conftest import StartLab
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import both
from tests.failures.settings import INTERNAL_A, INTERNAL_B, WAY_A, WAY_B, email_connection, email_server, mapping
from tests.lab_under_test import LabUnderTest

ENDS = (Party.MACO, Party.CONNECTIVITY)
SLACK_S = 0.4
"""What a machine that is busy with other tests may add to a time-out."""


def assert_read_timed_out(lab: LabUnderTest, way: str, timeout_s: float) -> None:
    """Check that MaCo waited for the greeting as long as its Timeout says, counted from the open way."""
    result = poll(lab, way)
    assert (result.succeeded, result.stage, result.error) == (False, "greeting", "Read timed out")
    assert "993" in result.hint
    at = {type(entry.observation): entry.time for entry in lab.journal if entry.observation.party in ENDS}
    assert timeout_s <= at[PollFinished] - at[StreamOpened] < timeout_s + SLACK_S
    assert not [each for each in lab.of(Handshake) if each.session is not TlsSession.TUNNEL], "nobody began TLS"
    assert not lab.of(Starttls)
    assert not lab.of(Login)
    assert lab.no_password_was_sent()


def test_a_tcp_mapping_to_993_with_protection_off_times_out_after_exactly_the_connections_timeout(
    start_lab: StartLab, matrix: Matrix
) -> None:
    for timeout_ms in (150, 600):  # more apart than the slack: it is this setting and no other that ends the wait
        lab = start_lab(both(mapping(WAY_B, protocol="TCP"), email_server(WAY_B, timeout_ms=timeout_ms)))

        assert_read_timed_out(lab, WAY_B, timeout_ms / 1000)
        assert lab.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).protocol == "TCP"
    matrix.row(lab, "mapping TCP to 993, Protection Off: both ends wait for the other")


def test_a_tcp_mapping_to_993_with_starttls_mandatory_times_out_likewise(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(both(mapping(WAY_A, internal=INTERNAL_B), email_server(WAY_A, timeout_ms=150)))

    assert_read_timed_out(lab, WAY_A, 0.15)
    assert lab.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).internal_port == 993
    matrix.row(lab, "mapping TCP to 993, STARTTLS Mandatory")


def test_a_tcps_mapping_to_143_is_refused_because_no_tls_answers(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(mapping(WAY_B, internal=INTERNAL_A))

    result = poll(lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab.client_handshake(Party.CLOUD_CONNECTOR)
    # The greeting stands where a TLS record should: OpenSSL's words for it.
    assert (by_connector.succeeded, by_connector.error) == (False, "wrong version number")
    assert "mail.stadtwerke.example:143" in lab.refusal(Party.CLOUD_CONNECTOR).reason
    assert lab.refusal(Party.CONNECTIVITY).reply == 0x04
    assert not lab.of(Handshake, Party.MAIL_SERVER)
    assert lab.no_password_was_sent()
    matrix.row(lab, "mapping TCPS to 143: the mail server greets in clear where TLS is due")


def test_a_tcps_mapping_with_starttls_mandatory_fails_with_its_text_before_the_password(
    start_lab: StartLab, matrix: Matrix
) -> None:
    lab = start_lab(email_connection(WAY_B, protection="STARTTLS Mandatory"))

    result = poll(lab, WAY_B)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error == "STARTTLS required but not supported by server"  # facts, section 1.4
    assert "TCP TLS" in result.hint
    assert "Off" in result.hint
    assert lab.client_handshake(Party.CLOUD_CONNECTOR).succeeded
    assert lab.mail_server_handshake(succeeded=True).alert_received == ""
    assert [(each.party, each.step) for each in lab.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert lab.no_password_was_sent()
    matrix.row(lab, "mapping TCPS, STARTTLS Mandatory: inside TLS there is no STARTTLS")


def test_a_tcp_mapping_to_143_with_protection_off_ends_before_the_password(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(email_connection(WAY_A, protection="Off"))

    result = poll(lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "login")
    assert result.error == "No login methods supported!"  # facts, section 1.4: LOGINDISABLED without another mechanism
    assert "Protection" in result.hint
    assert [(each.party, each.credentials_sent) for each in lab.of(Login)] == [(Party.MACO, False)]
    assert lab.no_password_was_sent()
    matrix.row(lab, "mapping TCP to 143, Protection Off: the mail server allows no login in clear")

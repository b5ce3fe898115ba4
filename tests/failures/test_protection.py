"""Protocol of the mapping, port of the mail server and Protection that do not fit one another."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import (
    Handshake,
    Login,
    Party,
    PollFinished,
    Starttls,
    StreamOpened,
    StreamRefused,
    TlsSession,
)
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import both
from tests.failures.settings import INTERNAL_A, INTERNAL_B, WAY_A, WAY_B, email_connection, email_server, mapping

ENDS = (Party.MACO, Party.CONNECTIVITY)
SLACK_S = 0.4
"""What a machine that is busy with other tests may add to a time-out."""
TIMEOUTS_MS = {WAY_A: 150, WAY_B: 600}
"""More apart than the slack: it is this setting and no other that ends the wait."""


def assert_read_timed_out(lab: Lab, way: str, timeout_s: float) -> None:
    """Check that MaCo waited for the greeting as long as its Timeout says, counted from the open way."""
    result = poll(lab, way)
    assert (result.succeeded, result.stage, result.error) == (False, "greeting", "Read timed out")
    assert "993" in result.hint
    at = {type(entry.observation): entry.time for entry in lab.journal if entry.observation.party in ENDS}
    assert timeout_s <= at[PollFinished] - at[StreamOpened] < timeout_s + SLACK_S
    assert not [each for each in lab.journal.of(Handshake) if each.session is not TlsSession.TUNNEL], "nobody began TLS"
    assert not lab.journal.of(Starttls)
    assert not lab.journal.of(Login)
    assert lab.journal.no_password_was_sent()


def both_ways_to_993_in_clear(data: dict[str, Any]) -> None:
    """Let both e-mail connections use the mapping of way B, now TCP, each with a Timeout of its own."""
    mapping(WAY_B, protocol="TCP")(data)
    email_connection(WAY_A, protection="Off")(data)
    address = data["maco"]["email_servers"][1]["address"]
    for way, timeout_ms in TIMEOUTS_MS.items():
        email_server(way, address=address, timeout_ms=timeout_ms)(data)


@pytest.mark.maco_lab(change=both_ways_to_993_in_clear)
def test_a_tcp_mapping_to_993_with_protection_off_times_out_after_exactly_the_connections_timeout(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    for way, timeout_ms in TIMEOUTS_MS.items():
        maco_lab.reset()
        assert_read_timed_out(maco_lab, way, timeout_ms / 1000)
        assert lab_journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).protocol == "TCP"
    matrix.row("mapping TCP to 993, Protection Off: both ends wait for the other")


@pytest.mark.maco_lab(change=both(mapping(WAY_A, internal=INTERNAL_B), email_server(WAY_A, timeout_ms=150)))
def test_a_tcp_mapping_to_993_with_starttls_mandatory_times_out_likewise(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert_read_timed_out(maco_lab, WAY_A, 0.15)
    assert lab_journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).internal_port == 993
    matrix.row("mapping TCP to 993, STARTTLS Mandatory")


@pytest.mark.maco_lab(change=mapping(WAY_B, internal=INTERNAL_A))
def test_a_tcps_mapping_to_143_is_refused_because_no_tls_answers(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    result = poll(maco_lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    # The greeting stands where a TLS record should: OpenSSL's words for it.
    assert (by_connector.succeeded, by_connector.error) == (False, "wrong version number")
    assert "mail.stadtwerke.example:143" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert not lab_journal.of(Handshake, Party.MAIL_SERVER)
    assert lab_journal.no_password_was_sent()
    matrix.row("mapping TCPS to 143: the mail server greets in clear where TLS is due")


@pytest.mark.maco_lab(change=email_connection(WAY_B, protection="STARTTLS Mandatory"))
def test_a_tcps_mapping_with_starttls_mandatory_fails_with_its_text_before_the_password(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    result = poll(maco_lab, WAY_B)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error == "STARTTLS required but not supported by server"  # facts, section 1.4
    assert "TCP TLS" in result.hint
    assert "Off" in result.hint
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).succeeded
    assert lab_journal.server_handshake(succeeded=True).alert_received == ""
    assert [(each.party, each.step) for each in lab_journal.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert lab_journal.no_password_was_sent()
    matrix.row("mapping TCPS, STARTTLS Mandatory: inside TLS there is no STARTTLS")


@pytest.mark.maco_lab(change=email_connection(WAY_A, protection="Off"))
def test_a_tcp_mapping_to_143_with_protection_off_ends_before_the_password(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "login")
    assert result.error == "No login methods supported!"  # facts, section 1.4: LOGINDISABLED without another mechanism
    assert "Protection" in result.hint
    assert [(each.party, each.credentials_sent) for each in lab_journal.of(Login)] == [(Party.MACO, False)]
    assert lab_journal.no_password_was_sent()
    matrix.row("mapping TCP to 143, Protection Off: the mail server allows no login in clear")

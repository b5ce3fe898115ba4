"""Where the CA must be trusted: in MaCo's key store for way A, in the connector's back-end trust store for way B."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco
from maco_lab.testing.settings import Change
from maco_wire.observation import Handshake, Login, Party, StreamRefused, TlsSession

pytestmark = pytest.mark.usefixtures("mail_waits")

WAY_A, WAY_B = "way-a", "way-b"
PKIX_BUILD = "PKIX path building failed"  # facts, section 2.5: the text of Java for a path that ends nowhere


def trusting(*, maco: list[str], connector: list[str], certificate: str = "mail_server") -> Change:
    """Return a change that fills both stores and chooses what the mail server presents."""

    def change(data: dict[str, Any]) -> None:
        data["maco"]["key_store"] = {name: name for name in maco}
        data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = connector
        data["mail_server"]["certificate"] = certificate

    return change


@pytest.mark.parametrize(
    "maco_lab_settings",
    [
        pytest.param(trusting(maco=[], connector=["root"]), id="root_only"),
        pytest.param(trusting(maco=[], connector=["root", "intermediate"]), id="root_and_intermediate"),
        pytest.param(trusting(maco=[], connector=["intermediate"]), id="intermediate_only"),
        pytest.param(trusting(maco=[], connector=["mail_server"]), id="leaf_only"),
    ],
)
def test_way_b_works_when_the_connector_trusts(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_B).stored == 1
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    by_server = lab_journal.server_handshake(succeeded=True)
    assert by_connector.succeeded
    assert len(by_connector.peer_chain) == 2, "the server sends leaf and intermediate"
    assert by_server.peer == by_connector.local


@pytest.mark.maco_lab(change=trusting(maco=["root"], connector=[]))
def test_way_a_works_with_the_root_alone_at_maco(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).stored == 1
    assert lab_journal.client_handshake(Party.MACO).succeeded
    assert lab_journal.server_handshake(succeeded=True).session is TlsSession.IMAP_STARTTLS


@pytest.mark.maco_lab(change=trusting(maco=["cloud_root"], connector=[]))
def test_way_a_fails_when_the_root_is_missing_at_maco(maco_lab: Lab) -> None:
    assert_way_a_fails_at_tls(maco_lab, PKIX_BUILD)


@pytest.mark.maco_lab(change=trusting(maco=["cloud_root"], connector=["root", "intermediate"]))
def test_way_a_fails_when_the_root_is_only_in_the_connectors_store(maco_lab: Lab) -> None:
    assert_way_a_fails_at_tls(maco_lab, PKIX_BUILD)


@pytest.mark.maco_lab(change=trusting(maco=[], connector=["root"]))
def test_way_a_fails_when_macos_key_store_is_empty(maco_lab: Lab) -> None:
    text = "the trustAnchors parameter must be non-empty"  # facts, section 2.5: Java's text
    assert_way_a_fails_at_tls(maco_lab, text)


def assert_way_a_fails_at_tls(lab: Lab, text: str) -> None:
    result = lab.maco.poll(WAY_A)

    assert (result.succeeded, result.stage, result.stored) == (False, "starttls", 0)
    assert text in result.error
    assert "key store" in result.hint.lower()
    by_maco = lab.journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.verify_code, by_maco.alert_sent) == (False, 20, "unknown_ca")
    assert by_maco.peer_chain[0].dns_names == ("mail.stadtwerke.example",)
    by_server = lab.journal.server_handshake(succeeded=False)
    assert by_server.alert_received == "unknown_ca"
    assert lab.journal.no_password_was_sent()


@pytest.mark.maco_lab(change=trusting(maco=["root", "intermediate"], connector=[]))
def test_way_b_fails_when_the_root_is_only_at_maco(maco: Maco, lab_journal: LabJournal) -> None:
    result = maco.poll(WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.verify_code, by_connector.alert_sent) == (False, 20, "unknown_ca")
    assert lab_journal.server_handshake(succeeded=False).alert_received == "unknown_ca"
    assert "TLS with internal host" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert lab_journal.no_password_was_sent()


def rename_virtual_host(data: dict[str, Any]) -> None:
    """Let way A use a virtual host that is not in the certificate."""
    data["cloud_connectors"][0]["subaccounts"][0]["mappings"][0]["virtual"] = "mail.virtual:143"
    data["maco"]["email_servers"][0]["address"] = "mail.virtual:143"


@pytest.mark.maco_lab(change=rename_virtual_host)
def test_way_a_fails_when_the_virtual_host_is_not_the_name_in_the_certificate(
    maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert "No subject alternative DNS name matching mail.virtual found" in result.error
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.verify_code, by_maco.name_checked, by_maco.alert_sent) == (62, "mail.virtual", "bad_certificate")
    by_server = lab_journal.server_handshake(succeeded=False)
    assert (by_server.server_name, by_server.alert_received) == ("mail.virtual", "bad_certificate")
    assert lab_journal.no_password_was_sent()


def test_way_b_works_when_the_virtual_host_is_not_the_name_in_the_certificate(
    maco: Maco, lab_journal: LabJournal
) -> None:
    assert maco.poll(WAY_B).stored == 1
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert by_connector.server_name == "mail.stadtwerke.example", "SNI is the internal host"
    assert by_connector.name_checked == ""
    assert lab_journal.server_handshake(succeeded=True).server_name == "mail.stadtwerke.example"


def test_a_system_certificate_is_not_sent_to_a_mail_server_that_does_not_ask(
    maco: Maco, lab_journal: LabJournal
) -> None:
    maco.poll(WAY_B)

    assert lab_journal.server_handshake(succeeded=True).peer_chain == ()


def test_the_journal_holds_no_password_and_no_token(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_A)
    maco.poll(WAY_B)

    lines = [entry.as_json() for entry in lab_journal]
    assert len(lines) > 20
    assert lab_journal.of(Login)
    assert lab_journal.of(Handshake)
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert not [line for line in lines if secret in line]

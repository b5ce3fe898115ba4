"""Certificates that nobody should accept, and stores that lack what they need: in way A and in way B."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from maco_wire.observation import Handshake, Party, StreamOpened
from tests.conftest import StartLab
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import ScriptedMailServer, both, presenting
from tests.failures.settings import INTERNAL_B, WAY_A, WAY_B, back_end_store, certificate, key_store
from tests.lab_under_test import LabUnderTest
from tests.maco_client.scripted_server import Tls, answered, found, greeting, in_clear, left, opened

PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
PKIX_DATES = "PKIX path validation failed: validity check failed: "

# The numbers are OpenSSL's X509_V_ERR_*, the texts those of Java 17 (facts, section 2.5), the alerts those of RFC 8446.
BAD = [
    pytest.param("missing_intermediate", 20, "unknown_ca", PKIX_BUILD, id="missing_intermediate"),
    pytest.param("unknown_root", 20, "unknown_ca", PKIX_BUILD, id="unknown_root"),
    pytest.param("self_signed", 18, "unknown_ca", PKIX_BUILD, id="self_signed"),
    pytest.param("expired", 10, "certificate_expired", PKIX_DATES + "CertificateExpiredException", id="expired"),
    pytest.param(
        "not_yet_valid", 9, "bad_certificate", PKIX_DATES + "CertificateNotYetValidException", id="not_yet_valid"
    ),
    pytest.param(
        "client_auth_only",
        26,
        "unsupported_certificate",
        "Extended key usage does not permit use for TLS server authentication",
        id="client_auth_only",
    ),
]
WORDS = {
    "missing_intermediate": "the mail server does not send its intermediate, which is not in the store",
    "unknown_root": "the mail server's certificate is under an unknown root",
    "self_signed": "the mail server's certificate is self-signed",
    "expired": "the mail server's certificate has expired",
    "not_yet_valid": "the mail server's certificate is not yet valid",
    "client_auth_only": "the mail server's certificate is for TLS clients only",
}
BOTH_STORES = both(key_store("root"), back_end_store("root"))


@pytest.mark.parametrize(("name", "code", "alert", "text"), BAD)
def test_way_a_fails_at_maco_before_the_password_with_a_certificate_that_is(
    start_lab: StartLab, matrix: Matrix, name: str, code: int, alert: str, text: str
) -> None:
    lab = start_lab(both(BOTH_STORES, certificate(name)))

    result = poll(lab, WAY_A)

    assert (result.succeeded, result.stage, result.stored, result.socks_reply) == (False, "starttls", 0, None)
    assert text in result.error
    by_maco = lab.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.verify_code, by_maco.alert_sent) == (False, code, alert)
    assert lab.mail_server_handshake(succeeded=False).alert_received == alert
    assert lab.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).protocol == "TCP"
    assert lab.no_password_was_sent()
    matrix.row(lab, f"A: {WORDS[name]}")


@pytest.mark.parametrize(("name", "code", "alert", "text"), BAD)
def test_way_b_fails_at_the_connector_with_0x04_with_a_certificate_that_is(
    start_lab: StartLab, matrix: Matrix, name: str, code: int, alert: str, text: str
) -> None:
    lab = start_lab(both(BOTH_STORES, certificate(name)))

    assert_the_connector_refuses(lab, code, alert)
    assert text not in lab.refusal(Party.CONNECTIVITY).reason, "the cloud side does not learn why"
    matrix.row(lab, f"B: {WORDS[name]}")


def assert_the_connector_refuses(lab: LabUnderTest, code: int, alert: str) -> None:
    result = poll(lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.verify_code, by_connector.alert_sent) == (False, code, alert)
    assert lab.mail_server_handshake(succeeded=False).alert_received == alert
    assert lab.refusal(Party.CLOUD_CONNECTOR).reason.startswith("TLS with internal host mail.stadtwerke.example:993")
    assert lab.refusal(Party.CONNECTIVITY).reply == 0x04
    assert lab.no_password_was_sent()


def test_way_b_fails_with_an_empty_back_end_store(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(back_end_store())

    assert_the_connector_refuses(lab, 20, "unknown_ca")
    matrix.row(lab, "B: the back-end trust store is empty")


def test_way_a_is_cured_by_adding_the_missing_intermediate_to_macos_key_store(
    start_lab: StartLab, matrix: Matrix
) -> None:
    lab = start_lab(both(certificate("missing_intermediate"), key_store("root", "intermediate"), back_end_store()))

    assert poll(lab, WAY_A).stored == 1
    by_maco = lab.client_handshake(Party.MACO)
    assert (by_maco.succeeded, len(by_maco.peer_chain)) == (True, 1)
    assert lab.mail_server_handshake(succeeded=True).alert_received == ""
    assert lab.passwords_held_by() == {Party.MACO, Party.MAIL_SERVER}
    matrix.row(lab, "A: the mail server does not send its intermediate; cured: it is in MaCo's key store")


def test_way_b_is_cured_by_adding_the_missing_intermediate_to_the_back_end_store(
    start_lab: StartLab, matrix: Matrix
) -> None:
    lab = start_lab(both(certificate("missing_intermediate"), key_store(), back_end_store("root", "intermediate")))

    assert poll(lab, WAY_B).stored == 1
    by_connector = lab.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, len(by_connector.peer_chain)) == (True, 1)
    assert lab.mail_server_handshake(succeeded=True).alert_received == ""
    matrix.row(lab, "B: the mail server does not send its intermediate; cured: it is in the back-end trust store")


def test_a_connector_that_trusts_all_hands_the_password_to_an_impostor(
    start_lab: StartLab, mail_server: Callable[[], ScriptedMailServer], matrix: Matrix
) -> None:
    impostor = mail_server()
    lab = start_lab(both(back_end_store(trust_all=True), impostor.at(INTERNAL_B)))
    login = answered(rb'LOGIN "gas@stadtwerke\.example" "Gas0815Postfach"')
    impostor.scripts = [
        [Tls(presenting(lab, "self_signed")), *greeting(), *in_clear(), *login, *opened(exists=0), *found(), *left()]
    ]

    result = poll(lab, WAY_B, impostor)

    assert (result.succeeded, result.error) == (True, "")
    by_connector = lab.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.verified_against) == (True, "")
    assert not lab.of(Handshake, Party.MAIL_SERVER), "the real mail server was never asked"
    assert impostor.surprises == []
    assert impostor.heard_a_password_of(lab)
    matrix.row(lab, "B: the connector trusts all back ends, and an impostor answers", scripted=impostor)


def test_a_connector_that_does_not_trust_all_gives_an_impostor_nothing(
    start_lab: StartLab, mail_server: Callable[[], ScriptedMailServer], matrix: Matrix
) -> None:
    impostor = mail_server()
    lab = start_lab(impostor.at(INTERNAL_B))
    impostor.scripts = [[Tls(presenting(lab, "self_signed"))]]

    result = poll(lab, WAY_B, impostor)

    assert (result.succeeded, result.socks_reply) == (False, 0x04)
    assert lab.client_handshake(Party.CLOUD_CONNECTOR).verify_code == 18
    assert impostor.handshake_errors == ["unknown_ca"]
    assert impostor.heard == []
    assert lab.no_password_was_sent()
    matrix.row(lab, "B: an impostor answers, and the connector trusts the root only", scripted=impostor)


def test_trust_all_at_the_connector_does_not_help_way_a(start_lab: StartLab, matrix: Matrix) -> None:
    lab = start_lab(both(back_end_store(trust_all=True), certificate("self_signed")))

    result = poll(lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert lab.client_handshake(Party.MACO).verify_code == 18
    assert lab.mail_server_handshake(succeeded=False).alert_received == "unknown_ca"
    assert lab.no_password_was_sent()
    matrix.row(lab, "A: self-signed, and the connector trusts all back ends")

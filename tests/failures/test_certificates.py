"""Certificates that nobody should accept, and stores that lack what they need: in way A and in way B."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import ScriptedMailServer, both, presenting
from tests.failures.settings import INTERNAL_B, WAY_A, WAY_B, back_end_store, certificate, key_store, verification
from tests.maco_client.scripted_server import Tls, answered, found, greeting, in_clear, left, opened

PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
PKIX_DATES = "PKIX path validation failed: validity check failed: "


def bad(name: str, code: int, alert: str, text: str) -> ParameterSet:
    """Return the case of a mail server that presents this certificate, with the root in both stores."""
    change = both(key_store("root"), back_end_store("root"), certificate(name))
    return pytest.param(name, code, alert, text, id=name, marks=pytest.mark.maco_lab(change=change))


# The numbers are OpenSSL's X509_V_ERR_*, the texts those of Java 17 (facts, section 2.5), the alerts those of RFC 8446.
BAD = [
    bad("missing_intermediate", 20, "unknown_ca", PKIX_BUILD),
    bad("unknown_root", 20, "unknown_ca", PKIX_BUILD),
    bad("self_signed", 18, "unknown_ca", PKIX_BUILD),
    bad("expired", 10, "certificate_expired", PKIX_DATES + "CertificateExpiredException"),
    bad("not_yet_valid", 9, "bad_certificate", PKIX_DATES + "CertificateNotYetValidException"),
    bad(
        "client_auth_only",
        26,
        "unsupported_certificate",
        "Extended key usage does not permit use for TLS server authentication",
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


def weak(name: str, code: int, words: str) -> ParameterSet:
    """Return the case of a certificate that Java takes and OpenSSL does not."""
    change = both(key_store("root"), back_end_store("root"), certificate(name))
    return pytest.param(code, words, id=name, marks=pytest.mark.maco_lab(change=change))


WEAK = [weak("sha1", 68, "is signed with SHA-1"), weak("rsa_1024", 66, "has an RSA key of 1024 bits")]


@pytest.fixture
def impostor(server: ScriptedMailServer) -> ScriptedMailServer:
    """Give the scripted mail server its part."""
    return server


@pytest.mark.parametrize(("name", "code", "alert", "text"), BAD)
def test_way_a_fails_at_maco_before_the_password_with_a_certificate_that_is(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, name: str, code: int, alert: str, text: str
) -> None:
    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage, result.stored, result.socks_reply) == (False, "starttls", 0, None)
    assert text in result.error
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.verify_code, by_maco.alert_sent) == (False, code, alert)
    assert lab_journal.server_handshake(succeeded=False).alert_received == alert
    assert lab_journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).protocol == "TCP"
    assert lab_journal.no_password_was_sent()
    matrix.row(f"A: {WORDS[name]}")


@pytest.mark.parametrize(("name", "code", "alert", "text"), BAD)
def test_way_b_fails_at_the_connector_with_0x04_with_a_certificate_that_is(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, name: str, code: int, alert: str, text: str
) -> None:
    assert_the_connector_refuses(maco_lab, code, alert)
    assert text not in lab_journal.one(StreamRefused, Party.CONNECTIVITY).reason, "the cloud side does not learn why"
    matrix.row(f"B: {WORDS[name]}")


def assert_the_connector_refuses(lab: Lab, code: int, alert: str) -> None:
    result = poll(lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab.journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.verify_code, by_connector.alert_sent) == (False, code, alert)
    assert lab.journal.server_handshake(succeeded=False).alert_received == alert
    assert lab.journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason.startswith(
        "TLS with internal host mail.stadtwerke.example:993"
    )
    assert lab.journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert lab.journal.no_password_was_sent()


@pytest.mark.parametrize(("code", "words"), WEAK)
def test_way_a_takes_what_java_takes(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, code: int, words: str
) -> None:
    assert code, "OpenSSL does not take it"
    assert poll(maco_lab, WAY_A).stored == 1
    assert lab_journal.client_handshake(Party.MACO).verified_against == "MaCo key store: root"
    matrix.row(f"A: the mail server's certificate {words}, which Java takes")


@pytest.mark.parametrize(("code", "words"), WEAK)
def test_way_b_fails_at_the_connector_which_judges_as_openssl_does(
    maco_lab: Lab, matrix: Matrix, code: int, words: str
) -> None:
    assert_the_connector_refuses(maco_lab, code, "bad_certificate")
    matrix.row(f"B: the mail server's certificate {words}")


@pytest.mark.maco_lab(change=both(certificate("sha1"), verification("openssl")))
def test_way_a_fails_as_openssl_does_where_maco_is_told_to_judge_like_it(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.verify_code, by_maco.alert_sent, by_maco.java_alert) == (68, "bad_certificate", "")
    assert lab_journal.server_handshake(succeeded=False).alert_received == "bad_certificate"
    assert lab_journal.no_password_was_sent()
    matrix.row("A: the mail server's certificate is signed with SHA-1, and MaCo verifies as OpenSSL does")


@pytest.mark.maco_lab(change=certificate("key_encipherment_only"))
def test_way_a_fails_behind_the_handshake_with_a_key_that_may_not_sign(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error.endswith("KeyUsage does not allow digital signatures")
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.alert_sent, by_maco.java_alert) == ("", "certificate_unknown")
    seen = lab_journal.server_handshake(succeeded=False)
    assert (seen.alert_received, seen.error) == ("", "closed by the client before any application data")
    assert lab_journal.no_password_was_sent()
    matrix.row("A: the mail server's certificate may encipher keys and not sign")


@pytest.mark.maco_lab(change=back_end_store())
def test_way_b_fails_with_an_empty_back_end_store(maco_lab: Lab, matrix: Matrix) -> None:
    assert_the_connector_refuses(maco_lab, 20, "unknown_ca")
    matrix.row("B: the back-end trust store is empty")


@pytest.mark.maco_lab(
    change=both(certificate("missing_intermediate"), key_store("root", "intermediate"), back_end_store())
)
def test_way_a_is_cured_by_adding_the_missing_intermediate_to_macos_key_store(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert poll(maco_lab, WAY_A).stored == 1
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, len(by_maco.peer_chain)) == (True, 1)
    assert lab_journal.server_handshake(succeeded=True).alert_received == ""
    assert lab_journal.passwords_held_by() == {Party.MACO, Party.MAIL_SERVER}
    matrix.row("A: the mail server does not send its intermediate; cured: it is in MaCo's key store")


@pytest.mark.maco_lab(
    change=both(certificate("missing_intermediate"), key_store(), back_end_store("root", "intermediate"))
)
def test_way_b_is_cured_by_adding_the_missing_intermediate_to_the_back_end_store(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert poll(maco_lab, WAY_B).stored == 1
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, len(by_connector.peer_chain)) == (True, 1)
    assert lab_journal.server_handshake(succeeded=True).alert_received == ""
    matrix.row("B: the mail server does not send its intermediate; cured: it is in the back-end trust store")


@pytest.mark.maco_lab(change=back_end_store(trust_all=True))
def test_a_connector_that_trusts_all_hands_the_password_to_an_impostor(
    maco_lab: Lab, lab_journal: LabJournal, impostor: ScriptedMailServer, matrix: Matrix
) -> None:
    maco_lab.lead(INTERNAL_B, impostor.address)
    login = answered(rb'LOGIN "gas@stadtwerke\.example" "Gas0815Postfach"')
    impostor.scripts = [
        [
            Tls(presenting(maco_lab, "self_signed")),
            *greeting(),
            *in_clear(),
            *login,
            *opened(exists=0),
            *found(),
            *left(),
        ]
    ]

    result = poll(maco_lab, WAY_B, impostor)

    assert (result.succeeded, result.error) == (True, "")
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.succeeded, by_connector.verified_against) == (True, "")
    assert not lab_journal.of(Handshake, Party.MAIL_SERVER), "the real mail server was never asked"
    assert impostor.surprises == []
    assert impostor.heard_a_password_of(maco_lab)
    matrix.row("B: the connector trusts all back ends, and an impostor answers", scripted=impostor)


def test_a_connector_that_does_not_trust_all_gives_an_impostor_nothing(
    maco_lab: Lab, lab_journal: LabJournal, impostor: ScriptedMailServer, matrix: Matrix
) -> None:
    maco_lab.lead(INTERNAL_B, impostor.address)
    impostor.scripts = [[Tls(presenting(maco_lab, "self_signed"))]]

    result = poll(maco_lab, WAY_B, impostor)

    assert (result.succeeded, result.socks_reply) == (False, 0x04)
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).verify_code == 18
    assert impostor.handshake_errors == ["unknown_ca"]
    assert impostor.heard == []
    assert lab_journal.no_password_was_sent()
    matrix.row("B: an impostor answers, and the connector trusts the root only", scripted=impostor)


@pytest.mark.maco_lab(change=both(back_end_store(trust_all=True), certificate("self_signed")))
def test_trust_all_at_the_connector_does_not_help_way_a(maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix) -> None:
    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert lab_journal.client_handshake(Party.MACO).verify_code == 18
    assert lab_journal.server_handshake(succeeded=False).alert_received == "unknown_ca"
    assert lab_journal.no_password_was_sent()
    matrix.row("A: self-signed, and the connector trusts all back ends")

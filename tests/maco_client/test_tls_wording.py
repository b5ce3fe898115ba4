"""OpenSSL's verification results in Java's words; those that no live handshake of the other tests shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maco_client.tls_wording import tls_failed
from maco_net.errors import HandshakeFacts
from maco_wire.observation import CertificateSummary

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def certificate(
    *names: str, not_before: str = "2026-01-01T00:00:00Z", not_after: str = "2027-01-01T00:00:00Z"
) -> CertificateSummary:
    return CertificateSummary("CN=mail", "CN=ca", "00", names, not_before, not_after)


def words(facts: HandshakeFacts, *chain: CertificateSummary, stage: str = "tls") -> str:
    return tls_failed(facts, stage, "mail.example", chain, NOW, has_anchors=True).error


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (19, "PKIX path building failed: "),
        (79, "PKIX path validation failed: basic constraints check failed: this is not a CA certificate"),
        (66, "PKIX path validation failed: Algorithm constraints check failed"),
        (64, "No subject alternative names matching IP address mail.example found"),
        (62, "No name matching mail.example found"),  # M14: a certificate without alternative names
        (99, "as OpenSSL says"),
    ],
)
def test_a_verification_result_has_its_java_text(code: int, text: str) -> None:
    facts = HandshakeFacts(verify_code=code, error="as OpenSSL says")
    assert words(facts, certificate()).startswith(text)


def test_the_expired_certificate_of_the_chain_is_named_by_its_date() -> None:
    expired = certificate(not_after="2026-11-01T00:00:00Z")
    text = words(HandshakeFacts(verify_code=10), certificate("mail.example"), expired)
    assert text.endswith("CertificateExpiredException: NotAfter: 2026-11-01T00:00:00Z")


def test_a_wrong_name_is_a_wrong_name_while_the_dates_are_right() -> None:
    text = words(HandshakeFacts(verify_code=62), certificate("other.example"), stage="starttls")
    assert text == "STARTTLS failure: No subject alternative DNS name matching mail.example found."


def test_the_hint_names_what_the_certificate_is_for() -> None:
    failure = tls_failed(
        HandshakeFacts(verify_code=62), "starttls", "mail", (certificate("mail.example"),), NOW, has_anchors=True
    )
    assert "mail.example" in failure.hint


LEAF = CertificateSummary("CN=mail", "CN=intermediate", "00")
INTERMEDIATE = CertificateSummary("CN=intermediate", "CN=root", "01")
OTHER = CertificateSummary("CN=other", "CN=root", "02")


def issuer_missing_hint(*chain: CertificateSummary) -> str:
    return tls_failed(HandshakeFacts(verify_code=20), "tls", "mail", chain, NOW, has_anchors=True).hint


@pytest.mark.parametrize("chain", [(LEAF,), (LEAF, OTHER)])
def test_an_issuer_that_was_not_sent_is_named_first(chain: tuple[CertificateSummary, ...]) -> None:
    hint = issuer_missing_hint(*chain)
    assert hint.startswith("The mail server does not send the certificate 'CN=intermediate', which issued its own.")
    assert "import the intermediate into MaCo's key store, or let the mail server send it" in hint


@pytest.mark.parametrize("chain", [(LEAF, INTERMEDIATE), ()])
def test_where_the_issuer_was_sent_the_root_is_what_is_missing(chain: tuple[CertificateSummary, ...]) -> None:
    assert issuer_missing_hint(*chain).startswith("Import the root certificate")


def test_an_alert_is_told_by_its_name() -> None:
    assert words(HandshakeFacts(alert_received="handshake_failure")) == "Received fatal alert: handshake_failure"


def test_what_has_no_java_text_is_told_as_openssl_tells_it() -> None:
    assert words(HandshakeFacts(error="bad length")) == "bad length"


@pytest.mark.parametrize("alert", ["certificate_required", "handshake_failure"])
def test_the_hint_names_the_system_certificate_where_a_client_certificate_may_be_missing(alert: str) -> None:
    failure = tls_failed(HandshakeFacts(alert_received=alert), "starttls", "mail", (), NOW, has_anchors=True)
    assert "system certificate in the Cloud Connector" in failure.hint


def test_the_hint_for_another_alert_speaks_of_no_client_certificate() -> None:
    failure = tls_failed(
        HandshakeFacts(alert_received="protocol_version"), "starttls", "mail", (), NOW, has_anchors=True
    )
    assert "client certificate" not in failure.hint

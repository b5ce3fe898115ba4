"""What MaCo's user reads of a failed handshake, and the setting that the hint names."""

from __future__ import annotations

import pytest

from maco_client.failures import StepFailed
from maco_client.tls_wording import tls_failed
from maco_client.verification.java_verdict import NO_ANCHORS, PKIX_BUILD, PKIX_VALIDITY, JavaVerdict
from maco_net.errors import HandshakeFacts
from maco_wire.observation import CertificateSummary

LEAF = CertificateSummary("CN=mail", "CN=intermediate", "00", ("mail.example",))
INTERMEDIATE = CertificateSummary("CN=intermediate", "CN=root", "01")
OTHER = CertificateSummary("CN=other", "CN=root", "02")


def refused(text: str, code: int, *chain: CertificateSummary, stage: str = "tls") -> StepFailed:
    return tls_failed(HandshakeFacts(verify_code=code), stage, JavaVerdict(text), chain)


def broken(stage: str = "tls", **facts: str) -> StepFailed:
    return tls_failed(HandshakeFacts(**facts), stage, None, ())  # type: ignore[arg-type] # all of them are texts


def test_starttls_wraps_javas_text() -> None:
    assert refused(PKIX_BUILD, 20).error == PKIX_BUILD
    assert refused(PKIX_BUILD, 20, stage="starttls").error == f"STARTTLS failure: {PKIX_BUILD}"


def test_the_hint_names_what_the_certificate_is_for() -> None:
    assert "(mail.example)" in refused("No subject alternative DNS name", 62, LEAF).hint
    assert "(see its subject)" in refused("No name matching", 62).hint


def test_the_hint_is_about_what_java_finds_first() -> None:
    assert "a clock that is wrong" in refused(f"{PKIX_VALIDITY}: expired", 62, LEAF).hint
    assert refused(PKIX_BUILD, 62, LEAF).hint.startswith("Import the root certificate")


def test_an_empty_store_is_named() -> None:
    assert refused(NO_ANCHORS, 20).hint.startswith("MaCo's key store is empty: import the root")


def test_a_self_signed_certificate_is_to_be_imported_itself() -> None:
    assert refused(PKIX_BUILD, 18, LEAF).hint == "Import this self-signed certificate itself into MaCo's key store"


def test_what_only_the_server_can_mend_is_told_so() -> None:
    assert refused("Extended key usage", 26).hint == "The mail server needs another certificate"


@pytest.mark.parametrize("chain", [(LEAF,), (LEAF, OTHER)])
def test_an_issuer_that_was_not_sent_is_named_first(chain: tuple[CertificateSummary, ...]) -> None:
    hint = refused(PKIX_BUILD, 20, *chain).hint
    assert hint.startswith("The mail server does not send the certificate 'CN=intermediate', which issued its own.")
    assert "import the intermediate into MaCo's key store, or let the mail server send it" in hint


@pytest.mark.parametrize("chain", [(LEAF, INTERMEDIATE), ()])
def test_where_the_issuer_was_sent_the_root_is_what_is_missing(chain: tuple[CertificateSummary, ...]) -> None:
    assert refused(PKIX_BUILD, 20, *chain).hint.startswith("Import the root certificate")


def test_an_alert_is_told_by_its_name() -> None:
    assert broken(alert_received="handshake_failure").error == "Received fatal alert: handshake_failure"


def test_what_has_no_java_text_is_told_as_openssl_tells_it() -> None:
    assert broken(error="bad length").error == "bad length"


@pytest.mark.parametrize("alert", ["certificate_required", "handshake_failure"])
def test_the_hint_names_the_system_certificate_where_a_client_certificate_may_be_missing(alert: str) -> None:
    assert "system certificate in the Cloud Connector" in broken("starttls", alert_received=alert).hint


def test_the_hint_for_another_alert_speaks_of_no_client_certificate() -> None:
    assert "client certificate" not in broken("starttls", alert_received="protocol_version").hint

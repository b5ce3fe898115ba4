"""OpenSSL's verification results in Java's words and in Java's order."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.cast import Cast
from certs.profile import ENCIPHERS_KEYS_ONLY
from maco_client.verification.java_verdict import JavaVerdict, java_verdict
from maco_net.errors import HandshakeFacts

HOST = "mail.stadtwerke.example"
NOW = dt.datetime.now(dt.UTC)
PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
EXPIRED = "PKIX path validation failed: validity check failed: CertificateExpiredException: NotAfter: "


def verdict(cast: Cast, issued: Issued | None, code: int, host: str = HOST) -> JavaVerdict:
    chain = [issued.certificate, *issued.chain] if issued else []
    facts = HandshakeFacts(
        verify_code=code, error="as OpenSSL says", peer_chain=tuple(each.public_bytes(Encoding.DER) for each in chain)
    )
    found = java_verdict(facts, host, [cast.root_certificate], NOW)
    assert found is not None
    return found


def text(cast: Cast, name: str, code: int, host: str = HOST) -> str:
    return verdict(cast, cast.by_name(name), code, host).text


@pytest.mark.parametrize("code", [2, 18, 19, 20, 21])
def test_whatever_openssl_misses_for_a_path_java_cannot_build_it(cast: Cast, code: int) -> None:
    assert text(cast, "unknown_root", code) == PKIX_BUILD


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7, "PKIX path validation failed: signature check failed"),
        (24, "PKIX path validation failed: basic constraints check failed: this is not a CA certificate"),
        (48, "PKIX path validation failed: name constraints check failed"),
        (67, "PKIX path validation failed: Algorithm constraints check failed on keysize limits"),
        (99, "as OpenSSL says"),
    ],
)
def test_a_result_that_no_certificate_of_the_cast_brings_has_its_text(cast: Cast, code: int, words: str) -> None:
    assert text(cast, "mail_server", code) == words


def test_without_a_verification_result_there_is_no_verdict(cast: Cast) -> None:
    assert java_verdict(HandshakeFacts(error="bad length"), HOST, [cast.root_certificate], NOW) is None


def test_an_empty_store_is_told_before_all_else() -> None:
    found = java_verdict(HandshakeFacts(verify_code=62), HOST, [], NOW)
    line = (
        "javax.net.ssl.SSLException: Unexpected error: "
        "java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty"
    )
    assert found == JavaVerdict(
        "Unexpected error: the trustAnchors parameter must be non-empty", "internal_error", line
    )


def test_what_cannot_be_read_is_told_as_openssl_tells_it(cast: Cast) -> None:
    facts = HandshakeFacts(verify_code=9, error="not yet valid", peer_chain=(b"nonsense",))
    found = java_verdict(facts, HOST, [cast.root_certificate], NOW)
    assert found == JavaVerdict("not yet valid")
    assert verdict(cast, None, 62).text == PKIX_BUILD


@pytest.mark.parametrize("code", [26, 62])
def test_path_and_dates_come_before_usage_and_name(cast: Cast, code: int) -> None:
    assert text(cast, "unknown_root", code) == PKIX_BUILD
    assert text(cast, "expired", code).startswith(EXPIRED)


def test_the_expired_certificate_nearest_to_the_anchor_is_named(cast: Cast) -> None:
    expired = cast.authority("expired_intermediate")
    issued = expired.issue(HOST, dns_names=[HOST], not_after=NOW - dt.timedelta(minutes=1))
    date = expired.certificate.not_valid_after_utc
    assert verdict(cast, issued, 10).text == f"{EXPIRED}{date:%Y-%m-%dT%H:%M:%SZ}"


def test_an_expired_root_is_named_where_openssl_refused_it(cast: Cast) -> None:
    root = cast.authority("expired_root_ca").certificate
    issued = cast.by_name("expired_root")
    facts = HandshakeFacts(verify_code=10, peer_chain=(issued.certificate.public_bytes(Encoding.DER),))
    found = java_verdict(facts, HOST, [root], NOW)
    assert found is not None
    assert found.text == f"{EXPIRED}{root.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def test_an_anchor_that_is_no_authority_is_named_as_java_names_it(cast: Cast) -> None:
    chain = [cast.by_name("issuer_not_a_ca").certificate.public_bytes(Encoding.DER)]
    facts = HandshakeFacts(verify_code=79, peer_chain=tuple(chain))
    found = java_verdict(facts, HOST, [cast.authority("not_an_authority").certificate], NOW)
    assert found is not None
    assert found.text == 'TrustAnchor with subject "CN=maco-lab Not A CA, O=maco-lab" is not a CA certificate'


def test_the_key_usage_is_told_before_the_extended_one(cast: Cast) -> None:
    both = cast.intermediate.issue(HOST, usage="client", instead=[ENCIPHERS_KEYS_ONLY])
    assert verdict(cast, both, 26).text == "KeyUsage does not allow digital signatures"
    assert "Extended key usage" in text(cast, "client_auth_only", 26)


@pytest.mark.parametrize(
    ("name", "code", "host", "words"),
    [
        ("wrong_name", 62, HOST, f"No subject alternative DNS name matching {HOST} found."),
        ("ip_san", 62, HOST, f"No name matching {HOST} found"),
        ("cn_only", 62, "other.example", "No name matching other.example found"),
        ("ip_san", 64, "192.0.2.1", "No subject alternative names matching IP address 192.0.2.1 found"),
        ("cn_only", 64, "192.0.2.1", "No subject alternative names present"),
    ],
)
def test_a_wrong_name_is_told_by_the_kind_of_name_that_was_looked_for(
    cast: Cast, name: str, code: int, host: str, words: str
) -> None:
    assert text(cast, name, code, host) == words


BUILDER = "sun.security.provider.certpath.SunCertPathBuilderException"
VALIDATOR = "java.security.cert.CertPathValidatorException"
SHORT_KEY = f"RSA 768 bit key used with certificate: CN={HOST}, O=maco-lab"
WEAK = "Algorithm constraints check failed"
NO_PATH = "unable to find valid certification path to requested target"


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("unknown_root", 20, f"PKIX path building failed: {BUILDER}: {NO_PATH}"),
        ("expired", 10, f"PKIX path validation failed: {VALIDATOR}: validity check failed"),
        ("rsa_768", 66, f"PKIX path validation failed: {VALIDATOR}: {WEAK} on keysize limits: {SHORT_KEY}"),
        ("rsa_768", 67, f"PKIX path validation failed: {VALIDATOR}: {WEAK} on keysize limits: {SHORT_KEY}"),
        ("wrong_name", 62, f"No subject alternative DNS name matching {HOST} found."),
    ],
)
def test_the_line_has_the_names_of_javas_classes(cast: Cast, name: str, code: int, line: str) -> None:
    assert verdict(cast, cast.by_name(name), code).line == f"javax.net.ssl.SSLHandshakeException: {line}"


def test_what_java_would_say_is_not_made_up(cast: Cast) -> None:
    assert verdict(cast, cast.by_name("mail_server"), 99).line == ""

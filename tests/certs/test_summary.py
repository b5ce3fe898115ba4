from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.cast import Cast
from certs.summary import summarize

NOT_BEFORE = dt.datetime(2026, 3, 1, 12, 0, 5, tzinfo=dt.UTC)
NOT_AFTER = dt.datetime(2051, 3, 1, tzinfo=dt.UTC)  # beyond 2049: GeneralizedTime (RFC 5280, 4.1.2.5)


def _der(
    *names: x509.NameAttribute[str],
    alternatives: list[x509.GeneralName] | None = None,
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuer")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
    )
    if alternatives is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _common_name(text: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.COMMON_NAME, text)


def test_names_are_rfc_4514_strings() -> None:
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Sales")
    summary = summarize(_der(unit, _common_name('James "Jim" Smith, III')))
    # RFC 4514, section 2.1: the last part of the name comes first; section 2.4: the quotes and the comma are escaped
    assert summary.subject == r"CN=James \"Jim\" Smith\, III,OU=Sales"
    assert summary.issuer == "CN=Issuer"


def test_dates_are_iso_8601_in_utc() -> None:
    summary = summarize(_der(_common_name("x")))
    assert (summary.not_before, summary.not_after) == ("2026-03-01T12:00:05Z", "2051-03-01T00:00:00Z")


def test_fingerprint_is_sha_256_in_lower_case_hex(cast: Cast) -> None:
    certificate = cast.mail_server.certificate
    summary = summarize(certificate.public_bytes(Encoding.DER))
    assert summary.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()


def test_only_dns_names_are_listed() -> None:
    names: list[x509.GeneralName] = [x509.DNSName("a.example"), x509.RFC822Name("a@b.example"), x509.DNSName("*.c")]
    assert summarize(_der(_common_name("x"), alternatives=names)).dns_names == ("a.example", "*.c")


def test_certificate_without_alternative_names_has_no_dns_names() -> None:
    assert summarize(_der(_common_name("x"))).dns_names == ()


def test_empty_subject_is_an_empty_string() -> None:
    assert summarize(_der()).subject == ""


def test_control_characters_in_a_name_are_escaped() -> None:
    # RFC 4514, section 2.4: a backslash and two hexadecimal digits
    assert summarize(_der(_common_name("a\r\n\x1b[2J\x9bb"))).subject == r"CN=a\0D\0A\1B[2J\C2\9Bb"


def test_control_characters_in_a_dns_name_are_escaped() -> None:
    summary = summarize(_der(_common_name("x"), alternatives=[x509.DNSName("a\nb.example")]))
    assert summary.dns_names == (r"a\0Ab.example",)


@pytest.mark.filterwarnings("ignore:Attribute's length must be")  # cryptography's, on reading this very name
def test_country_of_a_wrong_length_is_read() -> None:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "Germany", _validate=False)
    assert summarize(_der(country)).subject == "C=Germany"


def test_broken_extension_hides_only_the_dns_names() -> None:
    der = _der(_common_name("x"), alternatives=[x509.DNSName("a.example")])
    broken = der.replace(b"\x82\x09a.example", b"\x9f\x09a.example")  # a tag that GeneralName does not know
    assert broken != der
    summary = summarize(broken)
    assert (summary.subject, summary.dns_names) == ("CN=x", ())


def test_common_name_that_is_not_utf_8_is_unreadable_and_the_rest_is_read() -> None:
    der = _der(_common_name("abcd"))
    summary = summarize(der.replace(b"abcd", b"\xff\xfe\xfd\xfc"))
    assert (summary.subject, summary.issuer) == ("(unreadable)", "CN=Issuer")


@pytest.mark.parametrize("der", [b"", b"nonsense", b"\x30\x03\x02\x01\x00"])
def test_what_is_no_certificate_keeps_its_fingerprint(der: bytes) -> None:
    summary = summarize(der)
    assert summary.subject == "(unreadable)"
    assert summary.fingerprint == hashlib.sha256(der).hexdigest()

"""Java's own rules over paths that OpenSSL would let through at security level 0."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from certs.authority import Authority
from certs.cast import Cast
from certs.old_digests import signed_with
from certs.profile import ENCIPHERS_KEYS_ONLY, NOT_AN_AUTHORITY
from maco_client.verification.java_rules import refusal

NOW = dt.datetime.now(dt.UTC)


def path(cast: Cast, name: str, *, anchor: x509.Certificate | None = None) -> list[x509.Certificate]:
    issued = cast.by_name(name)
    return [issued.certificate, *issued.chain, anchor or cast.root_certificate]


@pytest.mark.parametrize("name", ["mail_server", "sha1", "rsa_1024", "cn_only"])
def test_java_takes(cast: Cast, name: str) -> None:
    assert refusal(path(cast, name), NOW) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("rsa_768", 66),
        ("expired", 10),
        ("not_yet_valid", 9),
        ("intermediate_expired", 10),
        ("key_encipherment_only", 26),
        ("wrong_key_usage", 26),
        ("issuer_not_a_ca", 79),
    ],
)
def test_java_refuses(cast: Cast, name: str, code: int) -> None:
    assert refusal(path(cast, name), NOW) == code


def signed_with_md5(cast: Cast) -> x509.Certificate:
    issuer = cast.authority("rsa_intermediate").identity
    return signed_with("md5", cast.by_name("key_encipherment_only").certificate, issuer.private_key)


def test_a_signature_over_md5_is_refused_but_that_of_an_anchor_is_nobodys_concern(cast: Cast) -> None:
    leaf, issuer = signed_with_md5(cast), cast.authority("rsa_intermediate").certificate
    assert refusal([leaf, issuer, cast.root_certificate], NOW) == 68
    assert refusal([leaf], NOW) is None


def test_the_dates_of_an_anchor_do_not_count(cast: Cast) -> None:
    anchor = cast.authority("expired_root_ca").certificate
    assert refusal([cast.by_name("expired_root").certificate, anchor], NOW) is None


@pytest.mark.parametrize("name", ["expired", "wrong_key_usage", "key_encipherment_only"])
def test_a_listed_leaf_is_asked_for_nothing_but_the_length_of_its_key(cast: Cast, name: str) -> None:
    assert refusal(path(cast, name)[:1], NOW) is None
    assert refusal(path(cast, "rsa_768")[:1], NOW) == 66


def test_an_issuer_that_does_not_say_that_it_is_an_authority_is_none(cast: Cast) -> None:
    # OpenSSL takes keyCertSign for it: X509_check_ca(3) answers 4.
    silent = cast.root.intermediate("silent")
    assert refusal([silent.issue("mail").certificate, silent.certificate, cast.root_certificate], NOW) is None
    without = certificate_without(silent, x509.BasicConstraints, cast.root)
    assert refusal([silent.issue("mail").certificate, without, cast.root_certificate], NOW) == 79


def certificate_without(
    authority: Authority, extension: type[x509.ExtensionType], issuer: Authority
) -> x509.Certificate:
    """Return an authority's certificate once more, without one of its extensions."""
    old = authority.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), 1, old.not_valid_before_utc, old.not_valid_after_utc
    )
    for each in old.extensions:
        if not isinstance(each.value, extension):
            builder = builder.add_extension(each.value, each.critical)
    return builder.sign(issuer.identity.private_key, hashes.SHA256())


@pytest.mark.parametrize(
    ("key", "code"),
    [(ec.generate_private_key(ec.SECP192R1()), 66), (ec.generate_private_key(ec.SECP224R1()), None)],
    ids=["192", "224"],
)
def test_an_elliptic_key_has_224_bits_at_least(cast: Cast, key: ec.EllipticCurvePrivateKey, code: int | None) -> None:
    leaf = cast.root.issue("mail", key=key).certificate
    assert refusal([leaf, cast.root_certificate], NOW) == code


def test_an_edwards_key_is_long_enough_and_signs_without_a_digest(cast: Cast) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "edwards")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + dt.timedelta(days=1))
    certificate = builder.sign(key, None)
    assert refusal([certificate, certificate], NOW) is None


def test_the_anchors_key_counts_too(cast: Cast) -> None:
    weak = cast.by_name("rsa_768").certificate
    assert refusal([cast.mail_server.certificate, weak], NOW) == 67


def test_the_fault_nearest_to_the_anchor_is_told(cast: Cast) -> None:
    issuer = cast.root.intermediate("no authority", instead=[NOT_AN_AUTHORITY])
    leaf = issuer.issue("mail", instead=[ENCIPHERS_KEYS_ONLY], not_after=NOW - dt.timedelta(minutes=1))
    assert refusal([leaf.certificate, issuer.certificate, cast.root_certificate], NOW) == 79

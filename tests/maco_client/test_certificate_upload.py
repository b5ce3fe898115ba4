from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast
from maco_client.certificate_upload import aliases_for, as_pem, certificate_warnings, read_certificates
from maco_client.failures import SettingsError

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(NOW)


def test_several_certificates_come_in_their_order(cast: Cast) -> None:
    chain = [cast.root_certificate, cast.intermediate_certificate]
    ders = [each.public_bytes(Encoding.DER) for each in chain]

    assert read_certificates(as_pem(ders).encode()) == ders
    assert read_certificates(ders[0]) == ders[:1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n", "no certificate"),
        (b"-----BEGIN EC PRIVATE KEY-----\n", "a private key"),
    ],
)
def test_what_holds_no_certificate_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_certificates(content)


def test_too_many_certificates_at_once_are_refused(cast: Cast) -> None:
    pem = as_pem([cast.root_certificate.public_bytes(Encoding.DER)]).encode()

    assert len(read_certificates(pem * 100)) == 100
    with pytest.raises(SettingsError, match="found 101 certificates, allowed are 100"):
        read_certificates(pem * 101)


def test_those_behind_the_first_get_a_number() -> None:
    assert aliases_for("root", 3) == ["root", "root-2", "root-3"]


def test_a_root_is_nothing_to_warn_of_until_it_expires_soon(cast: Cast) -> None:
    root = cast.root_certificate
    der, end = root.public_bytes(Encoding.DER), root.not_valid_after_utc

    assert certificate_warnings(der, [], NOW) == []
    assert certificate_warnings(der, [], end - dt.timedelta(days=29)) == [f"expires on {end:%Y-%m-%d}"]
    assert certificate_warnings(der, [], end + dt.timedelta(days=1))[0].startswith("has expired on ")


def test_an_intermediate_is_verified_by_its_root(cast: Cast) -> None:
    der = cast.intermediate_certificate.public_bytes(Encoding.DER)
    root = cast.root_certificate.public_bytes(Encoding.DER)

    assert certificate_warnings(der, [root], NOW) == []
    assert "cannot be verified" in certificate_warnings(der, [], NOW)[0]


@pytest.mark.parametrize(("name", "words"), [("sha1", "is signed with SHA1"), ("rsa_1024", "has an RSA key of 1024")])
def test_what_is_weak_is_warned_of(cast: Cast, name: str, words: str) -> None:
    der = cast.by_name(name).certificate.public_bytes(Encoding.DER)

    assert any(words in each for each in certificate_warnings(der, [], NOW))

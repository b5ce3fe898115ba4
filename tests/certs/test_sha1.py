from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from certs.cast import Cast
from certs.sha1 import with_sha1


def test_a_certificate_signed_with_sha1_says_so_in_both_places_and_verifies(cast: Cast) -> None:
    certificate = cast.by_name("sha1").certificate
    issuer = cast.authority("rsa_intermediate").certificate.public_key()

    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA1)
    assert certificate.tbs_certificate_bytes.count(bytes.fromhex("06092A864886F70D010105")) == 1
    assert isinstance(issuer, rsa.RSAPublicKey)
    issuer.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA1())


def test_the_twin_differs_in_its_signature_alone(cast: Cast) -> None:
    issuer = cast.authority("rsa_intermediate")
    strong = issuer.issue("strong.example", dns_names=["strong.example"]).certificate

    weak = with_sha1(strong, issuer.identity.private_key)

    assert (weak.serial_number, weak.subject, weak.public_key()) == (
        strong.serial_number,
        strong.subject,
        strong.public_key(),
    )
    assert weak.extensions.get_extension_for_class(x509.SubjectAlternativeName) == (
        strong.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    )


def test_an_authority_with_an_ec_key_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="RSA key"):
        with_sha1(cast.mail_server.certificate, cast.intermediate.identity.private_key)

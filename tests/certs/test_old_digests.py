from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from certs.cast import Cast
from certs.old_digests import OldDigest, signed_with

# RFC 8017, appendix A.2.4: sha1WithRSAEncryption and md5WithRSAEncryption, in DER.
CASES = [
    ("sha1", hashes.SHA1(), "06092A864886F70D010105"),
    ("md5", hashes.MD5(), "06092A864886F70D010104"),
]


@pytest.mark.parametrize(("name", "digest", "identifier"), CASES)
def test_a_certificate_signed_with_an_old_digest_says_so_in_both_places_and_verifies(
    cast: Cast, name: OldDigest, digest: hashes.HashAlgorithm, identifier: str
) -> None:
    issuer = cast.authority("rsa_intermediate").identity
    certificate = signed_with(name, cast.by_name("rsa_1024").certificate, issuer.private_key)
    key = issuer.certificate.public_key()

    assert isinstance(certificate.signature_hash_algorithm, type(digest))
    assert certificate.tbs_certificate_bytes.count(bytes.fromhex(identifier)) == 1
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), digest)


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_the_twin_differs_in_its_signature_alone(cast: Cast, digest: OldDigest) -> None:
    issuer = cast.authority("rsa_intermediate")
    strong = issuer.issue("strong.example", dns_names=["strong.example"]).certificate

    weak = signed_with(digest, strong, issuer.identity.private_key)

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
        signed_with("sha1", cast.mail_server.certificate, cast.intermediate.identity.private_key)

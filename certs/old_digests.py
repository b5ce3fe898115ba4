"""A certificate signed with SHA-1 or MD5, which ``cryptography`` no longer makes.

The algorithm identifiers of RSA with these digests and with SHA-256 differ in their last byte only (RFC 8017, appendix
A.2.4), and the signatures are equally long. So a certificate is turned into its weak twin by changing that byte in
both places where it stands (RFC 5280, sections 4.1.1.2 and 4.1.2.3) and by signing the rest anew.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.keys import PrivateKey

OldDigest: TypeAlias = Literal["sha1", "md5"]

# OBJECT IDENTIFIER 1.2.840.113549.1.1.11, .5 and .4, in DER.
_SHA256_WITH_RSA = bytes.fromhex("06092A864886F70D01010B")
_WITH_RSA: dict[OldDigest, tuple[bytes, hashes.HashAlgorithm]] = {
    "sha1": (bytes.fromhex("06092A864886F70D010105"), hashes.SHA1()),  # noqa: S303 - it is what is shown
    "md5": (bytes.fromhex("06092A864886F70D010104"), hashes.MD5()),  # noqa: S303 - it is what is shown
}


def signed_with(digest: OldDigest, certificate: x509.Certificate, issuer_key: PrivateKey) -> x509.Certificate:
    """Return the same certificate signed with ``digest``. Raises ValueError unless its issuer's key is RSA."""
    if not isinstance(issuer_key, rsa.RSAPrivateKey):
        raise ValueError("only an authority with an RSA key can sign with an old digest here")  # noqa: TRY004 - a value's kind
    identifier, algorithm = _WITH_RSA[digest]
    to_be_signed = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, identifier)
    signature = issuer_key.sign(to_be_signed, padding.PKCS1v15(), algorithm)
    whole = certificate.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, identifier)
    return x509.load_der_x509_certificate(whole.replace(certificate.signature, signature))

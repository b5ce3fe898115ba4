"""A certificate signed with SHA-1, which ``cryptography`` no longer makes.

The two algorithm identifiers of RSA with SHA-256 and with SHA-1 differ in their last byte only (RFC 8017, appendix
A.2.4), and the signatures are equally long. So a certificate is turned into its SHA-1 twin by changing that byte in
both places where it stands (RFC 5280, sections 4.1.1.2 and 4.1.2.3) and by signing the rest anew.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.keys import PrivateKey

# OBJECT IDENTIFIER 1.2.840.113549.1.1.11 and 1.2.840.113549.1.1.5, in DER.
_SHA256_WITH_RSA = bytes.fromhex("06092A864886F70D01010B")
_SHA1_WITH_RSA = bytes.fromhex("06092A864886F70D010105")


def with_sha1(certificate: x509.Certificate, issuer_key: PrivateKey) -> x509.Certificate:
    """Return the same certificate signed with SHA-1. Raises ValueError unless its issuer's key is RSA."""
    if not isinstance(issuer_key, rsa.RSAPrivateKey):
        raise ValueError("only an authority with an RSA key can sign with SHA-1 here")  # noqa: TRY004 - a value's kind
    to_be_signed = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = issuer_key.sign(to_be_signed, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - it is what is shown
    whole = certificate.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    return x509.load_der_x509_certificate(whole.replace(certificate.signature, signature))

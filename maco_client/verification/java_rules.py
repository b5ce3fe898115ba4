"""What Java refuses in a path and OpenSSL, at security level 0 and without STRICT, does not.

Each rule yields the number that OpenSSL has for such a refusal (X509_V_ERR_*), so that one table of words serves
both. The rules are those of PKIX in OpenJDK 17 and its ``jdk.certpath.disabledAlgorithms``: MD2, MD5, RSA below 1024
bits, DSA below 1024, EC below 224; and of its check of a TLS server's key usage. They look at a path that OpenSSL has
verified already; signatures and names are its business.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from maco_client.verification.path import is_current

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

NOT_YET_VALID = 9
HAS_EXPIRED = 10
UNSUITABLE_PURPOSE = 26
REJECTED = 28
LEAF_KEY_TOO_WEAK = 66
AUTHORITY_KEY_TOO_WEAK = 67
DIGEST_TOO_WEAK = 68
NOT_AN_AUTHORITY = 79

SMALLEST_RSA_BITS = SMALLEST_DSA_BITS = 1024
SMALLEST_EC_BITS = 224
_GOOD_DIGESTS = (hashes.SHA1, hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512)
_SIGNED_WITHOUT_DIGEST = (x509.SignatureAlgorithmOID.ED25519, x509.SignatureAlgorithmOID.ED448)


def refusal(path: Sequence[x509.Certificate], now: dt.datetime) -> int | None:
    """Return OpenSSL's number for what Java refuses in ``path``, leaf first, anchor last; None if it takes it.

    Java looks at nothing of a leaf that is an anchor itself; the length of its key is looked at here all the same.
    """
    try:
        return next(_refusals(path, now), None)
    except ValueError:  # an extension that OpenSSL can read and cryptography cannot
        return REJECTED


def _refusals(path: Sequence[x509.Certificate], now: dt.datetime) -> Iterator[int]:
    *below, anchor = path
    if not _is_long_enough(anchor):
        yield AUTHORITY_KEY_TOO_WEAK if below else LEAF_KEY_TOO_WEAK
    for certificate in reversed(below):  # Java walks from the anchor down to the leaf
        is_leaf = certificate is path[0]
        if not _has_good_digest(certificate):
            yield DIGEST_TOO_WEAK
        if not _is_long_enough(certificate):
            yield LEAF_KEY_TOO_WEAK if is_leaf else AUTHORITY_KEY_TOO_WEAK
        if not is_current(certificate, now):
            yield HAS_EXPIRED if certificate.not_valid_after_utc < now else NOT_YET_VALID
        if not is_leaf and not is_authority(certificate):
            yield NOT_AN_AUTHORITY
    if below and not may_sign(path[0]):
        yield UNSUITABLE_PURPOSE


def may_sign(leaf: x509.Certificate) -> bool:
    """Tell whether its key usage lets a server sign a handshake, as each one does that MaCo offers.

    OpenSSL is content with any usage that some handshake has: keyEncipherment, or keyAgreement.
    """
    usage = _extension(leaf, x509.KeyUsage)
    return usage is None or usage.digital_signature


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether an issuer says that it is one; OpenSSL takes keyCertSign without basic constraints for it."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def short_key(certificate: x509.Certificate) -> str:
    """Return kind and bits of a key that is too short, as Java names them; empty for any other one."""
    if _is_long_enough(certificate):
        return ""
    try:
        match certificate.public_key():
            case rsa.RSAPublicKey() as key:
                return f"RSA {key.key_size}"
            case dsa.DSAPublicKey() as key:
                return f"DSA {key.key_size}"
            case ec.EllipticCurvePublicKey() as key:
                return f"EC {key.key_size}"
    except (ValueError, UnsupportedAlgorithm):
        pass
    return ""


def _has_good_digest(certificate: x509.Certificate) -> bool:
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    if digest is None:
        return certificate.signature_algorithm_oid in _SIGNED_WITHOUT_DIGEST
    return isinstance(digest, _GOOD_DIGESTS)


def _is_long_enough(certificate: x509.Certificate) -> bool:
    try:
        match certificate.public_key():
            case rsa.RSAPublicKey() as key:
                return key.key_size >= SMALLEST_RSA_BITS
            case dsa.DSAPublicKey() as key:
                return key.key_size >= SMALLEST_DSA_BITS
            case ec.EllipticCurvePublicKey() as key:
                return key.key_size >= SMALLEST_EC_BITS
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                return True
            case _:
                return False
    except (ValueError, UnsupportedAlgorithm):
        return False


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None

"""Certificates as they are brought to the key store: PEM or DER, one or several. Pure.

CPI's limits hold: a certificate has at most 10,240 bytes. One that cannot be verified (expired, its issuer unknown) is
taken with a warning, never refused: it may be what somebody wants to trust.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from maco_client.failures import SettingsError
from maco_client.key_store import LARGEST_CERTIFICATE_BYTES

MOST_CERTIFICATES = 100
"""How many one upload may bring."""
EXPIRES_SOON = dt.timedelta(days=30)
SMALLEST_RSA_BITS = 2048
_PEM_BEGIN = b"-----BEGIN "
_KEY_MARK = b"PRIVATE KEY-----"


def read_certificates(content: bytes) -> list[bytes]:
    """Return the certificates of an upload as DER, in its order. Raises SettingsError."""
    if _KEY_MARK in content:
        raise SettingsError("certificate", "found a private key, allowed are certificates alone")
    try:
        if _PEM_BEGIN in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise SettingsError("certificate", "found no certificate in PEM or DER") from error
    if len(found) > MOST_CERTIFICATES:
        raise SettingsError("certificate", f"found {len(found)} certificates, allowed are {MOST_CERTIFICATES}")
    certificates = [each.public_bytes(Encoding.DER) for each in found]
    for der in certificates:
        if len(der) > LARGEST_CERTIFICATE_BYTES:
            raise SettingsError("certificate", f"found {len(der)} bytes, allowed are {LARGEST_CERTIFICATE_BYTES}")
    return certificates


def aliases_for(alias: str, count: int) -> list[str]:
    """Return the aliases of certificates that were brought together: the one given, then with a number."""
    return [alias if number == 1 else f"{alias}-{number}" for number in range(1, count + 1)]


def as_pem(certificates: Iterable[bytes]) -> str:
    """Return DER certificates as PEM."""
    loaded = (x509.load_der_x509_certificate(der) for der in certificates)
    return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in loaded)


def certificate_warnings(der: bytes, others: Iterable[bytes], now: dt.datetime) -> list[str]:
    """Return what a person should know of a certificate in the key store; ``others`` are those beside it."""
    certificate = x509.load_der_x509_certificate(der)
    return [
        *_of_time(certificate, now),
        *_of_place(certificate, [x509.load_der_x509_certificate(each) for each in others]),
        *_of_strength(certificate),
    ]


def _of_time(certificate: x509.Certificate, now: dt.datetime) -> list[str]:
    if now > certificate.not_valid_after_utc:
        return [f"has expired on {certificate.not_valid_after_utc:%Y-%m-%d}: TLS refuses what it vouches for"]
    if now < certificate.not_valid_before_utc:
        return [f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"]
    if now + EXPIRES_SOON > certificate.not_valid_after_utc:
        return [f"expires on {certificate.not_valid_after_utc:%Y-%m-%d}"]
    return []


def _of_place(certificate: x509.Certificate, others: list[x509.Certificate]) -> list[str]:
    if _issued(certificate, certificate):
        return []
    if not _is_authority(certificate):
        return ["is the certificate of a server: trusting it ends when the server gets another one"]
    if any(_issued(other, certificate) for other in others):
        return []
    return ["cannot be verified: its issuer is not in the key store; compare the fingerprint with that of its owner"]


def _of_strength(certificate: x509.Certificate) -> list[str]:
    try:
        key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return ["has a key or a signature of an unknown kind"]
    found = []
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
        found.append(f"has an RSA key of {key.key_size} bits")
    if digest is not None and digest.name in ("sha1", "md5"):
        found.append(f"is signed with {digest.name.upper()}")
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True

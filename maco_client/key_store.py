"""MaCo's key store: the certificates that the tenant trusts, and nothing else.

Any certificate in it ends the path, root, intermediate or leaf, as in Java's PKIX (facts: measured on Java 17); the
system's authorities are never consulted.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from maco_net.trust import trusting_context

KEY_STORE_NAME = "MaCo key store"
LARGEST_CERTIFICATE_BYTES = 10_240  # CPI: "certificate ≤ 10240 bytes"


class KeyStore:
    """Trusted certificates by alias."""

    def __init__(self, certificates: Mapping[str, bytes]) -> None:
        """Take DER certificates by alias; raises ValueError naming the alias that holds none."""
        self._certificates = {alias: _certificate(alias, der) for alias, der in certificates.items()}
        self._der = dict(certificates)
        self._context: ssl.SSLContext | None = None

    @property
    def aliases(self) -> tuple[str, ...]:
        """What the store holds."""
        return tuple(self._der)

    def __repr__(self) -> str:
        return f"KeyStore({', '.join(self._der)})"

    def context(self) -> ssl.SSLContext:
        """Return the one TLS client context of this store: TLS 1.2 and newer, path and name always checked."""
        if self._context is None:
            self._context = trusting_context(self._der.values(), check_hostname=True)
        return self._context

    def vouches_for(self, chain: Sequence[bytes]) -> str | None:
        """Return the alias of the entry that ends the path of ``chain`` (DER, leaf first), None if there is none.

        Follows issuers and signatures from the leaf upwards, a listed certificate first, as OpenSSL does. It names
        the anchor of a path that TLS has verified already; it verifies nothing itself.
        """
        try:
            sent = [x509.load_der_x509_certificate(der) for der in chain]
        except ValueError:
            return None
        current, rest = (sent[0], sent[1:]) if sent else (None, [])
        while current is not None:
            for alias, anchor in self._certificates.items():
                if anchor == current or _issued(anchor, current):
                    return alias
            current = next((each for each in rest if _issued(each, current)), None)
            rest = [each for each in rest if each != current]
        return None


def _certificate(alias: str, der: bytes) -> x509.Certificate:
    if len(der) > LARGEST_CERTIFICATE_BYTES:
        raise ValueError(f"{alias}: found {len(der)} bytes, allowed are {LARGEST_CERTIFICATE_BYTES}")
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise ValueError(f"{alias}: found no certificate in DER ({error})") from error


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True

"""MaCo's key store: the certificates that the tenant trusts, and nothing else.

Any certificate in it ends the path, root, intermediate or leaf, as in Java's PKIX (facts: measured on Java 17); the
system's authorities are never consulted. By whose rules a path to it is judged is its profile.
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Mapping

from cryptography import x509

from maco_client.verification.profile import VerificationProfile
from maco_client.verification.verification import Verification

KEY_STORE_NAME = "MaCo key store"
LARGEST_CERTIFICATE_BYTES = 10_240  # CPI: "certificate ≤ 10240 bytes"


class KeyStore:
    """Trusted certificates by alias, and the rules by which they are asked."""

    def __init__(
        self,
        certificates: Mapping[str, bytes],
        profile: VerificationProfile = VerificationProfile.JAVA,
        *,
        prepare: Callable[[ssl.SSLContext], object] | None = None,
    ) -> None:
        """Take DER certificates by alias; raises ValueError naming the alias that holds none.

        ``prepare`` is given the context of every handshake before it begins, for a log of keys.
        """
        self._certificates = {alias: _certificate(alias, der) for alias, der in certificates.items()}
        self._profile = profile
        self._prepare = prepare

    @property
    def aliases(self) -> tuple[str, ...]:
        """What the store holds."""
        return tuple(self._certificates)

    @property
    def profile(self) -> VerificationProfile:
        """Whose rules hold."""
        return self._profile

    def __repr__(self) -> str:
        return f"KeyStore({', '.join(self._certificates)})"

    def verification(self) -> Verification:
        """Return what verifies the next handshake, and that one alone."""
        verification = Verification(self._certificates, self._profile, dt.datetime.now(dt.UTC))
        if self._prepare is not None:
            self._prepare(verification.context)
        return verification


def _certificate(alias: str, der: bytes) -> x509.Certificate:
    if len(der) > LARGEST_CERTIFICATE_BYTES:
        raise ValueError(f"{alias}: found {len(der)} bytes, allowed are {LARGEST_CERTIFICATE_BYTES}")
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise ValueError(f"{alias}: found no certificate in DER ({error})") from error

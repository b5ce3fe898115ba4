"""A certificate with its key, and the ways it comes about: self-signed, signed on request, or uploaded as PKCS#12.

The system certificate, the UI certificate and the CA certificate are each one of these; what a new one acts on is told
by ``use``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from connector_sim.admin.errors import ErrorType, Refused, invalid

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

KEY_SIZES = (2048, 4096)
"""Bits of a key that is made here (SAP, "System Certificate APIs"); the last one is the default."""

LEAST_RSA_BITS = KEY_SIZES[0]
"""What TLS takes (OpenSSL, security level 2)."""

SELF_SIGNED_FOR = dt.timedelta(days=365)
BEFORE = dt.timedelta(minutes=10)  # recorded: notBefore is ten minutes in the past
RSA_PUBLIC_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its key, and the intermediates that are sent after it."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False, compare=False)
    chain: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptPair:
    """What is to be kept of one of the connector's certificates."""

    identity: Identity | None = None
    is_first: bool = False
    """Whether it is the one that the connector had from its landscape."""
    requested: PrivateKey | None = field(default=None, repr=False, compare=False)
    """The key of a certificate signing request that was not answered yet."""


class KeyPair:
    """One certificate of the connector, if it has one; ``use`` gets every new one, and None when it is deleted."""

    def __init__(self, name: str, first: Identity | None, use: Callable[[Identity | None], object]) -> None:
        self._name = name
        self._first = first
        self._use = use
        self._identity = first
        self._requested: PrivateKey | None = None

    @property
    def certificate(self) -> x509.Certificate | None:
        """The certificate."""
        return self._identity.certificate if self._identity else None

    def get(self) -> x509.Certificate:
        """Return the certificate. Raises Refused if there is none."""
        if self._identity is None:
            raise Refused(ErrorType.NOT_FOUND, f"There is no {self._name}")
        return self._identity.certificate

    async def make_self_signed(self, subject: x509.Name, key_size: int) -> None:
        """Make a key and sign for it by itself."""
        key = await _rsa_key(key_size)
        self._set(Identity(_self_signed(subject, key), key))

    async def request(self, subject: x509.Name, key_size: int) -> x509.CertificateSigningRequest:
        """Make a key and a request for it; what is in use stays until ``take_signed``."""
        self._requested = await _rsa_key(key_size)
        return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self._requested, hashes.SHA256())

    def take_signed(self, chain: Sequence[x509.Certificate]) -> None:
        """Take the answer to the last request: the certificate, then its intermediates. Raises Refused."""
        if self._requested is None:
            raise invalid("signedCertificate: there is no certificate signing request that it could answer")
        if chain[0].public_key() != self._requested.public_key():
            raise invalid("signedCertificate: its key is not that of the last certificate signing request")
        self._set(Identity(chain[0], self._requested, _without_roots(chain[1:])))
        self._requested = None

    def take_pkcs12(self, content: bytes, password: str) -> None:
        """Take a certificate with its key and chain. Raises Refused."""
        try:
            key, certificate, more = pkcs12.load_key_and_certificates(content, password.encode() or None)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise invalid("pkcs12: cannot be read, or the password is wrong") from error
        if certificate is None or not isinstance(key, PrivateKey):
            raise invalid("pkcs12: found no certificate with an EC or RSA key")
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
            raise invalid(f"pkcs12: found an RSA key of {key.key_size} bits, allowed: {LEAST_RSA_BITS} or more")
        self._set(Identity(certificate, key, _without_roots(more)))

    def delete(self) -> None:
        """Delete it. Raises Refused if there is none."""
        self.get()
        self._set(None)

    @property
    def kept(self) -> KeptPair:
        """What is to be kept of it."""
        return KeptPair(self._identity, self._identity is self._first, self._requested)

    def load(self, kept: KeptPair) -> None:
        """Be what was kept."""
        self._requested = kept.requested
        if kept.is_first:
            self._first = kept.identity
        if kept.identity is not self._identity:
            self._set(kept.identity)

    def _set(self, identity: Identity | None) -> None:
        self._use(identity)
        self._identity = identity


async def _rsa_key(key_size: int) -> rsa.RSAPrivateKey:
    """Make a key in a thread: 4096 bits take a second and more."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, rsa.generate_private_key, RSA_PUBLIC_EXPONENT, key_size)


def _self_signed(subject: x509.Name, key: rsa.RSAPrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now - BEFORE + SELF_SIGNED_FOR)
        .sign(key, hashes.SHA256())
    )


def _without_roots(chain: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return what is sent after a leaf: never the root (RFC 8446, section 4.4.2)."""
    return tuple(each for each in chain if each.issuer != each.subject)

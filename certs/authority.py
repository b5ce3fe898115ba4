"""Authorities and what they issue.

An ``Issued`` is a certificate with its private key and the intermediates that are sent after it; it puts itself into
an ``ssl.SSLContext``. An ``Authority`` is a root or an intermediate. Which certificates the lab needs is not decided
here but in ``certs.plans``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import ssl
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from certs.keys import RSA_BITS, KeyType, PrivateKey, PublicKey, generate_key
from certs.profile import (
    Extensions,
    Signer,
    Usage,
    Validity,
    alternative_names,
    authority_extensions,
    certify,
    distinguished_name,
    leaf_extensions,
    replaced,
    sign,
)

CLOCK_TOLERANCE = dt.timedelta(hours=1)
"""How far back certificates begin: peers' clocks differ (and SAP's subaccount certificate does the same)."""

LEAF_LIFETIME = dt.timedelta(days=90)
AUTHORITY_AGE = dt.timedelta(days=365)  # older than every leaf, the expired one included
ROOT_LIFETIME = dt.timedelta(days=3650)
INTERMEDIATE_LIFETIME = dt.timedelta(days=1825)

_OWN_DESCRIPTORS = Path("/proc/self/fd")  # proc_pid_fd(5); not there in every container

WEAKEST_CIPHERS = "DEFAULT:@SECLEVEL=0"
"""OpenSSL's own ciphers at the level that refuses no key and no digest."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and what to send after it.

    Two are equal when their certificates and chains are: a certificate holds its key's public half.
    """

    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False, compare=False)
    chain: tuple[x509.Certificate, ...] = ()
    """The intermediates to be sent after the leaf, nearest first; never the root (RFC 8446, section 4.4.2)."""

    @property
    def is_weak(self) -> bool:
        """Tell whether OpenSSL loads it at security level 0 only: RSA below 2048 bits, or an old digest."""
        return any(_is_weak(each) for each in (self.certificate, *self.chain))

    def configure_server(self, context: ssl.SSLContext) -> None:
        """Let ``context`` present this certificate, its chain and its key as a server.

        A weak one brings the context down to security level 0, which is its whole point.
        """
        if self.is_weak:
            context.set_ciphers(WEAKEST_CIPHERS)
        self._load_into(context)

    def configure_client(self, context: ssl.SSLContext) -> None:
        """Let ``context`` offer this certificate and its chain when a server asks for a client certificate."""
        self._load_into(context)

    def certificate_pem(self) -> bytes:
        """Return the certificate alone as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def chain_pem(self) -> bytes:
        """Return what is sent in a handshake as PEM: the certificate, then its chain."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain))

    def key_pem(self) -> bytes:
        """Return the private key as unencrypted PKCS#8 PEM: for files with mode 0600 only."""
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def pkcs12(self, name: str, password: str) -> bytes:
        """Return certificate, chain and key as PKCS#12 (RFC 7292) under the friendly name ``name``.

        Raises ValueError if the password is empty.
        """
        protection = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(
            name.encode(), self.private_key, self.certificate, self.chain, protection
        )

    def _load_into(self, context: ssl.SSLContext) -> None:
        # ssl loads keys from files only: best from one that is on no disk.
        if sys.platform == "linux" and _OWN_DESCRIPTORS.is_dir():
            with _memory_file(self.key_pem() + self.chain_pem()) as path:
                context.load_cert_chain(path)
            return
        # A kill between writing and removing would leave the file behind, so the key in it is encrypted with a password
        # that exists in this call alone.
        password = secrets.token_urlsafe(24)
        protection = BestAvailableEncryption(password.encode())
        key = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        with _private_file(key + self.chain_pem()) as path:
            context.load_cert_chain(path, password=password)


@dataclass(frozen=True, slots=True)
class Authority:
    """A root or an intermediate; ``now`` is the moment that the validity of what it issues counts from."""

    identity: Issued
    now: dt.datetime

    @classmethod
    def root(
        cls,
        name: str,
        *,
        now: dt.datetime,
        key_type: KeyType = "ec",
        unit: str = "",
        lifetime: dt.timedelta = ROOT_LIFETIME,
    ) -> Authority:
        """Make a self-signed authority, valid from a year ago for ten years to come; a negative lifetime is over."""
        key = generate_key(key_type)
        validity = Validity(now - AUTHORITY_AGE, now + lifetime)
        certificate = sign(distinguished_name(name, unit), key, validity, authority_extensions(path_length=None))
        return cls(Issued(certificate, key), now)

    @property
    def certificate(self) -> x509.Certificate:
        """The authority's own certificate, for trust stores."""
        return self.identity.certificate

    def intermediate(
        self,
        name: str,
        *,
        key_type: KeyType | None = None,
        key: PrivateKey | None = None,
        unit: str = "",
        lifetime: dt.timedelta = INTERMEDIATE_LIFETIME,
        path_length: int = 0,
        instead: Extensions | tuple[()] = (),
    ) -> Authority:
        """Make an authority below this one; without a ``key`` it gets a new one, by default of this one's kind.

        It may issue leaves only, unless ``path_length`` says more. Extensions ``instead`` of the usual ones of their
        kind make one that should not be trusted, as does a negative lifetime.
        """
        key = key or generate_key(key_type or self.key_type)
        validity = Validity(self.now - AUTHORITY_AGE, self.now + lifetime)
        extensions = replaced(authority_extensions(path_length), instead)
        certificate = sign(distinguished_name(name, unit), key, validity, extensions, self._signer())
        return Authority(Issued(certificate, key, self._chain_below()), self.now)

    def issue(
        self,
        common_name: str,
        *,
        dns_names: Iterable[str] = (),
        ip_addresses: Iterable[str] = (),
        usage: Usage = "server",
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        key_type: KeyType | None = None,
        key: PrivateKey | None = None,
        unit: str = "",
        send_chain: bool = True,
        instead: Extensions | tuple[()] = (),
    ) -> Issued:
        """Issue an end entity's certificate.

        It is valid from an hour ago for 90 days unless told otherwise; without a ``key`` it gets a new one, by default
        of the authority's kind. ``send_chain=False`` models a server that forgets its intermediates, ``instead`` holds
        extensions that take the place of the usual ones of their kind. Raises ValueError for a common name over 64
        characters, a malformed address, or dates without a time zone or in the wrong order.
        """
        key = key or generate_key(key_type or self.key_type)
        extensions = replaced(leaf_extensions(key, usage, alternative_names(dns_names, ip_addresses)), instead)
        certificate = sign(
            distinguished_name(common_name, unit),
            key,
            leaf_validity(self.now, not_before, not_after),
            extensions,
            self._signer(),
        )
        return Issued(certificate, key, self._chain_below() if send_chain else ())

    def certify(self, key: PublicKey, common_name: str, validity: Validity, *, usage: Usage, unit: str = "") -> bytes:
        """Sign for a key whose private half somebody else has; return the certificate as PEM."""
        extensions = leaf_extensions(key, usage, [])
        certificate = certify(distinguished_name(common_name, unit), key, validity, extensions, self._signer())
        return certificate.public_bytes(Encoding.PEM)

    @property
    def key_type(self) -> KeyType:
        """The kind of this authority's own key."""
        return "rsa" if isinstance(self.identity.private_key, rsa.RSAPrivateKey) else "ec"

    def _signer(self) -> Signer:
        certificate = self.certificate
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return Signer(certificate.subject, self.identity.private_key, identifier)

    def _chain_below(self) -> tuple[x509.Certificate, ...]:
        is_root = self.certificate.issuer == self.certificate.subject
        return () if is_root else (self.certificate, *self.identity.chain)


def self_signed(
    common_name: str,
    *,
    now: dt.datetime,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[str] = (),
    usage: Usage = "server",
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
    key_type: KeyType = "ec",
    key: PrivateKey | None = None,
    unit: str = "",
    instead: Extensions | tuple[()] = (),
) -> Issued:
    """Issue an end entity's certificate that vouches for itself; arguments and errors as ``Authority.issue``."""
    key = key or generate_key(key_type)
    extensions = replaced(leaf_extensions(key, usage, alternative_names(dns_names, ip_addresses)), instead)
    validity = leaf_validity(now, not_before, not_after)
    return Issued(sign(distinguished_name(common_name, unit), key, validity, extensions), key)


def leaf_validity(now: dt.datetime, not_before: dt.datetime | None, not_after: dt.datetime | None) -> Validity:
    """Return the validity of a leaf issued ``now``: an hour back and 90 days on, where nothing else is given."""
    return Validity(not_before or now - CLOCK_TOLERANCE, not_after or now + LEAF_LIFETIME)


def _is_weak(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    short = isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS
    return short or isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5)


if sys.platform == "linux":

    @contextlib.contextmanager
    def _memory_file(content: bytes) -> Iterator[Path]:
        with os.fdopen(os.memfd_create("maco-lab.pem"), "wb") as file:  # not inherited by a process that is started
            file.write(content)
            file.flush()
            yield _OWN_DESCRIPTORS / str(file.fileno())


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix="maco-lab-", suffix=".pem")  # mkstemp creates with mode 0600
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        path.unlink(missing_ok=True)

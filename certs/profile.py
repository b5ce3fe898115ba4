"""The certificate profile: which extensions a certificate of the lab carries, after RFC 5280, section 4.2.

SKI and AKI are in every certificate, the roots included: Python 3.13's strict verification and ``cryptography``'s
verifier want them. The alternative names and the extended key usage are never critical: ``cryptography``'s verifier
rejects leaves that mark them so.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.keys import PrivateKey, PublicKey

ORGANIZATION = "maco-lab"
LONGEST_COMMON_NAME = 64  # characters, ub-common-name of RFC 5280, appendix A.1

Usage: TypeAlias = Literal["server", "client", "both"]

_PURPOSES: dict[Usage, tuple[x509.ObjectIdentifier, ...]] = {
    "server": (ExtendedKeyUsageOID.SERVER_AUTH,),
    "client": (ExtendedKeyUsageOID.CLIENT_AUTH,),
    "both": (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
}

Extensions: TypeAlias = list[tuple[x509.ExtensionType, bool]]
"""Extensions, each with its being critical."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid; both ends with a time zone, whole seconds on the wire."""

    not_before: dt.datetime
    not_after: dt.datetime

    def __post_init__(self) -> None:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise ValueError("the dates of a certificate need a time zone, such as datetime.UTC")
        if self.not_before >= self.not_after:
            raise ValueError(f"a certificate cannot end at {self.not_after} before it begins at {self.not_before}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the name and the key that the new certificate refers to."""

    name: x509.Name
    private_key: PrivateKey
    key_identifier: x509.SubjectKeyIdentifier


def distinguished_name(common_name: str, unit: str = "") -> x509.Name:
    """Return the subject ``O=maco-lab, OU=unit, CN=common_name``, from the broadest part to the narrowest.

    Raises ValueError for a common name that is empty or longer than 64 characters.
    """
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION)]
    if unit:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def alternative_names(dns_names: Iterable[str], ip_addresses: Iterable[str]) -> list[x509.GeneralName]:
    """Return the subject alternative names; ValueError for an address that is none or a name outside ASCII."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    names.extend(x509.IPAddress(ipaddress.ip_address(address)) for address in ip_addresses)
    return names


def authority_extensions(path_length: int | None) -> Extensions:
    """Return what makes a certificate an authority (RFC 5280, sections 4.2.1.9 and 4.2.1.3: both critical)."""
    return [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (_key_usage(authority=True), True),
    ]


def replaced(extensions: Extensions, instead: Iterable[tuple[x509.ExtensionType, bool]]) -> Extensions:
    """Return ``extensions`` with those of ``instead`` in the place of their kind, or added."""
    given = [*instead]
    kinds = {extension.oid for extension, _ in given}
    return [each for each in extensions if each[0].oid not in kinds] + given


def leaf_extensions(key: PrivateKey | PublicKey, usage: Usage, names: list[x509.GeneralName]) -> Extensions:
    """Return what an end entity's certificate carries for ``usage`` and ``names``."""
    extensions: Extensions = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        # keyEncipherment is for the RSA key exchange of TLS 1.2; an EC key cannot encipher.
        (_key_usage(signature=True, encipherment=isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)), True),
        (x509.ExtendedKeyUsage(_PURPOSES[usage]), False),
    ]
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    return extensions


def sign(
    subject: x509.Name, key: PrivateKey, validity: Validity, extensions: Extensions, signer: Signer | None = None
) -> x509.Certificate:
    """Build a certificate for ``key`` and sign it with SHA-256; without ``signer`` it signs itself."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return certify(subject, key.public_key(), validity, extensions, signer or Signer(subject, key, identifier))


def certify(
    subject: x509.Name, key: PublicKey, validity: Validity, extensions: Extensions, signer: Signer
) -> x509.Certificate:
    """Build a certificate for a key whose private half somebody else has, and sign it with SHA-256."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    issuer_identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer.key_identifier)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
    )
    for extension, critical in (*extensions, (identifier, False), (issuer_identifier, False)):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer.private_key, hashes.SHA256())


def _key_usage(
    *, signature: bool = False, encipherment: bool = False, authority: bool = False, commitment: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signature,
        key_encipherment=encipherment,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=commitment,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


SIGNS_DOCUMENTS_ONLY: tuple[x509.ExtensionType, bool] = (_key_usage(commitment=True), True)
"""A key usage that rules TLS out: neither digitalSignature nor keyEncipherment (RFC 5280, section 4.2.1.3)."""

ENCIPHERS_KEYS_ONLY: tuple[x509.ExtensionType, bool] = (_key_usage(encipherment=True), True)
"""A key usage for the RSA key exchange of TLS 1.2 alone: every other handshake signs."""

NOT_AN_AUTHORITY: tuple[x509.ExtensionType, bool] = (x509.BasicConstraints(ca=False, path_length=None), True)

UNKNOWN_AND_CRITICAL: tuple[x509.ExtensionType, bool] = (
    x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.4711"), b"\x05\x00"),
    True,
)
"""RFC 5280, section 4.2: a system "MUST reject the certificate if it encounters a critical extension it does not
recognize"."""


def only_names_below(domain: str) -> tuple[x509.ExtensionType, bool]:
    """Return the constraint that lets an authority issue for ``domain`` and below (RFC 5280, section 4.2.1.10)."""
    return x509.NameConstraints(permitted_subtrees=[x509.DNSName(domain)], excluded_subtrees=None), True

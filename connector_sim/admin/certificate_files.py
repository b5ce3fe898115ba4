"""Certificates as clients send and want them: PEM or DER, one or several. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.admin.errors import invalid

PEM = "application/x-pem-file"
DER = "application/pkix-cert"


def read_certificates(field: str, content: bytes) -> list[x509.Certificate]:
    """Return the certificates of an upload. Raises Refused, naming the field."""
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise invalid(f"{field}: found no certificate in PEM or DER") from error


def as_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as PEM."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def as_der(certificate: x509.Certificate) -> bytes:
    """Return a certificate as DER."""
    return certificate.public_bytes(Encoding.DER)

"""Certificates as clients send and want them: PEM or DER, one or several. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.admin.certificate_shape import trusted_shape
from connector_sim.admin.errors import invalid

PEM = "application/x-pem-file"
DER = "application/pkix-cert"


def read_certificates(field: str, content: bytes) -> list[x509.Certificate]:
    """Return the certificates of an upload. Raises Refused, naming the field."""
    try:
        if b"-----BEGIN" in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
        for each in found:
            trusted_shape("", each)  # names and times are read late, and what cannot be shown is not taken
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise invalid(f"{field}: found no certificate in PEM or DER") from error
    return found


def as_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as PEM."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def as_der(certificate: x509.Certificate) -> bytes:
    """Return a certificate as DER."""
    return certificate.public_bytes(Encoding.DER)

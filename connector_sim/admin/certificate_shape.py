"""How the API shows a certificate: key order, number types and names as recorded. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cryptography import x509


def certificate_shape(certificate: x509.Certificate) -> dict[str, Any]:
    """Return the fields of a subaccount, system or UI certificate."""
    return {
        "notAfterTimeStamp": milliseconds(certificate.not_valid_after_utc),
        "notBeforeTimeStamp": milliseconds(certificate.not_valid_before_utc),
        "subjectDN": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serialNumber": serial_number(certificate),
    }


def trusted_shape(alias: str, certificate: x509.Certificate) -> dict[str, Any]:
    """Return the fields of an entry of the trust store."""
    return {
        "alias": alias,
        "subjectDN": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "notAfterTimeStamp": milliseconds(certificate.not_valid_after_utc),
    }


def milliseconds(moment: dt.datetime) -> int:
    """Return a moment as the API writes it: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def serial_number(certificate: x509.Certificate) -> str:
    """Return a serial number in hexadecimal, bytes parted by colons."""
    number = certificate.serial_number
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big").hex(":")

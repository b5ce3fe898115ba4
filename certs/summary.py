"""Name a certificate for the journal, however odd it is.

Its rule: it never raises. A peer's certificate can be anything; what cannot be read is said to be unreadable, and the
fingerprint is there in any case.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from typing import TypeVar

from cryptography import x509

from maco_wire.observation import CertificateSummary

UNREADABLE = "(unreadable)"

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")

T = TypeVar("T")


def summarize(der: bytes) -> CertificateSummary:
    """Summarize a DER certificate: names after RFC 4514, dates in ISO 8601 and UTC, SHA-256 fingerprint."""
    fingerprint = hashlib.sha256(der).hexdigest()
    certificate = _attempt(lambda: x509.load_der_x509_certificate(der), None)
    if certificate is None:
        return CertificateSummary(UNREADABLE, UNREADABLE, fingerprint)
    return CertificateSummary(
        subject=_attempt(lambda: _printable(certificate.subject.rfc4514_string()), UNREADABLE),
        issuer=_attempt(lambda: _printable(certificate.issuer.rfc4514_string()), UNREADABLE),
        fingerprint=fingerprint,
        dns_names=_attempt(lambda: _dns_names(certificate), ()),
        not_before=_attempt(lambda: _iso(certificate.not_valid_before_utc), UNREADABLE),
        not_after=_attempt(lambda: _iso(certificate.not_valid_after_utc), UNREADABLE),
    )


def _attempt(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - cryptography reads lazily and raises many kinds; odd is not fatal here
        return otherwise


def _printable(text: str) -> str:
    # RFC 4514, section 2.4: any octet may be written as a backslash and two hex digits. A peer's name must not be able
    # to break a log line or to command a terminal.
    return _CONTROL_CHARACTER.sub(lambda match: "".join(f"\\{octet:02X}" for octet in match[0].encode()), text)


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(_printable(name) for name in extension.value.get_values_for_type(x509.DNSName))


def _iso(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

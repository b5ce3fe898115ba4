"""What came of a check: values, one for the mapping's internal system and one for each port that was tried. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, TypeAlias

from maco_wire.observation import CertificateSummary

Role: TypeAlias = Literal["server", "intermediate", "root", "issuer"]
"""A certificate's place in its path. An "issuer" was not sent, so nobody can say whether it is a root."""


class Reason(enum.StrEnum):
    """Which step a check came to; all but ``REACHABLE`` are warnings."""

    REACHABLE = "reachable"
    UNRESOLVABLE = "unresolvable"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NO_TLS = "no_tls"
    """What answered does not speak TLS, at least not at once."""
    TLS_TIMEOUT = "tls_timeout"
    UNTRUSTED = "untrusted"
    """No certificate of the path is in the trust store."""
    OUTSIDE_DATES = "outside_dates"
    NAME_MISMATCH = "name_mismatch"
    CERTIFICATE_REFUSED = "certificate_refused"
    """Any other fault of a certificate that the server sent."""
    CLIENT_CERTIFICATE_MISSING = "client_certificate_missing"
    CLIENT_CERTIFICATE_REFUSED = "client_certificate_refused"
    TLS_FAILED = "tls_failed"


@dataclass(frozen=True, slots=True)
class SentCertificate:
    """A certificate that the server sent; ``in_store`` tells whether the trust store has this very one."""

    role: Role
    summary: CertificateSummary
    in_store: bool


@dataclass(frozen=True, slots=True)
class MissingCertificate:
    """One that would end the path if the trust store had it; ``issuer`` is empty where it was not sent."""

    role: Role
    subject: str
    issuer: str
    was_sent: bool


@dataclass(frozen=True, slots=True)
class TlsCheck:
    """How the handshake went, as the connector saw it; ``verify_code`` is OpenSSL's X509_V_ERR_* number."""

    server_name: str
    name_checked: bool
    trusts_all: bool
    version: str = ""
    cipher: str = ""
    chain: tuple[SentCertificate, ...] = ()
    anchor: str = ""
    """Subject of the certificate in the trust store that ends the path; empty if none does, or all are trusted."""
    missing: tuple[MissingCertificate, ...] = ()
    """Any one of these in the trust store would end the path; the one to prefer comes first."""
    client_certificate_asked: bool | None = None
    """Whether the server asked for one; None if it cannot be told."""
    client_certificate_offered: bool = False
    error: str = ""
    verify_code: int | None = None
    alert_sent: str = ""
    alert_received: str = ""


@dataclass(frozen=True, slots=True)
class PortCheck:
    """What came of one port; ``tls`` is None where no handshake was tried."""

    port: int
    reason: Reason
    message: str
    duration_ms: int
    tls: TlsCheck | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether everything went well."""
        return self.reason is Reason.REACHABLE


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of a check of an internal system; ``checked_ms`` is its end, milliseconds since 1970."""

    ports: tuple[PortCheck, ...]
    untried: int
    """How many ports of the range were not tried."""
    checked_ms: int

    @property
    def is_reachable(self) -> bool:
        """Whether every port that was tried was reached."""
        return all(each.is_reachable for each in self.ports)

    @property
    def message(self) -> str:
        """Everything in a sentence or two: of a range, that of the first port that was not reached."""
        if len(self.ports) == 1:
            return self.ports[0].message
        failed = [each for each in self.ports if not each.is_reachable]
        tried = ", ".join(str(each.port) for each in self.ports)
        if not failed:
            return f"Reached all ports that were tried: {tried}."
        return f"Reached {len(self.ports) - len(failed)} of {len(self.ports)} ports ({tried}). {failed[0].message}"

"""One entry of the audit log: who did what to what, and what was before and after. Pure.

Categories and operations are the product's constants ("Manage Audit Logs"): ``add-``, ``delete-`` and ``modify-``
before a category, ``Access Denied`` and ``Access Allowed``. Signing in, and the log itself, have names of our own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, TypeAlias

MAX_FIELD = 1024
"""Characters of a field; what is longer is cut, and ends in an ellipsis."""

ACCESS_DENIED, ACCESS_ALLOWED = "Access Denied", "Access Allowed"
SIGN_IN, SIGN_IN_FAILED = "Sign-In", "Sign-In Failed"
REQUEST_DENIED = "Request Denied"
SERVICE = "Audit Service"

Operation: TypeAlias = Literal["add", "delete", "modify"]


class AuditLevel(enum.StrEnum):
    """What is written (SAP, "Audit Log Configuration")."""

    OFF = "OFF"
    SECURITY = "SECURITY"
    """Changes of the configuration, and what was denied; the default."""
    ALL = "ALL"
    """What was allowed, too."""


class Category(enum.StrEnum):
    """What a change of the configuration concerns, as far as there is such configuration here."""

    ACCOUNT = "Account"
    CONFIGURATION = "Configuration"
    BACKEND_MAPPING = "BackendMapping"
    ALLOWED_RESOURCE = "AllowedResource"
    DOMAIN_MAPPING = "DomainMapping"
    SERVICE_CHANNEL_CONFIGURATION = "ServiceChannelConfiguration"
    SCC_PASSWORD = "SCCPassword"  # noqa: S105 - the name of a category
    SCC_USER = "SCCUser"
    ALERT_CONFIGURATION = "AlertConfiguration"
    PROXY_SETTINGS = "ProxySettings"
    SYSTEM_CERTIFICATE = "SystemCertificate"
    PPCA_CERTIFICATE = "PpcaCertificate"
    PRINCIPAL_PROPAGATION_CONFIGURATION = "PrincipalPropagationConfiguration"
    TRUST_SYNCHRONIZATION = "TrustSynchronization"
    TRUSTED_BACKEND_CERTIFICATE = "TrustedBackendCertificate"
    PAYLOAD_TRACE = "PayloadTrace"
    PAYLOAD_SNC_TRACE = "PayloadSncTrace"
    CPIC_TRACE = "CPICTrace"
    AUDIT_LOG_LEVEL = "AuditLogLevel"
    CROSS_AUDIT_LOG_LEVEL = "CrossAuditLogLevel"
    AUDIT_LOG_CLEANUP = "AuditLogCleanup"
    UI_CERTIFICATE = "UiCertificate"
    CLOUD_CONNECTOR_LOGGERS = "CloudConnectorLoggers"
    OTHER_LOGGERS = "OtherLoggers"
    TLS_TRACE = "TlsTrace"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry before it is numbered and chained; ``at`` is in seconds since 1970."""

    at: float
    type: str
    user: str = ""
    subject: str = ""
    """What it concerns: a virtual host and port, a subaccount, an alias, a path."""
    old: str = ""
    new: str = ""
    message: str = ""

    def fields(self) -> tuple[str, ...]:
        """Return what is written, beside number, time and hash: printable, bounded, each on one line."""
        return tuple(map(clean, (self.type, self.user, self.subject, self.old, self.new, self.message)))


def change_type(operation: Operation, category: Category) -> str:
    """Return the type of a change."""
    return f"{operation}-{category}"


def clean(text: str) -> str:
    """Return a text without control characters, cut to its bound, that no spreadsheet takes for a formula."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[: MAX_FIELD + 1])
    if len(shown) > MAX_FIELD:
        shown = shown[: MAX_FIELD - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return f"'{shown}" if shown[:1] in {"=", "+", "-", "@"} else shown

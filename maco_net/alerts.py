"""Names of TLS alerts: what OpenSSL puts on the wire for a verification result, and what it says it received.

OpenSSL chooses the alert; Java's choice differs in places (it answers ``certificate_unknown`` nearly always).
"""

from __future__ import annotations

import re
import ssl
from types import MappingProxyType

# ssl_x509err2alert() in OpenSSL's ssl/statem/statem_lib.c, by the X509_V_ERR_* number of <openssl/x509_vfy.h>.
_ALERT_FOR_VERIFY_CODE = MappingProxyType(
    {
        2: "unknown_ca",  # unable to get issuer certificate
        4: "bad_certificate",  # unable to decrypt the certificate's signature
        6: "bad_certificate",  # unable to decode the issuer's public key
        7: "decrypt_error",  # certificate signature failure
        9: "bad_certificate",  # certificate is not yet valid
        10: "certificate_expired",
        13: "bad_certificate",  # format error in notBefore
        14: "bad_certificate",  # format error in notAfter
        18: "unknown_ca",  # self-signed certificate
        19: "unknown_ca",  # self-signed certificate in certificate chain
        20: "unknown_ca",  # unable to get local issuer certificate
        21: "unknown_ca",  # unable to verify the first certificate
        22: "unknown_ca",  # certificate chain too long
        23: "certificate_revoked",
        25: "unknown_ca",  # path length constraint exceeded
        26: "unsupported_certificate",  # unsuitable certificate purpose
        27: "bad_certificate",  # certificate not trusted
        28: "bad_certificate",  # certificate rejected
        62: "bad_certificate",  # hostname mismatch
        63: "bad_certificate",  # e-mail address mismatch
        64: "bad_certificate",  # IP address mismatch
        66: "bad_certificate",  # EE certificate key too weak
        67: "bad_certificate",  # CA certificate key too weak
        68: "bad_certificate",  # CA signature digest algorithm too weak
        79: "unknown_ca",  # invalid CA certificate
    }
)
# What OpenSSL sends with SSLfatal() for causes other than a certificate, by the reason it names on its own side.
_ALERT_FOR_REASON = MappingProxyType(
    {
        "NO_SHARED_CIPHER": "handshake_failure",
        "UNSUPPORTED_PROTOCOL": "protocol_version",
    }
)
_RECEIVED = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(?P<name>[A-Z0-9_]+)")


def alert_for_verify_code(code: int) -> str:
    """Return the alert that OpenSSL sends when the verification of a peer ends with ``code``."""
    return _ALERT_FOR_VERIFY_CODE.get(code, "certificate_unknown")


def alert_for_reason(error: ssl.SSLError) -> str:
    """Return the alert that OpenSSL sent when it gave up because of ``error``; empty where that is not known."""
    return _ALERT_FOR_REASON.get(error.reason or "", "")


def alert_received(error: ssl.SSLError) -> str:
    """Return the alert that the peer sent according to ``error``; empty if the error is about something else."""
    found = _RECEIVED.fullmatch(error.reason or "")
    return found["name"].lower() if found else ""

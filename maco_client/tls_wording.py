"""TLS failures in Java's words: OpenSSL's verification result becomes the text that CPI would show.

OpenSSL and Java check in a different order: OpenSSL compares the name before the dates, Java path and dates before the
name. So an expired certificate with a wrong name is reported as expired here, as MaCo would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from maco_client.failures import StepFailed
from maco_net.errors import HandshakeFacts
from maco_wire.observation import CertificateSummary

PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
PKIX_VALIDITY = "PKIX path validation failed: validity check failed"
NO_ANCHORS = "Unexpected error: the trustAnchors parameter must be non-empty"
WRONG_USAGE = "Extended key usage does not permit use for TLS server authentication"
NOT_A_CA = "PKIX path validation failed: basic constraints check failed: this is not a CA certificate"
TOO_WEAK = "PKIX path validation failed: Algorithm constraints check failed"

HOSTNAME_MISMATCH = 62
IP_ADDRESS_MISMATCH = 64

_IMPORT_HINT = (
    "Import the root certificate of the mail server's chain into MaCo's key store (and the intermediate, if the server "
    "does not send it); with a mapping of protocol TCP the back-end trust store of the Cloud Connector plays no part"
)
_UNSENT_ISSUER_HINT = (
    "The mail server does not send the certificate '{issuer}', which issued its own. If that is an intermediate: "
    "import the intermediate into MaCo's key store, or let the mail server send it; if it is a root, import it. "
)
_RENEW_HINT = "The mail server's certificate, or a clock that is wrong"
_NAME_HINT = (
    "The certificate must belong to the virtual host. Cloud Connector: create the mapping again with Virtual Host = "
    "the name in the certificate ({names}), and use it in Address of Configure Email Server"
)
CLIENT_CERTIFICATE_HINT = (
    "The mail server demands a client certificate, which MaCo does not send: use a mapping of protocol TCP TLS "
    "with a system certificate in the Cloud Connector"
)
_ALERT_HINT = "The mail server's TLS versions, ciphers and log"
_SERVER_HINT = "The mail server needs another certificate"

_ISSUER_MISSING = frozenset({2, 20, 21})
# OpenSSL's X509_V_ERR_* number to Java's text and the hint (facts 2.5, measured on Java 17).
_VERDICTS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        2: (PKIX_BUILD, _IMPORT_HINT),  # unable to get issuer certificate
        18: (PKIX_BUILD, "Import this self-signed certificate itself into MaCo's key store"),
        19: (PKIX_BUILD, _IMPORT_HINT),  # the server sent its root, which is not known here
        20: (PKIX_BUILD, _IMPORT_HINT),  # unable to get local issuer certificate
        21: (PKIX_BUILD, _IMPORT_HINT),  # unable to verify the first certificate
        9: (PKIX_VALIDITY, _RENEW_HINT),  # not yet valid
        10: (PKIX_VALIDITY, _RENEW_HINT),  # has expired
        24: (NOT_A_CA, _SERVER_HINT),  # invalid CA certificate, before OpenSSL 3
        26: (WRONG_USAGE, _SERVER_HINT),  # unsuitable certificate purpose
        66: (TOO_WEAK, _SERVER_HINT),  # end entity's key too weak
        67: (TOO_WEAK, _SERVER_HINT),  # authority's key too weak
        68: (TOO_WEAK, _SERVER_HINT),  # signature digest too weak
        79: (NOT_A_CA, _SERVER_HINT),  # invalid CA certificate
    }
)
_OPENSSL_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "wrong version number": (
            "Unsupported or unrecognized SSL message",
            "What answers does not speak TLS: Address, Protection, or the Internal Port of the mapping",
        ),
        "the peer closed the connection during the handshake": (
            "Remote host terminated the handshake",
            "The mail server's log: it closed the connection during the handshake",
        ),
    }
)


def tls_failed(
    facts: HandshakeFacts,
    stage: str,
    host: str,
    chain: Sequence[CertificateSummary],
    now: datetime,
    *,
    has_anchors: bool,
) -> StepFailed:
    """Return the failed step for a handshake of MaCo as client.

    ``chain`` is what the server sent, leaf first; ``host`` the virtual host. STARTTLS wraps every text.
    """
    text, hint = _words(facts, host, chain, now.strftime("%Y-%m-%dT%H:%M:%SZ"), has_anchors=has_anchors)
    return StepFailed(stage, f"STARTTLS failure: {text}" if stage == "starttls" else text, hint)


def _words(
    facts: HandshakeFacts, host: str, chain: Sequence[CertificateSummary], now: str, *, has_anchors: bool
) -> tuple[str, str]:
    if facts.verify_code is not None and not has_anchors:
        return NO_ANCHORS, "MaCo's key store is empty: " + _IMPORT_HINT[0].lower() + _IMPORT_HINT[1:]
    if facts.verify_code is not None:
        return _verdict(facts.verify_code, facts.error, host, chain, now)
    if facts.alert_received:
        return f"Received fatal alert: {facts.alert_received}", _alert_hint(facts.alert_received)
    if facts.error.startswith("the peer did not finish"):
        return "Read timed out", "The mail server does not answer in the handshake; Timeout (in ms)"
    return _OPENSSL_TEXTS.get(facts.error, (facts.error, "The mail server's TLS set-up"))


def _alert_hint(alert: str) -> str:
    match alert:
        case "certificate_required":  # RFC 8446, section 6.2
            return CLIENT_CERTIFICATE_HINT
        case "handshake_failure":  # TLS 1.2 has this one alert for a missing certificate and for ciphers that differ
            return f"{_ALERT_HINT}; or: {CLIENT_CERTIFICATE_HINT}"
    return _ALERT_HINT


def _verdict(code: int, openssl_text: str, host: str, chain: Sequence[CertificateSummary], now: str) -> tuple[str, str]:
    dates = _dates(chain, now)
    if code in (HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH):
        return (f"{PKIX_VALIDITY}: {dates}", _RENEW_HINT) if dates else _name_mismatch(code, host, chain)
    text, hint = _VERDICTS.get(code, (openssl_text, "The mail server's certificate"))
    if code in _ISSUER_MISSING:  # so no issuer of the leaf is in the store: it would end the path
        hint = _unsent_issuer_hint(chain) + hint
    return (f"{text}: {dates}" if text is PKIX_VALIDITY and dates else text), hint


def _unsent_issuer_hint(chain: Sequence[CertificateSummary]) -> str:
    """Name the issuer of the server's certificate if the server did not send it; empty if it did."""
    if not chain or any(each.subject == chain[0].issuer for each in chain):
        return ""
    return _UNSENT_ISSUER_HINT.format(issuer=chain[0].issuer)


def _dates(chain: Sequence[CertificateSummary], now: str) -> str:
    """Return Java's cause for the first certificate that is not valid at ``now``; ISO dates compare as text."""
    for each in chain:
        if each.not_after and each.not_after < now:
            return f"CertificateExpiredException: NotAfter: {each.not_after}"
        if each.not_before > now:
            return f"CertificateNotYetValidException: NotBefore: {each.not_before}"
    return ""


def _name_mismatch(code: int, host: str, chain: Sequence[CertificateSummary]) -> tuple[str, str]:
    names = chain[0].dns_names if chain else ()
    hint = _NAME_HINT.format(names=", ".join(names[:5]) or "see its subject")
    if code == IP_ADDRESS_MISMATCH:
        return f"No subject alternative names matching IP address {host} found", hint
    if names:
        return f"No subject alternative DNS name matching {host} found.", hint
    return f"No name matching {host} found", hint

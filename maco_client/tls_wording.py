"""TLS failures as MaCo's user sees them: Java's words, and the setting to look at.

What Java says of a certificate is decided in ``verification.java_verdict``; here are the words for the rest of a
handshake, and the hints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from maco_client.failures import Evidence, StepFailed
from maco_client.verification.java_verdict import NAMES, NO_ANCHORS, PKIX_BUILD, PKIX_VALIDITY, JavaVerdict
from maco_net.errors import HandshakeFacts
from maco_wire.observation import CertificateSummary

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
_SELF_SIGNED = 18
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
    facts: HandshakeFacts, stage: str, verdict: JavaVerdict | None, chain: Sequence[CertificateSummary]
) -> StepFailed:
    """Return the failed step for a handshake of MaCo as client.

    ``verdict`` is Java's on the certificate, None where the handshake failed for another reason; ``chain`` is what the
    server sent, leaf first. STARTTLS wraps every text.
    """
    text, hint = _words(facts) if verdict is None else (verdict.text, _verdict_hint(facts, verdict, chain))
    evidence = Evidence(
        alert_sent=facts.alert_sent,
        alert_received=facts.alert_received,
        java_alert=verdict.alert if verdict else "",
        java_text=verdict.line if verdict else "",
    )
    return StepFailed(stage, f"STARTTLS failure: {text}" if stage == "starttls" else text, hint, evidence)


def _words(facts: HandshakeFacts) -> tuple[str, str]:
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


def _verdict_hint(facts: HandshakeFacts, verdict: JavaVerdict, chain: Sequence[CertificateSummary]) -> str:
    """Return what helps, which is about what Java finds first: dates before a wrong name."""
    if verdict.text == NO_ANCHORS:
        return "MaCo's key store is empty: " + _IMPORT_HINT[0].lower() + _IMPORT_HINT[1:]
    if verdict.text == PKIX_BUILD:
        return _import_hint(facts, chain)
    if verdict.text.startswith(PKIX_VALIDITY):
        return _RENEW_HINT
    if facts.verify_code in NAMES:
        names = chain[0].dns_names if chain else ()
        return _NAME_HINT.format(names=", ".join(names[:5]) or "see its subject")
    return _SERVER_HINT


def _import_hint(facts: HandshakeFacts, chain: Sequence[CertificateSummary]) -> str:
    if facts.verify_code == _SELF_SIGNED:
        return "Import this self-signed certificate itself into MaCo's key store"
    if facts.verify_code in _ISSUER_MISSING:  # so no issuer of the leaf is in the store: it would end the path
        return _unsent_issuer_hint(chain) + _IMPORT_HINT
    return _IMPORT_HINT


def _unsent_issuer_hint(chain: Sequence[CertificateSummary]) -> str:
    """Name the issuer of the server's certificate if the server did not send it; empty if it did."""
    if not chain or any(each.subject == chain[0].issuer for each in chain):
        return ""
    return _UNSENT_ISSUER_HINT.format(issuer=chain[0].issuer)

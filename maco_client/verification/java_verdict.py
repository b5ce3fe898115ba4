"""What Java says of a certificate that was refused: its text, the line in a log, and the alert that it would send.

OpenSSL stops at the first thing it finds, in an order of its own: purpose and name before signatures and dates. Java
builds the path first, checks its certificates from the anchor down to the leaf, then the leaf's usage, then the name.
So where OpenSSL's finding comes late in Java's order, what comes before it is looked at here. The texts and alerts are
OpenJDK 17's, measured; a text leaves out the names of Java's classes, which its line has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cryptography import x509

from maco_client.verification.java_rules import (
    AUTHORITY_KEY_TOO_WEAK,
    LEAF_KEY_TOO_WEAK,
    is_authority,
    may_sign,
    short_key,
)
from maco_client.verification.path import out_of_date, path_to_anchor
from maco_net.errors import HandshakeFacts

NO_ANCHORS = "Unexpected error: the trustAnchors parameter must be non-empty"
PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
_PKIX = "PKIX path validation failed: "
PKIX_VALIDITY = _PKIX + "validity check failed"
WRONG_EXTENDED_USAGE = "Extended key usage does not permit use for TLS server authentication"
WRONG_USAGE = "KeyUsage does not allow digital signatures"
_NOT_A_CA = _PKIX + "basic constraints check failed: this is not a CA certificate"
_TOO_LONG = (
    _PKIX + "basic constraints check failed: "
    "pathLenConstraint violated - this cert must be the last cert in the certification path"
)
_TOO_WEAK = _PKIX + "Algorithm constraints check failed"

CERTIFICATE_UNKNOWN = "certificate_unknown"
INTERNAL_ERROR = "internal_error"

DATES = frozenset({9, 10})
NAMES = frozenset({62, 64})  # host name mismatch, IP address mismatch
_LATE = NAMES | {26}
"""What OpenSSL finds before, and Java after, signatures and dates: name and unsuitable purpose."""

# OpenSSL's X509_V_ERR_* to Java's text (facts: measured on Java 17).
_TEXTS: Mapping[int, str] = MappingProxyType(
    {
        2: PKIX_BUILD,  # unable to get issuer certificate
        7: _PKIX + "signature check failed",  # certificate signature failure
        9: PKIX_VALIDITY,  # not yet valid
        10: PKIX_VALIDITY,  # has expired
        18: PKIX_BUILD,  # self-signed certificate
        19: PKIX_BUILD,  # the server sent its root, which is not known here
        20: PKIX_BUILD,  # unable to get local issuer certificate
        21: PKIX_BUILD,  # unable to verify the first certificate
        24: _NOT_A_CA,  # invalid CA certificate, before OpenSSL 3
        25: _TOO_LONG,  # path length constraint exceeded
        34: _PKIX + "unrecognized critical extension(s)",
        47: _PKIX + "name constraints check failed",  # permitted subtree violation
        48: _PKIX + "name constraints check failed",  # excluded subtree violation
        66: _TOO_WEAK + " on keysize limits",  # end entity's key too weak
        67: _TOO_WEAK + " on keysize limits",  # authority's key too weak
        68: _TOO_WEAK + " on signature algorithm",  # signature digest too weak
        79: _NOT_A_CA,  # invalid CA certificate
    }
)


_HANDSHAKE = "javax.net.ssl.SSLHandshakeException"
_CLASSES = (
    ("PKIX path building failed: ", _HANDSHAKE, "sun.security.provider.certpath.SunCertPathBuilderException"),
    (_PKIX, _HANDSHAKE, "java.security.cert.CertPathValidatorException"),
    ("TrustAnchor with subject", _HANDSHAKE, "sun.security.validator.ValidatorException"),
    ("Unexpected error: ", "javax.net.ssl.SSLException", "java.security.InvalidAlgorithmParameterException"),
)
"""How a text begins, the exception around it, and the one in it."""


@dataclass(frozen=True, slots=True)
class JavaVerdict:
    """Java's text, without ``STARTTLS failure``, and its alert by the name that RFC 8446 gives it.

    ``line`` is what a log begins with; a cause follows there, which the text has already. Empty where Java's is not
    known.
    """

    text: str
    alert: str = CERTIFICATE_UNKNOWN
    line: str = ""


def java_verdict(
    facts: HandshakeFacts, host: str, anchors: Collection[x509.Certificate], now: dt.datetime
) -> JavaVerdict | None:
    """Return Java's verdict where verification failed for ``host``; None where the handshake failed otherwise."""
    if facts.verify_code is None:
        return None
    if not anchors:
        return JavaVerdict(NO_ANCHORS, INTERNAL_ERROR, _line(NO_ANCHORS))
    try:
        sent = [x509.load_der_x509_certificate(each) for each in facts.peer_chain]
    except ValueError:
        return JavaVerdict(facts.error)
    path = path_to_anchor(sent, anchors)
    text = _text(facts, host, sent, path, now)
    return JavaVerdict(text, line="" if text == facts.error else _line(text) + _weak_key(facts, path or sent))


def _text(
    facts: HandshakeFacts,
    host: str,
    sent: Sequence[x509.Certificate],
    path: Sequence[x509.Certificate] | None,
    now: dt.datetime,
) -> str:
    code = facts.verify_code
    if code in _LATE and path is None:
        return PKIX_BUILD
    stale = out_of_date(sent if path is None else path[:-1], now)  # Java does not look at the dates of an anchor
    if code in DATES and stale is None and path is not None:
        stale = out_of_date(path, now)  # but OpenSSL does
    if stale is not None and code in DATES | _LATE:
        return f"{PKIX_VALIDITY}: {_dates(stale, now)}"
    leaf = sent[0] if sent else None
    match code:
        case 26:
            return WRONG_EXTENDED_USAGE if leaf is None or may_sign(leaf) else WRONG_USAGE
        case 24 | 79 if path is not None and not is_authority(path[-1]):
            return f'TrustAnchor with subject "{_name(path[-1])}" is not a CA certificate'
        case 62:
            return _name_mismatch(host, leaf)
        case 64:
            return _address_mismatch(host, leaf)
        case int():
            return _TEXTS.get(code, facts.error)
    return facts.error


def _line(text: str) -> str:
    """Return ``text`` with the names of the exceptions around it and in it, and without the cause behind it."""
    if text.startswith(PKIX_VALIDITY):
        text = PKIX_VALIDITY
    for beginning, outer, inner in _CLASSES:
        if text.startswith(beginning):
            prefix = beginning if beginning.endswith(": ") else _PKIX
            return f"{outer}: {prefix}{inner}: {text.removeprefix(prefix)}"
    return f"{_HANDSHAKE}: {text}"


def _weak_key(facts: HandshakeFacts, path: Sequence[x509.Certificate]) -> str:
    """Return what Java adds about a key that is too short, the one nearest the anchor."""
    if facts.verify_code not in (LEAF_KEY_TOO_WEAK, AUTHORITY_KEY_TOO_WEAK):
        return ""
    weak = ((key, each) for each in reversed(path) if (key := short_key(each)))
    return next((f": {key} bit key used with certificate: {_name(each)}" for key, each in weak), "")


def _dates(certificate: x509.Certificate, now: dt.datetime) -> str:
    """Return Java's cause for a certificate that is not valid at ``now``."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends < now:
        return f"CertificateExpiredException: NotAfter: {ends:%Y-%m-%dT%H:%M:%SZ}"
    return f"CertificateNotYetValidException: NotBefore: {begins:%Y-%m-%dT%H:%M:%SZ}"


def _name(certificate: x509.Certificate) -> str:
    """Return the subject as Java writes it: the narrowest part first, a blank behind each comma."""
    return ", ".join(part.rfc4514_string() for part in reversed(certificate.subject.rdns))


def _name_mismatch(host: str, leaf: x509.Certificate | None) -> str:
    names = _alternative_names(leaf)
    if names is not None and names.get_values_for_type(x509.DNSName):
        return f"No subject alternative DNS name matching {host} found."
    return f"No name matching {host} found"


def _address_mismatch(host: str, leaf: x509.Certificate | None) -> str:
    if _alternative_names(leaf) is None:
        return "No subject alternative names present"
    return f"No subject alternative names matching IP address {host} found"


def _alternative_names(certificate: x509.Certificate | None) -> x509.SubjectAlternativeName | None:
    try:
        return (
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value if certificate else None
        )
    except (x509.ExtensionNotFound, ValueError):
        return None

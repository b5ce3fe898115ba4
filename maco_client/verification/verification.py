"""One handshake with a mail server, verified by the rules of one profile.

One rule: a handshake counts only after ``check``. OpenSSL has verified path, name and purpose by then; under the Java
profile the rest of Java's rules come on top. A refusal by these is a HandshakeError like OpenSSL's own, only that no
alert goes with it: for the server the handshake is over.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ssl
from collections.abc import Mapping
from typing import assert_never

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from maco_client.verification import java_rules
from maco_client.verification.context import java_context, openssl_context
from maco_client.verification.java_verdict import JavaVerdict, java_verdict
from maco_client.verification.key_exchange import KeyExchangeWatch
from maco_client.verification.path import is_current
from maco_client.verification.profile import VerificationProfile
from maco_net.errors import HandshakeError, HandshakeFacts

_ERRORS: Mapping[int, str] = {  # X509_verify_cert_error_string(3)
    java_rules.NOT_YET_VALID: "certificate is not yet valid",
    java_rules.HAS_EXPIRED: "certificate has expired",
    java_rules.UNSUITABLE_PURPOSE: "unsuitable certificate purpose",
    java_rules.REJECTED: "certificate rejected",
    java_rules.LEAF_KEY_TOO_WEAK: "EE certificate key too weak",
    java_rules.AUTHORITY_KEY_TOO_WEAK: "CA certificate key too weak",
    java_rules.DIGEST_TOO_WEAK: "CA signature digest algorithm too weak",
    java_rules.NOT_AN_AUTHORITY: "invalid CA certificate",
}


class Verification:
    """The verification of one handshake at the moment ``now``; ``context`` is for this handshake alone."""

    def __init__(self, anchors: Mapping[str, x509.Certificate], profile: VerificationProfile, now: dt.datetime) -> None:
        self.anchors = anchors
        self.profile = profile
        self.now = now
        self._watch: KeyExchangeWatch | None = None
        self.context = self._make_context()

    def _make_context(self) -> ssl.SSLContext:
        listed = [_der(each) for each in self.anchors.values()]
        match self.profile:
            case VerificationProfile.JAVA:
                check_dates = all(is_current(each, self.now) for each in self.anchors.values())
                context = java_context(listed, check_dates=check_dates)
                self._watch = KeyExchangeWatch(context)
                return context
            case VerificationProfile.OPENSSL:
                return openssl_context(listed)
            case _:
                assert_never(self.profile)

    def check(self, facts: HandshakeFacts) -> None:
        """Raise HandshakeError for what the profile refuses in a handshake that OpenSSL let through."""
        if self._watch is None:
            return
        self._watch.end()
        if weakness := self._watch.weakness(facts.version, facts.cipher):
            raise HandshakeError(dataclasses.replace(facts, error=weakness))
        code = self._refusal(facts)
        if code is not None:
            raise HandshakeError(dataclasses.replace(facts, error=_ERRORS[code], verify_code=code))

    def _refusal(self, facts: HandshakeFacts) -> int | None:
        try:
            path = [x509.load_der_x509_certificate(each) for each in facts.verified_chain]
        except ValueError:
            return java_rules.REJECTED
        if not path:
            return java_rules.REJECTED
        if path[0] in self.anchors.values():  # it ends the path before it begins
            path = path[:1]
        return java_rules.refusal(path, self.now)

    def java_verdict(self, facts: HandshakeFacts, host: str) -> JavaVerdict | None:
        """Return what Java says of a certificate that was refused; None where the handshake failed otherwise.

        Under OpenSSL's profile it is without alert and line: Java might have taken the certificate.
        """
        verdict = java_verdict(facts, host, self.anchors.values(), self.now)
        if verdict is None or self.profile is VerificationProfile.JAVA:
            return verdict
        return dataclasses.replace(verdict, alert="", line="")

    def vouched_by(self, facts: HandshakeFacts) -> str:
        """Return the alias of the anchor that ended the path of an established session; a listed leaf ends its own."""
        ends = (facts.verified_chain[0], facts.verified_chain[-1]) if facts.verified_chain else ()
        aliases = (alias for end in ends for alias, each in self.anchors.items() if _der(each) == end)
        return next(aliases, "")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

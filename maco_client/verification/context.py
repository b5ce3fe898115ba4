"""TLS contexts for either profile: what OpenSSL itself is told to verify.

One rule: verification is never off. What the Java profile takes out of OpenSSL's hands (the strength of keys and
digests, and dates where an anchor is out of its own) ``java_rules`` and ``key_exchange`` put back behind the handshake.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from maco_net.trust import MINIMUM_VERSION, VERIFY_FLAGS, trust_only

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
"""Python's own choice for TLS 1.2: the same suites at whatever security level, and every one of them signs."""

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME


def java_context(anchors: Iterable[bytes], *, check_dates: bool) -> ssl.SSLContext:
    """Return a context that takes what Java takes, and more: strength is not judged, dates only if so told.

    OpenSSL would refuse SHA-1 in a certificate at every level but 0, and an anchor that is out of its dates.
    """
    context = _context(security_level=0)
    trust_only(context, anchors)
    if not check_dates:
        context.verify_flags |= NO_CHECK_TIME
    return context


def openssl_context(anchors: Iterable[bytes]) -> ssl.SSLContext:
    """Return a context with OpenSSL's own rules at security level 2: a path ends at a self-signed root."""
    context = _context(security_level=2)
    trust_only(context, anchors)
    context.verify_flags = VERIFY_FLAGS & ~ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def _context(*, security_level: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it checks path and name from the beginning
    context.minimum_version = MINIMUM_VERSION
    context.hostname_checks_common_name = True  # where there is no alternative name, as Java does
    context.options |= ssl.OP_NO_RENEGOTIATION  # a second handshake would pass by what is checked after the first
    context.set_ciphers(f"{SUITES}:@SECLEVEL={security_level}")
    return context

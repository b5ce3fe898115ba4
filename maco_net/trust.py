"""A TLS client's context that trusts exactly the certificates of one store.

One rule, SAP's and Java's: any listed certificate, root, intermediate or the leaf itself, ends the path; an empty store
trusts nobody; the system's own store is never asked. The flags are set, not added to: Python 3.13 turns on the partial
chain and strict checks by default, older versions do not, and nothing here may depend on that.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable

VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
MINIMUM_VERSION = ssl.TLSVersion.TLSv1_2


def trusting_context(anchors: Iterable[bytes], *, check_hostname: bool) -> ssl.SSLContext:
    """Return a client context whose anchors are ``anchors`` (DER) and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = MINIMUM_VERSION
    context.check_hostname = check_hostname
    trust_only(context, anchors)
    return context


def trust_only(context: ssl.SSLContext, anchors: Iterable[bytes]) -> None:
    """Let any of ``anchors`` (DER) end the path, in a fresh context of either side; none of them trusts nobody.

    OpenSSL checks the dates of an anchor as well; Java does not.
    """
    context.verify_flags = VERIFY_FLAGS
    if listed := b"".join(anchors):
        context.load_verify_locations(cadata=listed)

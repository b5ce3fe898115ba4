"""Trust: what a party's store vouches for, as ``ssl.SSLContext``.

Its rule: any listed certificate, root, intermediate or the leaf itself, ends the path, as in SAP's products (and in
Java); an empty store trusts nobody; the system's own store is never asked. The flags are set, not added to: Python
3.13 turns on the partial chain and strict checks by default, older versions do not, and the lab must not depend on it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued

ClientCertificate: TypeAlias = Literal["none", "optional", "required"]
"""Whether a server asks for a client certificate, and whether it insists."""

VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN

MINIMUM_VERSION = ssl.TLSVersion.TLSv1_2  # the least that MaCo offers outbound

_VERIFY_MODES: dict[ClientCertificate, ssl.VerifyMode] = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


def trust(context: ssl.SSLContext, certificates: Iterable[x509.Certificate]) -> None:
    """Add ``certificates`` to the anchors of ``context`` and let any of them end the path.

    Without certificates nothing is added, so a fresh context goes on trusting nobody. OpenSSL checks the dates of an
    anchor as well; Java does not.
    """
    context.verify_flags = VERIFY_FLAGS
    anchors = b"".join(certificate.public_bytes(Encoding.DER) for certificate in certificates)
    if anchors:
        context.load_verify_locations(cadata=anchors)


def trust_all(context: ssl.SSLContext) -> None:
    """Accept every certificate of the peer: the Cloud Connector's discouraged switch "trust all"."""
    context.check_hostname = False  # ssl refuses CERT_NONE while the name is still to be checked
    context.verify_mode = ssl.CERT_NONE


def client_context(
    anchors: Iterable[x509.Certificate],
    *,
    check_hostname: bool,
    client_certificate: Issued | None = None,
    minimum_version: ssl.TLSVersion = MINIMUM_VERSION,
) -> ssl.SSLContext:
    """Return a client's context that trusts ``anchors`` and nobody else.

    The name that is checked is the ``server_hostname`` of the connection. ``client_certificate`` is offered to
    servers that ask for one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = minimum_version
    context.check_hostname = check_hostname
    trust(context, anchors)
    if client_certificate is not None:
        client_certificate.configure_client(context)
    return context


def server_context(
    issued: Issued,
    *,
    client_anchors: Iterable[x509.Certificate] | None = None,
    client_certificate: ClientCertificate = "none",
    minimum_version: ssl.TLSVersion = MINIMUM_VERSION,
) -> ssl.SSLContext:
    """Return a server's context that presents ``issued`` and, if told, asks clients for a certificate.

    Raises ValueError when client certificates are asked for without saying whom to trust (an empty list says: nobody),
    or the other way round.
    """
    if (client_certificate == "none") != (client_anchors is None):
        raise ValueError(f"client_certificate={client_certificate!r} contradicts client_anchors: give both or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum_version
    issued.configure_server(context)
    context.verify_mode = _VERIFY_MODES[client_certificate]
    trust(context, client_anchors or ())
    return context

"""Trust between certificates of the cast, as ``ssl.SSLContext`` of either side.

The rule of who ends a path stands in ``maco_net.trust``; here it meets ``x509`` certificates and issued ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from maco_net.trust import MINIMUM_VERSION, trust_only, trusting_context

ClientCertificate: TypeAlias = Literal["none", "optional", "required"]
"""Whether a server asks for a client certificate, and whether it insists."""

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
    trust_only(context, (certificate.public_bytes(Encoding.DER) for certificate in certificates))


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
    context = trusting_context(
        (certificate.public_bytes(Encoding.DER) for certificate in anchors), check_hostname=check_hostname
    )
    context.minimum_version = minimum_version
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

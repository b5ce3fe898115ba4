"""A TLS handshake in memory: two ssl objects, no sockets."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from certs.authority import Issued
from certs.trust import client_context, server_context

ROUNDS = 10  # a handshake takes three flights; more means that neither side moves


@dataclass(frozen=True)
class Outcome:
    """How a handshake ended at both ends; ``error`` is the client's, ``server_error`` the server's."""

    client: ssl.SSLObject
    server: ssl.SSLObject
    error: ssl.SSLError | None
    server_error: ssl.SSLError | None

    @property
    def succeeded(self) -> bool:
        finished = bool(self.client.version() and self.server.version())  # None until a handshake is complete
        return finished and self.error is None and self.server_error is None

    @property
    def verify_code(self) -> int | None:
        return self.error.verify_code if isinstance(self.error, ssl.SSLCertVerificationError) else None

    @property
    def alert(self) -> str:
        """The alert that the server received, as OpenSSL's reason names it."""
        return str(self.server_error.reason) if self.server_error else ""


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, server_hostname: str | None = None) -> Outcome:
    """Shake hands over memory until both ends are done or one has failed and the other has heard of it."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = client.wrap_bio(to_client, to_server, server_hostname=server_hostname)
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    errors: dict[ssl.SSLObject, ssl.SSLError | None] = {client_end: None, server_end: None}
    for _ in range(ROUNDS):
        for end in (client_end, server_end):
            if errors[end] is None:
                errors[end] = _advance(end)
    return Outcome(client_end, server_end, errors[client_end], errors[server_end])


def _advance(end: ssl.SSLObject) -> ssl.SSLError | None:
    try:
        end.do_handshake()
        end.read(1)  # TLS 1.3: a refusal of the last flight arrives after the own handshake has finished
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError as error:
        return error
    return None


def handshake_with(issued: Issued, anchors: Iterable[x509.Certificate], name: str | None = None) -> Outcome:
    """Let a client that trusts ``anchors``, and checks ``name`` if given, meet a server that presents ``issued``."""
    client = client_context(anchors, check_hostname=name is not None)
    return handshake(client, server_context(issued), server_hostname=name)

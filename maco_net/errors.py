"""What can go wrong on a socket, in words the parties can report.

NetError
├── ConnectError      no connection could be opened; ``kind`` says which step failed
├── PeerReset         the peer (or its host) reset the connection
├── PeerTruncated     a TLS connection ended without close_notify: bytes may be missing
├── PeerAlert         the peer sent a fatal TLS alert after the handshake
├── PeerBrokeTls      what arrived in an established TLS session was no TLS
├── DeadlineExceeded  the peer did not answer in time
└── HandshakeError    a TLS handshake failed; ``facts`` holds this end's view of it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ConnectFailure: TypeAlias = Literal["unresolvable", "refused", "unreachable", "timeout"]


class NetError(Exception):
    """Stand for everything that fails between two sockets."""


class ConnectError(NetError):
    """No connection could be opened to ``host``:``port``."""

    def __init__(self, host: str, port: int, kind: ConnectFailure, detail: str) -> None:
        super().__init__(f"{host}:{port}: {detail}")
        self.host = host
        self.port = port
        self.kind = kind
        self.detail = detail


class PeerReset(NetError):
    """The peer reset the connection."""


class PeerTruncated(NetError):
    """The peer ended a TLS connection without close_notify (RFC 8446, section 6.1)."""


class PeerAlert(NetError):
    """The peer ended an established TLS session with a fatal alert; ``alert`` is its RFC 8446 name."""

    def __init__(self, alert: str, detail: str) -> None:
        super().__init__(detail)
        self.alert = alert


class PeerBrokeTls(NetError):
    """What arrived in an established TLS session was not TLS, or was changed on the way."""


class DeadlineExceeded(NetError):
    """The peer did not do its part within ``seconds``."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what}: nothing within {seconds:g} s")
        self.what = what
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class HandshakeFacts:
    """One end's view of a TLS handshake.

    ``peer_chain`` holds the certificates the peer sent, DER, leaf first: a client has them also after a failure, as far
    as they arrived; a server has nothing of a client whose certificate it refused. ``alert_sent`` and
    ``alert_received`` are RFC 8446 names, empty when there was none or it is not known; ``verify_code`` is OpenSSL's
    X509_V_ERR_* number. ``verified_chain`` is the path that OpenSSL verified, from the peer's certificate to the
    anchor, where this end verifies and the handshake succeeded.
    """

    version: str = ""
    cipher: str = ""
    server_name: str = ""
    peer_chain: tuple[bytes, ...] = ()
    error: str = ""
    verify_code: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    verified_chain: tuple[bytes, ...] = ()


class HandshakeError(NetError):
    """A TLS handshake failed; ``facts.error`` repeats the message."""

    def __init__(self, facts: HandshakeFacts) -> None:
        super().__init__(facts.error)
        self.facts = facts

"""TLS of an IMAP connection, watched from the server's end.

The verdict on a handshake is final or it is not given. Under TLS 1.3 a client may refuse what it was shown after this
end has finished its handshake, so success is reported only with the first byte of application data that could be
decrypted, and failure when an alert arrives, or the connection ends, before any. A client that connects by
TLS, says nothing and leaves therefore counts as a failed handshake.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer

from maco_wire.observation import TlsSession
from mailserver_sim.reports import ConnectionReports, HandshakeFacts
from mailserver_sim.tls_alerts import CLOSE_NOTIFY, alert_name

if TYPE_CHECKING:
    from twisted.protocols.tls import TLSMemoryBIOProtocol

# SSL_CB_LOOP: the handshake went a step further.
_LOOP = 0x01
# SSL_CB_READ_ALERT and SSL_CB_WRITE_ALERT of <openssl/ssl.h>: SSL_CB_ALERT | SSL_CB_READ or SSL_CB_WRITE.
_READ_ALERT = 0x4004
_WRITE_ALERT = 0x4008
_NOTHING_RECEIVED = b"before SSL initialization"

_observed_contexts: weakref.WeakSet[SSL.Context] = weakref.WeakSet()


class ContextFactory(Protocol):
    """What Twisted calls an IOpenSSLContextFactory."""

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """Return the context for one connection."""


class HandshakeWatch:
    """Collect what happens in one TLS session and report it once."""

    def __init__(self, reports: ConnectionReports, session: TlsSession) -> None:
        self._reports = reports
        self._session = session
        self._reported = False
        self.connection: SSL.Connection | None = None
        self.begun = session in (TlsSession.IMAP_STARTTLS, TlsSession.POP3_STLS)
        """Whether there is a handshake at all: a port probe connects to the TLS port and says nothing."""
        self.completed = False
        self.alert_sent = ""
        self.alert_received = ""

    def alert(self, name: str, *, received: bool) -> None:
        """Take note of an alert; the end of a session is none that matters here."""
        if name == CLOSE_NOTIFY:
            return
        if received:
            self.alert_received = name
        else:
            self.alert_sent = name

    def application_data(self) -> None:
        """Take note that application data could be decrypted: the client has accepted the handshake."""
        if not self._reported:
            self._report(succeeded=True)

    def ended(self, reason: str, *, by_tls: bool) -> None:
        """Take note that the connection ended for ``reason``, which may be a failure of TLS."""
        if self._reported or not (self.begun or by_tls):
            return
        if self.completed and not (self.alert_received or self.alert_sent):
            reason = f"{reason} before any application data"
        self._report(succeeded=False, error=reason)

    def _report(self, *, succeeded: bool, error: str = "") -> None:
        self._reported = True
        self._reports.handshake(self._session, self._facts(), succeeded=succeeded, error=error)
        self.connection = None

    def _facts(self) -> HandshakeFacts:
        connection = self.connection
        if connection is None:
            return HandshakeFacts(alert_sent=self.alert_sent, alert_received=self.alert_received)
        return HandshakeFacts(
            version=connection.get_protocol_version_name() if self.completed else "",
            cipher=connection.get_cipher_name() or "",
            server_name=(connection.get_servername() or b"").decode("ascii", "replace"),
            peer_chain=_peer_chain(connection),
            alert_sent=self.alert_sent,
            alert_received=self.alert_received,
        )


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """Make OpenSSL connections from the context factory and let each one's watch see its alerts."""

    def __init__(self, factory: ContextFactory) -> None:
        self._factory = factory

    def serverConnectionForTLS(  # noqa: N802 - Twisted's name
        self, protocol: TLSMemoryBIOProtocol
    ) -> SSL.Connection:
        """Return the connection object for one TLS session of an ``ImapConnection``."""
        context = self._factory.getContext()
        if context not in _observed_contexts:
            # A context may not be changed once it is in use, so this happens once, however many servers share it.
            context.set_info_callback(_on_info)
            _observed_contexts.add(context)
        connection = SSL.Connection(context, None)
        watch = _watch_of(protocol)
        if watch is not None:
            watch.connection = connection
        return connection


def _watch_of(protocol: object) -> HandshakeWatch | None:
    watch = getattr(getattr(protocol, "wrappedProtocol", None), "handshake_watch", None)
    return watch if isinstance(watch, HandshakeWatch) else None


def _on_info(connection: SSL.Connection, where: int, code: int) -> None:
    protocol = connection.get_app_data()
    watch = _watch_of(protocol)
    if watch is None:
        return
    if where & _LOOP and connection.get_state_string() != _NOTHING_RECEIVED:
        watch.begun = True
    # The code of an alert is its level in the high byte and its number in the low one.
    if where == _READ_ALERT:
        watch.alert(alert_name(code & 0xFF), received=True)
    # At the unexpected end of a connection OpenSSL writes an alert that can no longer go anywhere.
    if where == _WRITE_ALERT and protocol.wrappedProtocol.transport.connected:
        watch.alert(alert_name(code & 0xFF), received=False)


def _peer_chain(connection: SSL.Connection) -> tuple[bytes, ...]:
    """Return the client's certificates in DER, its own first; a server's chain does not repeat that one."""
    own = connection.get_peer_certificate(as_cryptography=True)
    if own is None:
        return ()
    chain = [own, *(connection.get_peer_cert_chain(as_cryptography=True) or ())]
    return tuple(dict.fromkeys(each.public_bytes(Encoding.DER) for each in chain))


def is_tls_failure(reason: Failure) -> bool:
    """Tell whether OpenSSL ended the connection."""
    return reason.check(SSL.Error) is not None


def describe_end(reason: Failure) -> str:
    """Say in words why a connection ended, from Twisted's or OpenSSL's exception."""
    error = reason.value
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        reasons = [entry[2] for entry in error.args[0] if len(entry) > 2 and entry[2]]
        return "; ".join(reasons) or "TLS failed"
    return "closed by the client"

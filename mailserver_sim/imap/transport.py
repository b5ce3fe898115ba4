"""The transport side of an IMAP connection: greeting, TLS, time limits, sending, and how it ends.

Twisted's IMAP4Server gives the transport, STARTTLS and the timeouts. Its parser, its dispatch by method name and its
commands are not used. What the bytes mean is the subclass's business (``connection``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.mail.imap4 import IMAP4Server
from twisted.python.failure import Failure
from zope.interface import implementer

from maco_wire.observation import TlsSession
from mailserver_sim.imap.counting import carried_by
from mailserver_sim.imap.tls import HandshakeWatch, ServerTls, describe_end, is_tls_failure
from mailserver_sim.reports import ConnectionReports, Reporting
from mailserver_sim.settings import MailServerSettings

if TYPE_CHECKING:
    from mailserver_sim.faults.imap import Outgoing

WRITE_CHUNK = 128 * 1024
LINGER_S = 10.0
"""How long a connection that was ended by the server is still read, so that its last words arrive."""
RESET_AFTER_S = 0.05
"""A reset destroys what is still on its way, so it comes a moment later."""


def _call_later(delay_s: float, call: Any) -> Any:
    # Not at import: whoever imports twisted.internet.reactor first decides which reactor the process has.
    from twisted.internet import reactor

    return cast("Any", reactor).callLater(delay_s, call)


@implementer(IHandshakeListener, IPushProducer)
class ImapTransport(IMAP4Server):
    """The server's end of one connection; ``implicit_tls`` is the port that begins with TLS.

    POP3 has the same transport: what differs is below, and the words of ``say_goodbye``.
    """

    reported_protocol: ClassVar[Literal["IMAP", "POP3"]] = "IMAP"
    tls_sessions: ClassVar[tuple[TlsSession, TlsSession]] = (TlsSession.IMAPS, TlsSession.IMAP_STARTTLS)
    """What a TLS session is called that begins with the connection, and one that begins later."""

    def __init__(
        self, settings: MailServerSettings, reporting: Reporting, tls: ServerTls, *, implicit_tls: bool
    ) -> None:
        super().__init__()
        self.settings = settings
        self.implicit_tls = implicit_tls
        self.tls_active = False
        self.ending = False
        self.handshake_watch: HandshakeWatch | None = None
        self.outgoing: Outgoing | None = None
        """What writes in the place of the socket while a scripted fault wants it so."""
        self.hang_up: Callable[[], None] | None = None
        """What a scripted fault does with the first bytes of the client's handshake."""
        self.reports: ConnectionReports
        self._reporting = reporting
        self._tls = tls
        self._end_reason = ""
        self._writable: Deferred[None] | None = None
        self._handshake_timer: Any = None
        self._linger_timer: Any = None
        self._keep_alive_timer: Any = None

    @property
    def socket(self) -> Any:
        """Return Twisted's transport, whose interface is declared in a way that mypy cannot read."""
        return self.transport

    # For the subclass to say what happens with the bytes.

    def ready(self) -> None:
        """Greet the client."""

    def plaintext_received(self, data: bytes) -> None:
        """Act on what the client sent."""

    def writable_again(self) -> None:
        """Go on with what had to wait while the client did not read."""

    def connection_ended(self) -> None:
        """Let go of everything; called once or twice."""

    def hang_up_in_handshake(self) -> Callable[[], None] | None:
        """Return what ends the connection instead of a handshake; None for one as it should be."""

    # Twisted's side: the connection's life.

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Greet, or begin with TLS."""
        here, there = self.socket.getHost(), self.socket.getPeer()
        self.reports = ConnectionReports(
            self._reporting, self.reported_protocol, local=(here.host, here.port), peer=(there.host, there.port)
        )
        self.socket.setTcpNoDelay(True)
        if self.implicit_tls:
            self.start_tls()
        else:
            self._greet()

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's name
        """Go on after the TLS handshake, as far as this end can tell."""
        _cancel(self._handshake_timer)
        if self.handshake_watch is not None:
            self.handshake_watch.completed = True
        if self.implicit_tls:
            self._greet()
        else:
            self.setTimeout(self.settings.login_timeout_s)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Report a handshake that came to nothing, and let go of everything."""
        _cancel(self._handshake_timer)
        _cancel(self._linger_timer)
        _cancel(self._keep_alive_timer)
        self.setTimeout(None)
        if self.handshake_watch is not None:
            self.handshake_watch.ended(self._end_reason or describe_end(reason), by_tls=is_tls_failure(reason))
        self.reports.socket_closed(carried_by(self.transport))
        self.ending = True
        self.resumeProducing()
        self.connection_ended()

    def timeoutConnection(self) -> None:  # noqa: N802 - Twisted's name
        """End a connection on which nothing happened for too long."""
        self.say_goodbye("Autologout; too long without a command")

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take plaintext, decrypted where there is TLS."""
        if self.handshake_watch is not None:
            self.handshake_watch.application_data()
        if self.ending:
            return
        if self.hang_up is not None:
            self.hang_up()
            return
        self.reports.plaintext("to_mail_server", data)
        self.plaintext_received(data)

    # Sending.

    def untagged(self, line: bytes) -> None:
        """Send one untagged response."""
        self.send(b"* " + line + b"\r\n")

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.reports.plaintext("to_maco", data)
        (self.outgoing or self.socket).write(data)

    async def send_large(self, data: bytes) -> None:
        """Send bytes in pieces and wait while the client does not read, so that memory stays bounded."""
        if not self.socket.connected:
            return
        for start in range(0, len(data), WRITE_CHUNK):
            if self.ending:
                break
            self.send(data[start : start + WRITE_CHUNK])
            await self.until_writable()

    @property
    def congested(self) -> bool:
        """Tell whether the client leaves so much unread that nothing more should be written (64 KiB in Twisted)."""
        return self._writable is not None

    async def until_writable(self) -> None:
        """Wait while the client does not read; only the running command may."""
        if self._writable is not None:
            await self._writable

    def keep_alive(self, line: bytes | None) -> None:
        """Send ``line`` untagged every ``idle_keepalive_s`` seconds; None stops that."""
        _cancel(self._keep_alive_timer)
        if line is not None and not self.ending:
            self._keep_alive_timer = _call_later(self.settings.idle_keepalive_s, lambda: self._still_alive(line))

    def _still_alive(self, line: bytes) -> None:
        if not self.congested:
            self.untagged(line)
        self.keep_alive(line)

    # IPushProducer: the transport says when its buffer is full.

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Make whatever writes wait."""
        if self._writable is None and not self.ending:
            self._writable = Deferred()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Let whatever writes go on."""
        waiting, self._writable = self._writable, None
        if waiting is None:
            return
        waiting.callback(None)
        if not self.ending and not self.congested:
            self.writable_again()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Let whatever writes end: the connection is gone."""
        self.ending = True
        self.resumeProducing()

    # TLS.

    def start_tls(self) -> None:
        """Hand the connection to TLS."""
        self.setTimeout(None)
        self._handshake_timer = _call_later(self.settings.tls_handshake_timeout_s, self._handshake_timed_out)
        self.hang_up = self.hang_up_in_handshake()
        if self.hang_up is not None:
            return
        at_once, later = self.tls_sessions
        self.handshake_watch = HandshakeWatch(self.reports, at_once if self.implicit_tls else later)
        self.tls_active = True
        self.socket.startTLS(self._tls)

    def _handshake_timed_out(self) -> None:
        self._end_reason = f"no handshake within {self.settings.tls_handshake_timeout_s:g} s"
        self.socket.abortConnection()

    # Ending.

    def say_goodbye(self, text: str, code: str = "") -> None:
        """Send BYE and end the connection; what still comes in is thrown away."""
        if self.ending:
            return
        prefix = f"BYE [{code}] " if code else "BYE "
        self.untagged((prefix + text).encode("ascii", "replace"))
        self.end_connection()

    def end_connection(self) -> None:
        """Close, but read on for a moment: unread input would destroy the last words on their way."""
        self.ending = True
        self.setTimeout(None)
        _cancel(self._keep_alive_timer)
        self.connection_ended()
        if self.outgoing is not None:
            self.outgoing.finish()
        self.socket.unregisterProducer()  # Twisted does not close a connection that has a producer
        self.resumeProducing()
        self.socket.resumeProducing()
        self._linger_timer = _call_later(LINGER_S, self.socket.abortConnection)
        if self.tls_active:
            self.socket.loseConnection()
        else:
            # The client sees the end at once and closes its side; the timer is for one that does not.
            self.socket.loseWriteConnection()

    def break_off(self, *, reset: bool) -> None:
        """End without a word: in an orderly way, or by a TCP reset a moment after what was sent."""
        self.ending = True
        self.setTimeout(None)
        self.connection_ended()
        self.resumeProducing()
        self._linger_timer = _call_later(RESET_AFTER_S if reset else LINGER_S, self.socket.abortConnection)
        if not reset:
            self.socket.unregisterProducer()
            self.socket.loseConnection()

    def stop(self) -> None:
        """Say that the server stops, and close."""
        self._end_reason = "the server was stopped"
        handshaking = self.handshake_watch is not None and not self.handshake_watch.completed
        if not handshaking:
            self.say_goodbye("The server is stopping", "UNAVAILABLE")
        self.socket.loseConnection()

    def abort(self) -> None:
        """End the connection without a word."""
        self.socket.abortConnection()

    def _greet(self) -> None:
        self.setTimeout(self.settings.login_timeout_s)
        self.socket.registerProducer(self, True)
        self.ready()


def _cancel(timer: Any) -> None:
    if timer is not None and timer.active():
        timer.cancel()

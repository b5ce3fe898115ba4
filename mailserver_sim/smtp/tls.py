"""TLS of an SMTP connection: asyncio's, with the verdict on the handshake reported from the server's end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Any, cast

from maco_net.alerts import alert_received
from maco_wire.observation import TlsSession
from mailserver_sim.reports import ConnectionReports, HandshakeFacts

SHUTDOWN_TIMEOUT_S = 2.0


class WatchedTls(sslproto.SSLProtocol):
    """asyncio's TLS layer, which tells its application only of handshakes that succeed.

    As with IMAP, success is final only with the first application data; ``application_data`` is called with it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        application: asyncio.Protocol,
        context: ssl.SSLContext,
        waiter: asyncio.Future[None] | None,
        report_for: Callable[[asyncio.BaseTransport], ConnectionReports],
        let_go: Callable[[], None],
        *,
        session: TlsSession,
        handshake_timeout_s: float,
    ) -> None:
        super().__init__(
            loop,
            application,
            context,
            cast("Any", waiter),
            server_side=True,
            ssl_handshake_timeout=cast("Any", handshake_timeout_s),
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        self._session = session
        self._report_for = report_for
        self._let_go = let_go
        self._reports: ConnectionReports | None = None
        self._tls: ssl.SSLObject | None = None
        self._begun = False
        self._reported = False

    def handshake_completed(self, transport: asyncio.BaseTransport) -> None:
        """Take note of what was negotiated."""
        self._tls = transport.get_extra_info("ssl_object")

    def application_data(self) -> None:
        """Take note that application data could be decrypted: the client has accepted the handshake."""
        if not self._reported:
            self._report(succeeded=True)

    def connection_made(self, transport: Any) -> None:
        """Begin the handshake, with both addresses known for the case that it fails."""
        self._reports = self._report_for(transport)
        super().connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        """Count a connection as a handshake once the client has sent anything."""
        self._begun = True
        super().buffer_updated(nbytes)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Report a handshake that came to nothing."""
        try:
            if self._begun and not self._reported:
                self._report(succeeded=False, error=exc)
        finally:
            self._let_go()
            super().connection_lost(exc)

    def _report(self, *, succeeded: bool, error: BaseException | None = None) -> None:
        self._reported = True
        if self._reports is None:
            return
        text = "" if succeeded else _describe(error, completed=self._tls is not None)
        self._reports.handshake(self._session, _facts(self._tls, error), succeeded=succeeded, error=text)


def _describe(error: BaseException | None, *, completed: bool) -> str:
    if error is not None:
        return str(getattr(error, "reason", None) or error).replace("_", " ").lower()
    return "closed by the client before any application data" if completed else "closed by the client"


def _facts(tls: ssl.SSLObject | None, error: BaseException | None) -> HandshakeFacts:
    alert = alert_received(error) if isinstance(error, ssl.SSLError) else ""
    if tls is None:
        return HandshakeFacts(alert_received=alert)
    cipher = tls.cipher()
    certificate = None
    with contextlib.suppress(ValueError):  # a second handshake has begun (renegotiation) and come to nothing
        certificate = tls.getpeercert(binary_form=True)
    return HandshakeFacts(
        version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        peer_chain=(certificate,) if certificate else (),
        alert_received=alert,
    )

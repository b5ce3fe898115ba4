"""One SMTP connection: aiosmtpd's protocol, with what it leaves out added: reports, bounds, TLS from the first byte."""

from __future__ import annotations

import asyncio
import collections
import functools
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, TLSSetupException, syntax

from maco_net.socket_bytes import socket_bytes
from maco_wire.observation import TlsSession
from mailserver_sim.admission import Admission
from mailserver_sim.credentials import Credentials
from mailserver_sim.faults.plan import Faults
from mailserver_sim.faults.smtp import READY, STARTTLS_REFUSALS, SmtpFaults
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reports import ConnectionReports, Reporting
from mailserver_sim.sasl import MECHANISMS, offered
from mailserver_sim.settings import ListenerProtocol, MailServerSettings
from mailserver_sim.smtp.authenticating import LONGEST_AUTH, SaslLogins
from mailserver_sim.smtp.handler import MailHandler
from mailserver_sim.smtp.tls import WatchedTls
from mailserver_sim.smtp.utf8 import refusal_of_argument
from mailserver_sim.store.store import Store

IDENT = "maco-lab mail server"
READ_AHEAD = 1024 * 1024
"""How many bytes beyond the largest mail may come between two answers: dots, headers, pipelined commands."""
LINGER_S = 10.0
"""How long a connection that was ended by the server may take to read its last words."""

_PARSER_FAILURES = (AttributeError, IndexError, NameError, ValueError)
"""What the parser of addresses raises besides its own error, for one that breaks off in the middle for example."""

# aiosmtpd logs lines of mail at DEBUG, commands at INFO, and at WARNING what it takes for an unknown command, which may
# well be a password in Base64: none of it belongs into a log.
logging.getLogger("mail.log").setLevel(logging.ERROR)


@dataclass(eq=False)
class SmtpServices:
    """What all SMTP connections of a server share."""

    settings: MailServerSettings
    store: Store
    credentials: Credentials
    reporting: Reporting
    tls: ssl.SSLContext
    connections: OpenConnections
    faults: Faults = field(default_factory=Faults)


class SmtpConnection(SMTP):
    """The server's end of one connection on the port of ``protocol``."""

    line_length_limit = LONGEST_AUTH

    def __init__(self, services: SmtpServices, protocol: ListenerProtocol, admission: Admission) -> None:
        settings = services.settings
        submission = protocol in ("submission", "smtps")
        offers_starttls = protocol != "smtps" and settings.offer_starttls
        handler = MailHandler(settings.host_name, services.store, services.credentials, login_required=submission)
        super().__init__(
            handler,
            data_size_limit=settings.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=settings.host_name,
            ident=IDENT,
            tls_context=services.tls if offers_starttls else None,
            require_starttls=submission and offers_starttls,
            timeout=settings.smtp_timeout_s,
            auth_require_tls=settings.offer_starttls or protocol == "smtps",
            auth_exclude_mechanism=set(MECHANISMS) - (set(offered(settings)) if submission else set()),
            loop=asyncio.get_running_loop(),
        )
        self._smtp_methods = {name: self._in_its_charset(name, act) for name, act in self._smtp_methods.items()}
        self.command_size_limits = collections.defaultdict(lambda: self.command_size_limit, AUTH=LONGEST_AUTH)
        self.reports: ConnectionReports
        self.faults = SmtpFaults(services.faults, protocol)
        self._services = services
        self._admission = admission
        admission.admit(self)
        self._logins = SaslLogins(self, services)
        self._unanswered = 0
        self._watched: WatchedTls | None = None
        self._raw_transport: asyncio.BaseTransport | None = None

    @classmethod
    def over_tls(cls, services: SmtpServices, admission: Admission) -> WatchedTls:
        """Return a connection that begins with TLS."""
        connection = cls(services, "smtps", admission)
        layer = connection._tls_layer(services.tls, TlsSession.SMTPS, None)
        connection._watched = connection._tls_protocol = layer
        return layer

    def _in_its_charset(
        self, name: str, act: Callable[[str | None], Awaitable[None]]
    ) -> Callable[..., Awaitable[None]]:
        """Return a command that refuses what is not in the charset of its argument: aiosmtpd takes UTF-8 anywhere."""

        @functools.wraps(act)  # with what HELP tells of it
        async def checked(argument: str | None) -> None:
            refusal = refusal_of_argument(name, argument)
            await (self.push(refusal) if refusal else act(argument))

        return checked

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Return an address and what stands behind it; None for what is none, at which the email package may fail."""
        try:
            return super()._getaddr(arg)
        except _PARSER_FAILURES:
            return None, None

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        """Return the parameters of MAIL or RCPT; None for what are none: aiosmtpd takes any digits for a SIZE."""
        return super()._getparams(params) if all(map(str.isascii, params)) else None

    @property
    def tls_active(self) -> bool:
        """Tell whether the connection is under TLS."""
        return self._watched is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or go on after the TLS handshake of STARTTLS."""
        self._reports_of(transport)
        if self._watched is not None:
            self._watched.handshake_completed(transport)
        super().connection_made(transport)

    def _reports_of(self, transport: asyncio.BaseTransport) -> ConnectionReports:
        if not hasattr(self, "reports"):
            local, peer = transport.get_extra_info("sockname")[:2], transport.get_extra_info("peername")[:2]
            self.reports = ConnectionReports(self._services.reporting, "SMTP", local=local, peer=peer)
            self._services.connections.add(self)
            self._raw_transport = transport
        return self.reports

    def _tls_layer(
        self, context: ssl.SSLContext, session: TlsSession, waiter: asyncio.Future[None] | None
    ) -> WatchedTls:
        timeout = self._services.settings.tls_handshake_timeout_s
        return WatchedTls(
            self.loop,
            self,
            context,
            waiter,
            self._reports_of,
            self._let_go,
            session=session,
            handshake_timeout_s=timeout,
        )

    def _let_go(self) -> None:
        """Take note that the connection is gone; called twice under TLS, and its socket is open the first time."""
        raw, self._raw_transport = self._raw_transport, None
        if raw is not None:
            self.reports.socket_closed(socket_bytes(raw.get_extra_info("socket")))
        self._services.connections.discard(self)
        self._admission.leave(self)

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Begin TLS, unless plaintext came behind the command: that ends the connection (CVE-2011-0411)."""
        if arg or self.tls_context is None:
            self.reports.starttls("refused", "not offered" if self.tls_context is None else "with an argument")
            await super().smtp_STARTTLS(arg)
            return
        if self.tls_active:
            self.reports.starttls("refused", "TLS is active")
            await self.push("503 5.5.1 TLS is active already")
            return
        self.reports.starttls("asked")
        injected = len(self._reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio does not tell
        if injected:
            self.reports.starttls("injected", f"{injected} bytes")
            await self.push("554 5.5.1 Plaintext behind STARTTLS")
            self.abort_soon()
            return
        if refused := self.faults.strike(self, "starttls.refused"):
            self.reports.starttls("refused", "by a scripted fault")
            await self.push(STARTTLS_REFUSALS[refused.parameters["answer"]])
            return
        self.reports.starttls("accepted")
        await self.push(READY)
        await self._handshake(self.tls_context)

    async def _handshake(self, context: ssl.SSLContext) -> None:
        original = self.transport
        assert isinstance(original, asyncio.Transport)  # a command was just read from it
        broken = self.faults.broken_handshake(self._services.reporting, self._services.connections, self)
        if broken is not None:
            original.set_protocol(broken)
            broken.connection_made(original)
            return
        waiter = self.loop.create_future()
        self._watched = self._tls_protocol = self._tls_layer(context, TlsSession.SMTP_STARTTLS, waiter)
        self._original_transport = original
        original.set_protocol(self._watched)
        self._watched.connection_made(original)
        try:
            await waiter  # the layer has a deadline of its own
        except Exception as error:
            raise TLSSetupException from error

    async def auth_PLAIN(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Log in by PLAIN; the names of these five methods are how aiosmtpd knows what AUTH offers."""
        return await self._logins.run("PLAIN", arguments)

    async def auth_LOGIN(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Log in by LOGIN."""
        return await self._logins.run("LOGIN", arguments)

    async def auth_CRAM__MD5(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Log in by CRAM-MD5."""
        return await self._logins.run("CRAM-MD5", arguments)

    async def auth_XOAUTH2(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Log in by XOAUTH2."""
        return await self._logins.run("XOAUTH2", arguments)

    async def auth_OAUTHBEARER(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Log in by OAUTHBEARER."""
        return await self._logins.run("OAUTHBEARER", arguments)

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of everything."""
        self._let_go()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Take plaintext, decrypted where there is TLS, as long as it stays bounded."""
        if self._watched is not None:
            self._watched.application_data()
        self.reports.plaintext("to_mail_server", data)
        self._unanswered += len(data)
        if self._unanswered > self._services.settings.max_message_bytes + READ_AHEAD:
            # RFC 5321, section 3.8: 421 is the answer of a server that must close. Nobody reads such a mail to its end.
            self._writer.write(b"421 4.3.4 Too much data\r\n")
            self.abort_soon()
            return
        super().data_received(data)

    async def push(self, status: AnyStr) -> None:
        """Send one line."""
        self._unanswered = 0
        if self.faults.is_idle:
            await super().push(status)
        elif (line := await self.faults.send(self, _as_bytes(status))) is not None:
            await super().push(line)

    async def next_line(self) -> bytes | None:
        """Return the next line without the spaces around it; None for one that was too long, which is read to its end.

        aiosmtpd would fail at such a response to a challenge, and take the rest of it for a command.
        """
        is_long = False
        while True:
            try:
                line = await self._reader.readuntil()
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
                is_long = True
            else:
                return None if is_long else line.strip()

    async def drip(self, line: bytes, size: int, pause_s: float) -> bytes:
        """Send a line in drops, but for the last one, which is returned."""
        last = (len(line) - 1) // size * size
        for start in range(0, last, size):
            self._writer.write(line[start : start + size])
            await asyncio.sleep(pause_s)
        return line[last:]

    def abort_soon(self) -> None:
        """Close after what has been written, but do not wait for long until it has been read."""
        if self.transport is not None:
            self.transport.close()
            self.loop.call_later(LINGER_S, self.abort)

    def _timeout_cb(self) -> None:
        """Close a connection on which nothing happened for too long."""
        self.abort_soon()

    def stop(self) -> None:
        """Say that the server stops, and close."""
        if isinstance(self.transport, asyncio.Transport) and not self.transport.is_closing():
            self.transport.write(b"421 4.3.2 The server is stopping\r\n")
            self.transport.close()
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once, whatever is still to be written."""
        if isinstance(self._raw_transport, asyncio.Transport):
            self._raw_transport.abort()


def _as_bytes(line: str | bytes) -> bytes:
    return line.encode("utf-8") if isinstance(line, str) else line

"""The mail server: store, IMAP, POP3 and SMTP together on the caller's asyncio loop.

Twisted's reactor must be on that loop before ``start`` (``mailserver_sim.reactor.ensure_reactor``).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from maco_wire.canary import Canary
from maco_wire.observation import Address, CertificateSummary, Observation, Record
from mailserver_sim.credentials import Credentials
from mailserver_sim.faults.plan import Fault, Faults, FaultState
from mailserver_sim.held_ports import HeldPorts
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.reports import Reporting
from mailserver_sim.settings import Listener, MailServerSettings
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import Quota, Stored
from mailserver_sim.tls_contexts import TlsContexts

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapServices
    from mailserver_sim.imap.tls import ContextFactory
    from mailserver_sim.pop3.connection import Pop3Services
    from mailserver_sim.smtp.connection import SmtpServices

ImapServicesT = TypeVar("ImapServicesT", bound="ImapServices")

GOODBYE_S = 0.15
"""How long clients have to take note of BYE when the server stops."""
ABORT_S = 0.2
"""How long aborted connections have to disappear."""


class _Port(Protocol):
    address: Address

    async def close(self) -> None:
        """Stop listening."""


class MailServer:
    """One mail server; started once, restarted if need be, and stopped in the end."""

    def __init__(
        self,
        settings: MailServerSettings,
        *,
        imap_tls: ContextFactory,
        smtp_tls: ssl.SSLContext,
        record: Record,
        describe_certificate: Callable[[bytes], CertificateSummary],
        canaries: tuple[Canary, ...] = (),
        own_tls: Mapping[str, TlsContexts] | None = None,
    ) -> None:
        """Prepare a server; a listener whose protocol is in ``own_tls`` does TLS by that, all others as they all do."""
        self.settings = settings
        quotas = {account.user: Quota(account.quota_bytes, account.quota_messages) for account in settings.accounts}
        self.store = Store(settings.store, quotas, {user: quota for user, quota in quotas.items() if quota.limits})
        self._tls = TlsContexts(imap_tls, smtp_tls)
        self._own_tls = own_tls or {}
        self._record = record
        self._system: str | None = None
        self._reporting = Reporting(self._observed, describe_certificate, canaries)
        self._credentials = Credentials(settings.accounts)
        self._ports: dict[str, _Port] = {}
        self._held = HeldPorts()
        self._connections = OpenConnections()
        self._faults = Faults(settings.faults)
        self._imap: ImapServices | None = None
        self._smtp: SmtpServices | None = None
        self._pop3: Pop3Services | None = None

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Return where each protocol really listens."""
        return MappingProxyType({protocol: port.address for protocol, port in self._ports.items()})

    def _observed(self, observation: Observation) -> None:
        self._record(replace(observation, system=self._system) if self._system else observation)

    async def start(self) -> None:
        """Open the store and listen. Raises StoreError, ReactorError, OSError; then nothing is left open."""
        loop = asyncio.get_running_loop()
        ensure_reactor(loop)
        await self._open_store(loop)
        try:
            await self._preload()
            for listener in self.settings.listeners:
                self._ports[listener.protocol] = await self._listen(listener)
        except BaseException:
            await self.stop()
            raise

    async def _open_store(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the store; when cancelled, wait for the thread, which cannot be, so that its files are closed again."""
        opening = loop.run_in_executor(None, self.store.open)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])
            if opening.exception() is None:
                await loop.run_in_executor(None, self.store.close)
            raise

    async def _preload(self) -> None:
        if self.settings.preload:
            from mailserver_sim.archives.preloading import preload

            await preload(self.store, self.settings.preload, max_bytes=self.settings.max_message_bytes)

    async def stop(self) -> None:
        """Close everything and write everything; done within half a second."""
        await self._stop_listening()
        for connection in self._connections:
            connection.stop()
        if not await self._connections.all_gone(GOODBYE_S):
            for connection in self._connections:
                connection.abort()
            await self._connections.all_gone(ABORT_S)
        await asyncio.get_running_loop().run_in_executor(None, self.store.close)

    async def _stop_listening(self, *, hold: bool = False) -> None:
        for protocol, port in self._ports.items():
            await port.close()
            if hold:
                self._held.hold(protocol, port.address)
        self._ports = {}

    async def restart(
        self,
        settings: MailServerSettings,
        *,
        imap_tls: ContextFactory,
        smtp_tls: ssl.SSLContext,
        own_tls: Mapping[str, TlsContexts] | None = None,
        system: str | None = None,
    ) -> None:
        """Stop, and start with other settings where it listened; accounts, store and listeners stay the same.

        ``system`` is who it says that it is in what it observes from then on; none if it is who it seems to be.

        Raises what ``start`` raises; then nothing is left open, and it may be restarted again.
        """
        where = self.addresses
        listeners = tuple(
            replace(each, port=where[each.protocol][1]) if each.protocol in where else each
            for each in self.settings.listeners
        )
        try:
            await self._stop_listening(hold=True)
            await self.stop()
            self.settings = replace(settings, listeners=listeners)
            self._tls, self._own_tls = TlsContexts(imap_tls, smtp_tls), own_tls or {}
            self._system = system
            self._imap = self._smtp = self._pop3 = None
            await self.start()
        finally:
            self._held.release_all()

    async def clear(self) -> None:
        """Drop every connection, every message and every mailbox but the INBOXes; the ports stay open."""
        for connection in self._connections:
            connection.abort()
        await self._connections.all_gone(ABORT_S)
        await self.store.clear()
        self._faults.restore()

    def break_at(self, step: str, *, count: int = 1, after: int = 0, **parameters: Any) -> None:
        """Misbehave at a step of the table of faults: pass ``after`` times, then strike ``count`` times (0: always).

        ``protocol`` among the parameters is the one listener that is meant. On the server's own loop; raises
        SettingsError.
        """
        protocol = parameters.pop("protocol", "")
        self._faults.arm(Fault(step, count, after, protocol, parameters))

    def heal(self) -> None:
        """Misbehave no more; open connections go on."""
        self._faults.heal()

    def faults(self) -> list[FaultState]:
        """Return the faults that were armed and what became of them."""
        return self._faults.states()

    async def deliver(self, account_user: str, message: bytes) -> int:
        """Put a message into a user's INBOX and return its UID after the commit. Raises NoSuchAccount, OverQuota."""
        (stored,) = await self.store.deliver((account_user,), message, dt.datetime.now(dt.UTC))
        self._reporting.mail_accepted(stored, message, local=None, peer=None)
        return stored.uid

    async def put(self, account_user: str, mailbox: str, message: bytes) -> Stored:
        """Put a message into any mailbox and return where it is. Raises NoSuchAccount, NoSuchMailbox."""
        stored = await self.store.append(account_user, mailbox, message, frozenset(), dt.datetime.now(dt.UTC))
        self._reporting.mail_accepted(stored, message, local=None, peer=None)
        return stored

    async def _listen(self, listener: Listener) -> _Port:
        self._held.release(listener.protocol)
        try:
            if listener.protocol in ("imap", "imaps"):
                return self._listen_imap(listener)
            if listener.protocol in ("pop3", "pop3s"):
                return self._listen_pop3(listener)
            return await self._listen_smtp(listener)
        except OSError as error:
            error.filename = f"{listener.host}:{listener.port}"  # Twisted and asyncio name it each in its own way
            raise

    def _listen_imap(self, listener: Listener) -> _Port:
        from mailserver_sim.imap.connection import ImapServices
        from mailserver_sim.imap.listening import ImapPort

        if self._imap is None:
            self._imap = self._services(ImapServices)
        return ImapPort(
            self._with_tls(self._imap, listener),
            listener.host,
            listener.port,
            implicit_tls=listener.protocol == "imaps",
        )

    def _services(self, kind: type[ImapServicesT]) -> ImapServicesT:
        from mailserver_sim.imap.tls import ServerTls

        tls = ServerTls(self._tls.twisted)
        return kind(self.settings, self.store, self._credentials, self._reporting, tls, self._connections, self._faults)

    def _with_tls(self, services: ImapServicesT, listener: Listener) -> ImapServicesT:
        """Return what the connections of one listener share."""
        from mailserver_sim.imap.tls import ServerTls

        return replace(services, tls=ServerTls(self._tls_of(listener).twisted))

    def _listen_pop3(self, listener: Listener) -> _Port:
        from mailserver_sim.pop3.connection import Pop3Services
        from mailserver_sim.pop3.listening import Pop3Port

        if self._pop3 is None:
            self._pop3 = self._services(Pop3Services)
        return Pop3Port(
            self._with_tls(self._pop3, listener),
            listener.host,
            listener.port,
            implicit_tls=listener.protocol == "pop3s",
        )

    async def _listen_smtp(self, listener: Listener) -> _Port:
        from mailserver_sim.smtp.connection import SmtpServices
        from mailserver_sim.smtp.listening import SmtpPort

        if self._smtp is None:
            self._smtp = SmtpServices(
                self.settings,
                self.store,
                self._credentials,
                self._reporting,
                self._tls.asyncio,
                self._connections,
                self._faults,
            )
        return await SmtpPort.open(replace(self._smtp, tls=self._tls_of(listener).asyncio), listener)

    def _tls_of(self, listener: Listener) -> TlsContexts:
        return self._own_tls.get(listener.protocol, self._tls)

"""The mail server: store, IMAP and SMTP together on the caller's asyncio loop.

Twisted's reactor must be on that loop before ``start`` (``mailserver_sim.reactor.ensure_reactor``).
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import ssl
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from maco_wire.canary import Canary
from maco_wire.observation import Address, CertificateSummary, Record
from mailserver_sim.credentials import Credentials
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.reports import Reporting
from mailserver_sim.settings import Listener, MailServerSettings
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import Quota, Stored

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapServices
    from mailserver_sim.imap.tls import ContextFactory
    from mailserver_sim.smtp.connection import SmtpServices

GOODBYE_S = 0.15
"""How long clients have to take note of BYE when the server stops."""
ABORT_S = 0.2
"""How long aborted connections have to disappear."""


class _Port(Protocol):
    address: Address

    def close(self) -> None:
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
    ) -> None:
        self.settings = settings
        quotas = {account.user: Quota(account.quota_bytes, account.quota_messages) for account in settings.accounts}
        self.store = Store(settings.store, quotas, {user: quota for user, quota in quotas.items() if quota.limits})
        self._imap_tls = imap_tls
        self._smtp_tls = smtp_tls
        self._reporting = Reporting(record, describe_certificate, canaries)
        self._credentials = Credentials(settings.accounts)
        self._ports: dict[str, _Port] = {}
        self._connections = OpenConnections()
        self._imap: ImapServices | None = None
        self._smtp: SmtpServices | None = None

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Return where each protocol really listens."""
        return MappingProxyType({protocol: port.address for protocol, port in self._ports.items()})

    async def start(self) -> None:
        """Open the store and listen. Raises StoreError, ReactorError, OSError; then nothing is left open."""
        loop = asyncio.get_running_loop()
        ensure_reactor(loop)
        await self._open_store(loop)
        try:
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

    async def stop(self) -> None:
        """Close everything and write everything; done within half a second."""
        for port in self._ports.values():
            port.close()
        self._ports = {}
        for connection in self._connections:
            connection.stop()
        if not await self._connections.all_gone(GOODBYE_S):
            for connection in self._connections:
                connection.abort()
            await self._connections.all_gone(ABORT_S)
        await asyncio.get_running_loop().run_in_executor(None, self.store.close)

    async def restart(
        self, settings: MailServerSettings, *, imap_tls: ContextFactory, smtp_tls: ssl.SSLContext
    ) -> None:
        """Stop, and start with other settings where it listened; accounts, store and listeners stay the same.

        Raises what ``start`` raises; then nothing is left open, and it may be restarted again.
        """
        where = self.addresses
        listeners = tuple(
            dataclasses.replace(each, port=where[each.protocol][1]) if each.protocol in where else each
            for each in self.settings.listeners
        )
        await self.stop()
        self.settings = dataclasses.replace(settings, listeners=listeners)
        self._imap_tls, self._smtp_tls = imap_tls, smtp_tls
        self._imap = self._smtp = None
        await self.start()

    async def clear(self) -> None:
        """Drop every connection, every message and every mailbox but the INBOXes; the ports stay open."""
        for connection in self._connections:
            connection.abort()
        await self._connections.all_gone(ABORT_S)
        await self.store.clear()

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
        try:
            if listener.protocol in ("imap", "imaps"):
                return self._listen_imap(listener)
            return await self._listen_smtp(listener)
        except OSError as error:
            error.filename = f"{listener.host}:{listener.port}"  # Twisted and asyncio name it each in its own way
            raise

    def _listen_imap(self, listener: Listener) -> _Port:
        from mailserver_sim.imap.connection import ImapServices
        from mailserver_sim.imap.listening import ImapPort
        from mailserver_sim.imap.tls import ServerTls

        if self._imap is None:
            self._imap = ImapServices(
                self.settings,
                self.store,
                self._credentials,
                self._reporting,
                ServerTls(self._imap_tls),
                self._connections,
            )
        return ImapPort(self._imap, listener.host, listener.port, implicit_tls=listener.protocol == "imaps")

    async def _listen_smtp(self, listener: Listener) -> _Port:
        from mailserver_sim.smtp.connection import SmtpServices
        from mailserver_sim.smtp.listening import SmtpPort

        if self._smtp is None:
            self._smtp = SmtpServices(
                self.settings, self.store, self._credentials, self._reporting, self._smtp_tls, self._connections
            )
        return await SmtpPort.open(self._smtp, listener)

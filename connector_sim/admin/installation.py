"""What is administered: one Cloud Connector that runs, with what its administration knows of it beside.

Everything that a request changes is changed here or in the connector itself; ``restore`` makes it all as it was at the
start.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector_sim.admin.key_pair import Identity, KeyPair
from connector_sim.admin.mapping_book import MappingBook
from connector_sim.admin.sessions import Sessions
from connector_sim.admin.settings import AdminSettings
from connector_sim.admin.subaccount_book import SubaccountBook
from connector_sim.admin.trust_list import TrustList
from connector_sim.admin.users import Users
from connector_sim.on_premise.certificate_signing import CertificateSource, SubaccountCertificate
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode
from connector_sim.on_premise.trust_store import OfferCertificate


@dataclass(frozen=True, slots=True)
class OwnIdentities:
    """The connector's own certificates at the start, and how TLS gets to show another one."""

    system: Identity | None
    ui: Identity
    offer: Callable[[Identity], OfferCertificate]
    """Return what puts an identity into a client's context."""
    ui_context: Callable[[Identity], ssl.SSLContext]
    """Return a server's context that presents an identity."""


class Installation:
    """One connector and its books."""

    def __init__(
        self,
        connector: CloudConnector,
        settings: AdminSettings,
        *,
        certificates: CertificateSource,
        first_certificate: Callable[[str], SubaccountCertificate],
        own: OwnIdentities,
        node: HaNode | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``certificates`` is who signs for subaccounts; ``first_certificate`` is what each has from the start.

        ``own`` is what the connector shows of itself; ``node`` is the part that a connector of a pair plays.
        """
        self.connector = connector
        self.settings = settings
        self.now = clock
        self.node = node
        self.description = ""
        self.stored: dict[str, dict[str, dict[str, Any]]] = {}
        """What is kept and acts on nothing, by subaccount (empty: of the connector) and path."""
        self.changing = asyncio.Lock()
        """Held while something is changed."""
        self.users = Users(settings)
        self.sessions = Sessions(settings.session_s, clock)
        self.subaccounts = SubaccountBook(connector, settings.region_host, certificates, first_certificate)
        self.mappings = MappingBook(connector, clock)
        self.trust = TrustList(connector.trust_store)
        self._own = own
        self._ui_context = own.ui_context(own.ui)
        self.system_certificate = KeyPair("system certificate", own.system, self._offer)
        self.ui_certificate = KeyPair("UI certificate", own.ui, self._present)
        self.ca_certificate = KeyPair("CA certificate", None, lambda _: None)

    @property
    def role(self) -> Role:
        """The part it plays: a connector that is none of a pair is a master."""
        return self.node.role if self.node else "master"

    @property
    def ui_context(self) -> ssl.SSLContext:
        """The server context of the administration, always with the present UI certificate."""
        return self._ui_context

    def _offer(self, identity: Identity | None) -> None:
        """Let back ends see another system certificate, from the next handshake on."""
        self.connector.trust_store.offer(self._own.offer(identity) if identity else None)

    def _present(self, identity: Identity | None) -> None:
        """Let clients of the administration see another certificate, from the next handshake on."""
        if identity:
            self._ui_context = self._own.ui_context(identity)

    def forget(self, subaccount: str) -> None:
        """Forget what was written down of a subaccount that is no more."""
        self.mappings.forget(subaccount)
        self.stored.pop(subaccount, None)

    async def restore(self) -> None:
        """Put everything back to the settings."""
        async with self.changing:
            self.description = ""
            self.stored.clear()
            self.users.restore()
            self.sessions.end_all()
            await self.subaccounts.restore()
            self.mappings.restore()
            self.trust.restore()
            for each in (self.system_certificate, self.ui_certificate, self.ca_certificate):
                each.restore()

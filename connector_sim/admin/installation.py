"""What is administered: one Cloud Connector that runs, with what its administration knows of it beside.

Everything that a request changes is changed here or in the connector itself; ``restore`` makes it all as it was at the
start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

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


class Installation:
    """One connector and its books."""

    def __init__(
        self,
        connector: CloudConnector,
        settings: AdminSettings,
        *,
        certificates: CertificateSource,
        first_certificate: Callable[[str], SubaccountCertificate],
        node: HaNode | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``certificates`` is who signs for subaccounts; ``first_certificate`` is what each has from the start.

        ``node`` is the part that a connector of a pair plays.
        """
        self.connector = connector
        self.settings = settings
        self.now = clock
        self.node = node
        self.description = ""
        self.changing = asyncio.Lock()
        """Held while something is changed."""
        self.users = Users(settings)
        self.sessions = Sessions(settings.session_s, clock)
        self.subaccounts = SubaccountBook(connector, settings.region_host, certificates, first_certificate)
        self.mappings = MappingBook(connector, clock)
        self.trust = TrustList(connector.trust_store)

    @property
    def role(self) -> Role:
        """The part it plays: a connector that is none of a pair is a master."""
        return self.node.role if self.node else "master"

    async def restore(self) -> None:
        """Put everything back to the settings."""
        async with self.changing:
            self.description = ""
            self.users.restore()
            self.sessions.end_all()
            await self.subaccounts.restore()
            self.mappings.restore()
            self.trust.restore()

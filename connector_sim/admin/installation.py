"""What is administered: one Cloud Connector that runs, with what its administration knows of it beside.

Everything that a request changes is changed here or in the connector itself. ``configuration`` is all of it as a value,
``load`` makes it what such a value says, and a store may be told of every change.
"""

from __future__ import annotations

import asyncio
import copy
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from connector_sim.admin import ha_kept
from connector_sim.admin.configuration import Configuration
from connector_sim.admin.configuration_records import CA, SYSTEM, UI, RecordCodec, UnreadableRecords, put_mapping
from connector_sim.admin.keeper import Keeper
from connector_sim.admin.key_pair import Identity, KeyPair
from connector_sim.admin.landscape_certificates import LandscapeCertificates
from connector_sim.admin.mapping_book import KeptMapping, MappingBook
from connector_sim.admin.processor_share import ProcessorShare
from connector_sim.admin.records import Record
from connector_sim.admin.sessions import Sessions
from connector_sim.admin.settings import AdminSettings
from connector_sim.admin.store import Memory, Store, StoreError
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
        landscape: LandscapeCertificates,
        node: HaNode | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``certificates`` is who signs for subaccounts; ``first_certificate`` is what each has from the start.

        ``own`` is what the connector shows of itself; ``landscape`` knows the certificates of its surroundings;
        ``node`` is the part that a connector of a pair plays.
        """
        self.connector = connector
        self.settings = settings
        self.port = settings.port
        """Where the administration listens; the server tells it where the settings leave the choice."""
        self.now = clock
        self.node = node
        self.description = ""
        self.stored: dict[str, dict[str, dict[str, Any]]] = {}
        """What is kept and acts on nothing, by subaccount (empty: of the connector) and path."""
        self.changing = asyncio.Lock()
        """Held while something is changed."""
        self.processor_share = ProcessorShare()
        self.users = Users(settings)
        self.sessions = Sessions(settings.session_s, clock)
        self.subaccounts = SubaccountBook(connector, settings.region_host, certificates, first_certificate)
        self.mappings = MappingBook(connector, clock, put_mapping)
        self.trust = TrustList(connector.trust_store)
        self._own = own
        self._ui_context = own.ui_context(own.ui)
        self.system_certificate = KeyPair("system certificate", own.system, self._offer)
        self.ui_certificate = KeyPair("UI certificate", own.ui, self._present)
        self.ca_certificate = KeyPair("CA certificate", None, lambda _: None)
        self._codec = RecordCodec(landscape, {SYSTEM: own.system, UI: own.ui, CA: None})
        self._keeper = Keeper(Memory(), self._few_records, self.mappings.take_changes)
        self._first = self.configuration()

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

    def configuration(self) -> Configuration:
        """Return everything that is configured now."""
        mappings = {name: tuple(self.mappings.kept(name)) for name in self.subaccounts.names()}
        return self._configuration(mappings)

    def records(self, configuration: Configuration | None = None) -> tuple[Record, ...]:
        """Return the same, or another configuration, as records."""
        return tuple(self._codec.records(configuration or self.configuration()))

    def _few_records(self) -> Iterable[Record]:
        """Return the records of everything but mappings, of which there may be many."""
        return self._codec.records(self._configuration({}))

    def _configuration(self, mappings: dict[str, tuple[KeptMapping, ...]]) -> Configuration:
        return Configuration(
            tuple(self.users.all()),
            self.trust.kept,
            self.system_certificate.kept,
            self.ui_certificate.kept,
            self.ca_certificate.kept,
            self.subaccounts.kept(),
            mappings,
            copy.deepcopy(self.stored),
            self.description,
        )

    def read(self, records: Iterable[Record]) -> Configuration:
        """Return what records say. Raises UnreadableRecords."""
        return self._codec.configuration(records)

    async def begin(self, configuration: Configuration, store: Store, *, dials: bool) -> None:
        """Be what a configuration says, from now on also after ``restore``, and tell ``store`` of every change.

        The store is one that has this configuration already. ``dials`` also tells each tunnel whether it is to be up.
        """
        await self._load(configuration)
        if dials:
            await self._dial(configuration)
        self._first = self.configuration()
        self._keeper = Keeper(store, self._few_records, self.mappings.take_changes)

    async def replace(self, configuration: Configuration) -> None:
        """Begin anew with another configuration, as after a restart: what is open ends, and everybody signs in again.

        To be called while ``changing`` is held. One that cannot be is raised as an error of whatever kind; then the one
        of before is begun anew.
        """
        self.sessions.end_all()
        before = self.configuration()
        try:
            await self._begin_anew(configuration)
        except Exception:
            await self._begin_anew(before)
            raise
        self._keeper.replace(self.records())

    async def _begin_anew(self, configuration: Configuration) -> None:
        await self.subaccounts.load({})
        await self._load(configuration)
        await self._dial(configuration)

    def keep(self) -> asyncio.Future[None]:
        """Hand what has changed to the store; the future is done once it is on the disk, or fails with StoreError.

        To be called while ``changing`` is held; the disk may be waited for without it.
        """
        return self._keeper.keep()

    async def take_back(self) -> None:
        """Be again what the store has, if it could not keep a change: what could not be kept does not act either.

        To be called while ``changing`` is held. Raises StoreError where the store cannot be read; call it again then.
        """
        if not self._keeper.has_failed:
            return
        try:
            configuration = self.read(await self._keeper.take_back())
        except UnreadableRecords as error:
            raise StoreError(str(error)) from error
        await self._load(configuration)
        await self._dial(configuration)
        self._keeper.begin()

    async def restore(self) -> None:
        """Put everything back to what it was at the start; tunnels that are new stay down until told to connect."""
        async with self.changing:
            self.sessions.end_all()
            if self.node:
                self.node.restore()
            await self._load(self._first)

    async def _load(self, configuration: Configuration) -> None:
        self.description = configuration.description
        self.stored.clear()  # others hold it, and read what is in it now
        for subaccount, settings in configuration.stored.items():
            self.stored[subaccount] = {path: dict(values) for path, values in settings.items()}
        if self.node:
            ha_kept.load(self.node, self.stored)
        self.users.load(configuration.users)
        self.trust.load(configuration.trust)
        self.system_certificate.load(configuration.system_certificate)
        self.ui_certificate.load(configuration.ui_certificate)
        self.ca_certificate.load(configuration.ca_certificate)
        await self.subaccounts.load(configuration.subaccounts)
        self.mappings.load(configuration.mappings)

    async def _dial(self, configuration: Configuration) -> None:
        """Tell each tunnel of a master whether it is to be up; nobody waits until it is."""
        if self.role == "master":
            await self.subaccounts.dial(configuration.subaccounts)

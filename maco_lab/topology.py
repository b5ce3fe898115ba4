"""The running landscape: all parties in one process, on one event loop.

The order of starting is that of the real world: the mail server and the cloud side listen first, then the Cloud
Connector dials out, then MaCo polls. Leaving the block ends everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from certs.cast import Cast
from connector_sim.admin.server import Administration
from connector_sim.cloud.service import ConnectivityService
from connector_sim.cloud.tokens import new_signing_key
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode
from maco_client.inbox import Inbox
from maco_client.tenant import Tenant
from maco_lab.administration import build_administration
from maco_lab.canaries import AccountCanaries, all_canaries, plant_canaries
from maco_lab.checking import Wanted, checked
from maco_lab.draining import Draining
from maco_lab.ha_party import HOST, build_node, configured_address
from maco_lab.journal import Journal
from maco_lab.keeping import Keeping, KeptConnector, begin, kept_connector, to_build
from maco_lab.lab_configuration import described_by
from maco_lab.lab_file import LabFile
from maco_lab.lab_model import CloudConnector as CloudConnectorModel
from maco_lab.local_maco import LocalMaco
from maco_lab.maco_api import maco_api
from maco_lab.maco_keeping import kept_maco
from maco_lab.maco_side import MacoSide
from maco_lab.names import OnPremiseNames
from maco_lab.parties import (
    TUNNEL_HOST,
    CloudAddresses,
    LabTokens,
    OpenBackEnds,
    Reporting,
    build_connectivity,
    build_connector,
    build_reach,
    build_tenant,
    build_token_source,
    connectivity_settings,
    token_service_uses_tls,
    tunnel_session_settings,
)
from maco_lab.pki import LabPki
from maco_lab.samples import sample_mail
from maco_lab.state import StateFolder
from maco_lab.taps.taps import TappedBackEndOpener, Taps, tapping
from maco_wire.observation import Address
from mailserver_sim.server import MailServer

FIRST_TUNNEL_S = 5.0
"""How long the start waits for the connectors' first attempt; a slower one goes on in the background."""


@dataclass(frozen=True, slots=True)
class RunningLab:
    """The parties of a running lab, and where they listen."""

    file: LabFile
    journal: Journal
    pki: LabPki
    mail_server: MailServer
    cloud: ConnectivityService
    connectors: Mapping[str, CloudConnector]
    maco: MacoSide
    tenant: Tenant
    inbox: Inbox
    canaries: tuple[AccountCanaries, ...]
    names: OnPremiseNames
    tokens: LabTokens
    """Where MaCo has its tokens from."""
    taps: Taps | None = None
    maco_api: Address | None = None
    """Where MaCo's API is; None if the lab file switches it off."""
    nodes: Mapping[str, HaNode] = field(default_factory=dict)
    """The part that a Cloud Connector of a pair plays, master or shadow, by its name."""
    administrations: Mapping[str, Administration] = field(default_factory=dict)
    """The administration of each Cloud Connector that has one, by its name."""

    @property
    def addresses(self) -> dict[str, Address]:
        """Every listener by protocol."""
        return {
            "socks5": self.cloud.socks5_address,
            "token": self.cloud.token_address,
            "tunnel": self.cloud.tunnel_address,
            **self.mail_server.addresses,
        }

    async def token(self) -> str:
        """Return the token that MaCo was given last, even if it was refused since."""
        return self.tokens.last

    @property
    def administered_at(self) -> dict[str, Address]:
        """Where each Cloud Connector is administered, by its name."""
        return {name: each.address for name, each in self.administrations.items()}

    async def described(self) -> dict[str, dict[str, Any]]:
        """Return what the administration of Cloud Connectors has made of them, as keys of a lab file, by name."""
        return {
            described.name: described_by(served.installation.configuration(), described, self.pki)
            for described in self.file.model.cloud_connectors
            if (served := self.administrations.get(described.name))
        }

    async def check(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Check whether Cloud Connectors reach what their mappings lead to; shadows check nothing."""
        shadows = {name for name, node in self.nodes.items() if node.role == "shadow"}
        masters = [each for name, each in self.connectors.items() if name not in shadows]
        return [found for each in masters for found in await checked(each, wanted)]

    async def seed_mail(self) -> None:
        """Deliver one sample mail with a canary to every mailbox."""
        now = dt.datetime.now(dt.UTC)
        for account in self.canaries:
            mail = sample_mail(account.user, now=now, canary=account.mail_line.value)
            await self.mail_server.deliver(account.user, mail)


@contextlib.asynccontextmanager
async def running_lab(
    file: LabFile,
    state: StateFolder,
    journal: Journal,
    *,
    free_ports: bool = False,
    certificates: Path | None = None,
    cast: Cast | None = None,
    make_signing_key: Callable[[], RSAKey] = new_signing_key,
    draining: Draining | None = None,
    tapped: bool = False,
    keeping: Keeping | None = None,
) -> AsyncIterator[RunningLab]:
    """Start every party of a lab file; with ``free_ports`` each takes a port that is free.

    ``certificates`` is a folder that keeps the certificates, ``cast`` has them ready; without either they are made
    anew, in memory. ``make_signing_key`` is called in a thread. Without ``draining`` the end cuts what runs.
    ``tapped`` puts a tap into each hop, and lets the parties log their TLS keys. ``keeping`` is where the
    configuration of the Cloud Connectors is kept, MaCo's is beside it; without it they begin with the lab file, always.

    Raises OSError naming the address when one is in use, and what building the parties raises.
    """
    signing_key = asyncio.get_running_loop().run_in_executor(None, make_signing_key)
    pki = LabPki(file.folder, cast) if cast else _pki(file, certificates)
    planted = tuple(plant_canaries(file.model))
    async with contextlib.AsyncExitStack() as parties:
        taps = await parties.enter_async_context(tapping()) if tapped else None
        pki.key_files = taps.keys if taps else None
        record = taps.recording(journal.record) if taps else journal.record
        reporting = Reporting(record, all_canaries(list(planted)), state.folder)
        start = _Start(parties, file, state, pki, reporting, taps, free_ports, keeping)
        lab = await _started(start, journal, planted, signing_key)
        try:
            yield lab
        finally:
            if draining:
                await _drain(lab, draining)


@dataclass(frozen=True, slots=True)
class _Start:
    """What every party is started with; ``parties`` holds those that run."""

    parties: contextlib.AsyncExitStack
    file: LabFile
    state: StateFolder
    pki: LabPki
    reporting: Reporting
    taps: Taps | None
    free_ports: bool
    keeping: Keeping | None


async def _started(
    start: _Start, journal: Journal, planted: tuple[AccountCanaries, ...], signing_key: Awaitable[RSAKey]
) -> RunningLab:
    """Start everything in its order."""
    mail_server, moved = await _start_mail_server(start)
    cloud = await _start_cloud(start, await signing_key)
    names = OnPremiseNames(start.file.model.hosts, moved, start.file.model.firewall)
    addresses = _cloud_addresses(cloud, start.taps)
    kept = await _open_kept(start)
    on_premise = _OnPremise(addresses, names, _open_back_ends(start.taps), kept)
    connectors, nodes = await _start_connectors(start, on_premise)
    administrations = await _start_administrations(start, connectors, nodes, kept)
    written, file = start.file.model.maco, start.state.maco_configuration
    maco_kept = await start.parties.enter_async_context(kept_maco(start.keeping, file, written, start.pki))
    inbox = start.parties.enter_context(contextlib.closing(Inbox(start.state.inbox)))
    tokens = build_token_source(start.file.model, addresses, start.pki)
    reach = build_reach(addresses, start.reporting, tokens)
    tenant = build_tenant(start.file.model, start.pki, inbox, reach, maco_kept)
    maco = MacoSide(LocalMaco(tenant, written, start.pki))
    start.parties.push_async_callback(maco.aclose)
    keys, port = written.api, 0 if start.free_ports else None
    api = await start.parties.enter_async_context(maco_api(keys, tenant, inbox, reach, port=port))
    await _first_attempts(connectors, nodes)
    return RunningLab(
        start.file,
        journal,
        start.pki,
        mail_server,
        cloud,
        {connector.settings.name: connector for connector in connectors},
        maco,
        tenant,
        inbox,
        planted,
        names,
        tokens,
        start.taps,
        api,
        nodes,
        administrations,
    )


async def _drain(lab: RunningLab, draining: Draining) -> None:
    """Let the connections of others finish."""
    tunnels = [(each.drain, each.settings.tunnel.drain_s) for each in lab.connectors.values()]
    await draining.run((lab.cloud.drain, lab.cloud.settings.tunnel.drain_s), *tunnels)


async def _start_cloud(start: _Start, signing_key: RSAKey) -> ConnectivityService:
    model = start.file.model
    cloud = build_connectivity(
        connectivity_settings(model, free_ports=start.free_ports),
        start.pki,
        signing_key,
        start.reporting,
        over_tls=token_service_uses_tls(model.cloud),
        session=tunnel_session_settings(model.cloud),
    )
    await start.parties.enter_async_context(cloud.running())
    return cloud


def _open_back_ends(taps: Taps | None) -> OpenBackEnds:
    return functools.partial(TappedBackEndOpener, taps) if taps else BackEndOpener


def _cloud_addresses(cloud: ConnectivityService, taps: Taps | None) -> CloudAddresses:
    """Return where MaCo and the Cloud Connectors dial."""
    socks5, tunnel = cloud.socks5_address, cloud.tunnel_address
    if taps is not None:
        socks5 = taps.before("cloud network", socks5).address
        tunnel = taps.before("tunnel", tunnel).address
    return CloudAddresses(socks5, cloud.token_url, tunnel)


def _pki(file: LabFile, certificates: Path | None) -> LabPki:
    mail_host = file.model.mail_server.host_name
    if certificates is None:
        return LabPki.in_memory(file.folder, mail_host=mail_host, tunnel_host=TUNNEL_HOST)
    return LabPki.kept(file.folder, certificates, mail_host=mail_host, tunnel_host=TUNNEL_HOST)


async def _start_mail_server(start: _Start) -> tuple[MailServer, dict[Address, Address]]:
    """Start the mail server; return it, and where each address of the lab file has really gone."""
    from maco_lab.mail_party import build_mail_server

    mail_server, configured = build_mail_server(
        start.file, start.state, start.pki, start.reporting, free_ports=start.free_ports
    )
    start.parties.push_async_callback(mail_server.stop)
    await mail_server.start()
    moved = {address: mail_server.addresses[protocol] for protocol, address in configured.items()}
    return mail_server, moved


@dataclass(frozen=True, slots=True)
class _OnPremise:
    """What every Cloud Connector is built with besides."""

    cloud: CloudAddresses
    names: OnPremiseNames
    open_back_ends: OpenBackEnds
    kept: Mapping[str, KeptConnector | None]
    """What is kept of each Cloud Connector, by name."""


async def _open_kept(start: _Start) -> dict[str, KeptConnector | None]:
    model = start.file.model
    return {
        described.name: await start.parties.enter_async_context(kept_connector(start.keeping, model, described))
        for described in model.cloud_connectors
    }


async def _start_connectors(start: _Start, given: _OnPremise) -> tuple[list[CloudConnector], dict[str, HaNode]]:
    """Start each Cloud Connector, and behind it its shadow if it has one."""
    connectors: list[CloudConnector] = []
    nodes: dict[str, HaNode] = {}
    for described in start.file.model.cloud_connectors:
        if described.high_availability is None:
            connector = build_connector(
                to_build(given.kept[described.name], described),
                given.cloud,
                given.names,
                start.pki,
                start.reporting,
                open_back_ends=given.open_back_ends,
            )
            await start.parties.enter_async_context(connector.running())
            connectors.append(connector)
            continue
        for node in _pair(described, start, given):
            await start.parties.enter_async_context(node.running())
            connectors.append(node.connector)
            nodes[node.name] = node
    return connectors, nodes


async def _start_administrations(
    start: _Start,
    connectors: list[CloudConnector],
    nodes: Mapping[str, HaNode],
    kept: Mapping[str, KeptConnector | None],
) -> dict[str, Administration]:
    """Serve the administration of each Cloud Connector that has one; of a pair, of the one that begins as master."""
    by_name = {each.settings.name: each for each in connectors}
    administrations: dict[str, Administration] = {}
    for described in start.file.model.cloud_connectors:
        if keys := start.file.model.administration_of(described):
            port = 0 if start.free_ports else None
            node = nodes.get(described.name)
            served = build_administration(described, keys, by_name[described.name], start.pki, port=port, node=node)
            start.parties.callback(served.close)
            await begin(served.installation, described, kept[described.name])
            await start.parties.enter_async_context(served.running())
            administrations[described.name] = served
    return administrations


def _pair(described: CloudConnectorModel, start: _Start, given: _OnPremise) -> tuple[HaNode, HaNode]:
    installation_id = uuid.uuid4().hex

    def one(role: Role, peer: Address | None) -> HaNode:
        return build_node(
            to_build(given.kept[described.name], described) if role == "master" else described,
            role,
            given.cloud,
            given.names,
            start.pki,
            start.reporting,
            installation_id=installation_id,
            address=(HOST, 0) if start.free_ports else configured_address(described, role),
            peer=peer,
            open_back_ends=given.open_back_ends,
        )

    master = one("master", None)
    try:
        shadow = one("shadow", master.address)
    except OSError:
        master.close()
        raise
    return master, shadow


async def _first_attempts(connectors: list[CloudConnector], nodes: Mapping[str, HaNode]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_TUNNEL_S), asyncio.TaskGroup() as tasks:
            for connector in connectors:
                if connector.settings.name not in nodes:
                    tasks.create_task(connector.tried())
            for node in nodes.values():
                tasks.create_task(_settled(node))


async def _settled(node: HaNode) -> None:
    await node.settled.wait()

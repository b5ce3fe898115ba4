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
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
from maco_lab.administration import build_administration
from maco_lab.canaries import AccountCanaries, all_canaries, plant_canaries
from maco_lab.draining import Draining
from maco_lab.ha_party import HOST, build_node, configured_address
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_model import CloudConnector as CloudConnectorModel
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
    build_pollers,
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
    inbox: Inbox
    canaries: tuple[AccountCanaries, ...]
    names: OnPremiseNames
    tokens: LabTokens
    """Where MaCo has its tokens from."""
    taps: Taps | None = None
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

    @property
    def administered_at(self) -> dict[str, Address]:
        """Where each Cloud Connector is administered, by its name."""
        return {name: each.address for name, each in self.administrations.items()}

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
) -> AsyncIterator[RunningLab]:
    """Start every party of a lab file; with ``free_ports`` each takes a port that is free.

    ``certificates`` is a folder that keeps the certificates, ``cast`` has them ready; without either they are made
    anew, in memory. ``make_signing_key`` is called in a thread. Without ``draining`` the end cuts what runs.
    ``tapped`` puts a tap into each hop, and lets the parties log their TLS keys.

    Raises OSError naming the address when one is in use, and what building the parties raises.
    """
    signing_key = asyncio.get_running_loop().run_in_executor(None, make_signing_key)
    pki = LabPki(file.folder, cast) if cast else _pki(file, certificates)
    planted = plant_canaries(file.model)
    async with contextlib.AsyncExitStack() as parties:
        taps = await parties.enter_async_context(tapping()) if tapped else None
        pki.key_files = taps.keys if taps else None
        reporting = Reporting(taps.recording(journal.record) if taps else journal.record, all_canaries(planted))
        mail_server, moved = await _start_mail_server(parties, file, state, pki, reporting, free_ports=free_ports)
        settings = connectivity_settings(file.model, free_ports=free_ports)
        cloud = build_connectivity(
            settings,
            pki,
            await signing_key,
            reporting,
            over_tls=token_service_uses_tls(file.model.cloud),
            session=tunnel_session_settings(file.model.cloud),
        )
        await parties.enter_async_context(cloud.running())
        addresses = _cloud_addresses(cloud, taps)
        names = OnPremiseNames(file.model.hosts, moved)
        open_back_ends = functools.partial(TappedBackEndOpener, taps) if taps else BackEndOpener
        connectors, nodes = await _start_connectors(
            parties, file, _OnPremise(addresses, names, pki, reporting, open_back_ends), free_ports=free_ports
        )
        administrations = await _start_administrations(parties, file, connectors, nodes, pki, free_ports=free_ports)
        inbox = parties.enter_context(contextlib.closing(Inbox(state.inbox)))
        tokens = build_token_source(file.model, addresses, pki)
        pollers = build_pollers(file.model, addresses, pki, inbox, reporting, tokens)
        maco = MacoSide(pollers, every_s=file.model.maco.poll_every_s)
        await _first_attempts(connectors, nodes)
        by_name = {connector.settings.name: connector for connector in connectors}
        try:
            yield RunningLab(
                file,
                journal,
                pki,
                mail_server,
                cloud,
                by_name,
                maco,
                inbox,
                tuple(planted),
                names,
                tokens,
                taps,
                nodes,
                administrations,
            )
        finally:
            if draining:
                tunnels = [(each.drain, each.settings.tunnel.drain_s) for each in connectors]
                await draining.run((cloud.drain, settings.tunnel.drain_s), *tunnels)


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


async def _start_mail_server(
    parties: contextlib.AsyncExitStack,
    file: LabFile,
    state: StateFolder,
    pki: LabPki,
    reporting: Reporting,
    *,
    free_ports: bool,
) -> tuple[MailServer, dict[Address, Address]]:
    """Start the mail server; return it, and where each address of the lab file has really gone."""
    from maco_lab.mail_party import build_mail_server

    mail_server, configured = build_mail_server(file, state, pki, reporting, free_ports=free_ports)
    parties.push_async_callback(mail_server.stop)
    await mail_server.start()
    moved = {address: mail_server.addresses[protocol] for protocol, address in configured.items()}
    return mail_server, moved


@dataclass(frozen=True, slots=True)
class _OnPremise:
    """What every Cloud Connector is built with."""

    cloud: CloudAddresses
    names: OnPremiseNames
    pki: LabPki
    reporting: Reporting
    open_back_ends: OpenBackEnds


async def _start_connectors(
    parties: contextlib.AsyncExitStack, file: LabFile, given: _OnPremise, *, free_ports: bool
) -> tuple[list[CloudConnector], dict[str, HaNode]]:
    """Start each Cloud Connector, and behind it its shadow if it has one."""
    connectors: list[CloudConnector] = []
    nodes: dict[str, HaNode] = {}
    for described in file.model.cloud_connectors:
        if described.high_availability is None:
            connector = build_connector(
                described,
                given.cloud,
                given.names,
                given.pki,
                given.reporting,
                open_back_ends=given.open_back_ends,
            )
            await parties.enter_async_context(connector.running())
            connectors.append(connector)
            continue
        for node in _pair(described, given, free_ports=free_ports):
            await parties.enter_async_context(node.running())
            connectors.append(node.connector)
            nodes[node.name] = node
    return connectors, nodes


async def _start_administrations(
    parties: contextlib.AsyncExitStack,
    file: LabFile,
    connectors: list[CloudConnector],
    nodes: Mapping[str, HaNode],
    pki: LabPki,
    *,
    free_ports: bool,
) -> dict[str, Administration]:
    """Serve the administration of each Cloud Connector that has one; of a pair, of the one that begins as master."""
    by_name = {each.settings.name: each for each in connectors}
    administrations: dict[str, Administration] = {}
    for described in file.model.cloud_connectors:
        if keys := file.model.administration_of(described):
            port = 0 if free_ports else None
            node = nodes.get(described.name)
            served = build_administration(keys, by_name[described.name], pki, port=port, node=node)
            await parties.enter_async_context(served.running())
            administrations[described.name] = served
    return administrations


def _pair(described: CloudConnectorModel, given: _OnPremise, *, free_ports: bool) -> tuple[HaNode, HaNode]:
    installation_id = uuid.uuid4().hex

    def one(role: Role, peer: Address | None) -> HaNode:
        return build_node(
            described,
            role,
            given.cloud,
            given.names,
            given.pki,
            given.reporting,
            installation_id=installation_id,
            address=(HOST, 0) if free_ports else configured_address(described, role),
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

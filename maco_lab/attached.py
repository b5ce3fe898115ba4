"""A party as a child of ``maco-lab up --isolate``: told by its parent what to be, and gone when the parent is gone.

Requests come in on standard input, observations and answers go out on standard output, each a line of JSON. Its one
rule: the end of standard input ends the party, whatever it is doing; so none outlives a parent that was killed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from certs.files import read_cast
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode
from maco_client.configuration import UnknownEntry
from maco_lab import lab_model
from maco_lab.attached_channel import Channel, Orders
from maco_lab.canaries import all_canaries, plant_canaries
from maco_lab.checking import Wanted, checked
from maco_lab.ha_party import build_node, configured_address
from maco_lab.keeping import Keeping, KeptConnector, begin, kept_connector, to_build
from maco_lab.lab_configuration import described_by
from maco_lab.lab_file import LabFileError
from maco_lab.local_maco import LocalMaco
from maco_lab.maco_keeping import kept_maco
from maco_lab.maco_section import as_data
from maco_lab.names import OnPremiseNames
from maco_lab.parties import (
    CloudAddresses,
    OpenBackEnds,
    Reporting,
    build_connectivity,
    build_connector,
    build_reach,
    build_tenant,
    build_token_source,
    configured_cloud_addresses,
    connectivity_settings,
    token_service_uses_tls,
    tunnel_session_settings,
)
from maco_lab.party_settings import PartySettings
from maco_lab.pki import LabPki
from maco_lab.runner import CANNOT_START, EXIT_CANNOT_START, reason_of, run_lab
from maco_lab.state import StateFolder
from maco_lab.taps.key_files import KeyFiles
from maco_lab.taps.remote import RemotelyTappedBackEndOpener
from maco_net.background import in_background
from maco_wire.observation import Address, Record

FIRST_TUNNEL_S = 5.0

PartyKind: TypeAlias = Literal["cloud", "on-premise", "mail-server", "maco"]
Handler: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Serving:
    """A party that runs: where it listens, and which requests it answers."""

    addresses: Mapping[str, Address] = field(default_factory=dict)
    requests: Mapping[str, Handler] = field(default_factory=dict)


_log = logging.getLogger(__name__)

Begin: TypeAlias = Callable[[PartySettings, Channel], AbstractAsyncContextManager[Serving]]


def run_attached(kind: PartyKind, *, verbose: bool) -> int:
    """Serve the parent until it ends; return the exit code."""
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    channel = Channel()
    if kind == "mail-server":
        import maco_lab.mail_party  # noqa: F401 - takes its time, so before the parent is told that we are here
    return run_lab(_serve(channel, _BEGIN[kind]))


async def _serve(channel: Channel, begin: Begin) -> int:
    orders = Orders(channel)
    try:
        async with in_background(orders.listen()):
            channel.send({"hello": os.getpid()})
            return await _be_party(channel, orders, begin)
    except asyncio.CancelledError:
        if not orders.ended:
            raise
    return 0


async def _be_party(channel: Channel, orders: Orders, begin: Begin) -> int:
    start = await orders.next()
    try:
        async with begin(PartySettings.from_message(start), channel) as serving:
            channel.send({"answer": start["id"], "addresses": dict(serving.addresses)})
            async with asyncio.TaskGroup() as tasks:
                while True:
                    request = await orders.next()
                    tasks.create_task(_answer(channel, request, serving.requests[request["command"]]))
    except (*CANNOT_START, LabFileError) as error:
        channel.send({"answer": start["id"], "error": reason_of(error)})
        return EXIT_CANNOT_START


async def _answer(channel: Channel, request: Mapping[str, Any], handler: Handler) -> None:
    channel.send({"answer": request["id"]} | await handler(request))


def _drain(drain: Callable[[float], Awaitable[bool]], limit_s: float) -> Handler:
    """Return what answers "drain": once nothing runs in this party any more, or the limit has passed."""

    async def handle(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"drained": await drain(limit_s)}

    return handle


def _check(connector: CloudConnector, node: HaNode | None = None) -> Handler:
    """Return what answers "check"; a shadow checks nothing."""

    async def handle(request: Mapping[str, Any]) -> dict[str, Any]:
        if node is not None and node.role == "shadow":
            return {"checks": []}
        return {"checks": await checked(connector, Wanted(request["mapping"]))}

    return handle


def _pki(settings: PartySettings) -> LabPki:
    """Return the certificates that the parent has made; none is ever replaced while the lab runs."""
    pki = LabPki(settings.file.folder, read_cast(settings.certificates))
    if settings.key_folder:
        pki.key_files = KeyFiles(Path(settings.key_folder), create=False)
    return pki


def _cloud(settings: PartySettings) -> CloudAddresses:
    """Return where this party dials the cloud side: at the taps before it, if there are any."""
    cloud = configured_cloud_addresses(settings.file.model.cloud)
    socks5, tunnel = settings.dials.get("socks5", cloud.socks5), settings.dials.get("tunnel", cloud.tunnel)
    return replace(cloud, socks5=socks5, tunnel=tunnel)


def _open_back_ends(settings: PartySettings, channel: Channel) -> OpenBackEnds:
    """Return what makes the opener of back ends: through the parent's taps, if there are any."""
    return functools.partial(RemotelyTappedBackEndOpener, channel.ask) if settings.key_folder else BackEndOpener


def _reporting(settings: PartySettings, record: Record) -> Reporting:
    canaries = all_canaries(plant_canaries(settings.file.model, settings.canary_lines))
    return Reporting(record, canaries, settings.state)


@contextlib.asynccontextmanager
async def _begin_cloud(settings: PartySettings, channel: Channel) -> AsyncIterator[Serving]:
    from joserfc.jwk import RSAKey

    model = settings.file.model
    service = build_connectivity(
        connectivity_settings(model, free_ports=False),
        _pki(settings),
        RSAKey.import_key(dict(settings.signing_key)),
        _reporting(settings, channel.record),
        over_tls=token_service_uses_tls(model.cloud),
        session=tunnel_session_settings(model.cloud),
    )
    async with service.running():
        yield Serving(
            {"socks5": service.socks5_address, "token": service.token_address, "tunnel": service.tunnel_address},
            {"drain": _drain(service.drain, model.cloud.drain_s)},
        )


@contextlib.asynccontextmanager
async def _begin_connector(settings: PartySettings, channel: Channel) -> AsyncIterator[Serving]:
    model = settings.file.model
    described = next(each for each in model.cloud_connectors if each.name == settings.connector)
    keeps = settings.keeps and settings.role != "shadow"
    keeping = Keeping(StateFolder(settings.state).configuration, _log.error) if keeps else None
    run = _one_of_a_pair if settings.role else _alone
    async with (
        kept_connector(keeping, model, described) as kept,
        run(settings, described, channel, kept) as serving,
    ):
        yield serving


@contextlib.asynccontextmanager
async def _alone(
    settings: PartySettings, described: lab_model.CloudConnector, channel: Channel, kept: KeptConnector | None
) -> AsyncIterator[Serving]:
    """Run a connector that is none of a pair."""
    connector = build_connector(
        to_build(kept, described),
        _cloud(settings),
        OnPremiseNames(settings.file.model.hosts, {}, settings.file.model.firewall),
        _pki(settings),
        _reporting(settings, channel.record),
        installation_id=settings.installation_id,
        open_back_ends=_open_back_ends(settings, channel),
    )

    async def connect(_: Mapping[str, Any]) -> dict[str, Any]:
        for tunnel in connector.tunnels.values():
            if tunnel.is_wanted:
                tunnel.connect()
        return {}

    async with connector.running(), _administered(settings, described, connector, kept) as administered:
        with contextlib.suppress(TimeoutError):  # a slower one goes on in the background
            async with asyncio.timeout(FIRST_TUNNEL_S):
                await connector.tried()
        drain = _drain(connector.drain, described.drain_s)
        requests = {"connect": connect, "drain": drain, "check": _check(connector), **administered.requests}
        yield Serving(administered.addresses, requests)


@contextlib.asynccontextmanager
async def _administered(
    settings: PartySettings,
    described: lab_model.CloudConnector,
    connector: CloudConnector,
    kept: KeptConnector | None,
    node: HaNode | None = None,
) -> AsyncIterator[Serving]:
    """Serve the administration of a connector, if it has one, and yield where, and what it answers to the parent."""
    from maco_lab.administration import build_administration

    keys = settings.file.model.administration_of(described)
    if keys is None:
        yield Serving()
        return
    pki = _pki(settings)
    port = settings.ports.get("administration")
    administration = build_administration(described, keys, connector, pki, port=port, node=node)

    async def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"keys": described_by(administration.installation.configuration(), described, pki)}

    with contextlib.closing(administration):
        await begin(administration.installation, described, kept)
        async with administration.running():
            yield Serving({"administration": administration.address}, {"described": answer})


@contextlib.asynccontextmanager
async def _one_of_a_pair(
    settings: PartySettings, described: lab_model.CloudConnector, channel: Channel, kept: KeptConnector | None
) -> AsyncIterator[Serving]:
    model = settings.file.model
    role: Role = "master" if settings.role == "master" else "shadow"
    node = build_node(
        to_build(kept, described),
        role,
        _cloud(settings),
        OnPremiseNames(model.hosts, {}, model.firewall),
        _pki(settings),
        _reporting(settings, channel.record),
        installation_id=settings.installation_id,
        open_back_ends=_open_back_ends(settings, channel),
        address=settings.address or configured_address(described, role),
        peer=settings.peer,
    )

    async def connect(_: Mapping[str, Any]) -> dict[str, Any]:
        if node.role == "master":
            for tunnel in node.connector.tunnels.values():
                tunnel.connect()
        return {}

    async with contextlib.AsyncExitStack() as serving:
        await serving.enter_async_context(node.running())
        administered = Serving()
        if role == "master":
            administered = await serving.enter_async_context(
                _administered(settings, described, node.connector, kept, node)
            )
        with contextlib.suppress(TimeoutError):  # a slower one goes on in the background
            async with asyncio.timeout(FIRST_TUNNEL_S):
                await node.settled.wait()
        drain = _drain(node.connector.drain, described.drain_s)
        check = _check(node.connector, node)
        requests = {"connect": connect, "drain": drain, "check": check, **administered.requests}
        yield Serving({"ha": node.address, **administered.addresses}, requests)


@contextlib.asynccontextmanager
async def _begin_mail_server(settings: PartySettings, channel: Channel) -> AsyncIterator[Serving]:
    from maco_lab.mail_party import build_mail_server

    state = StateFolder(settings.state)
    server, _ = build_mail_server(
        settings.file, state, _pki(settings), _reporting(settings, channel.record), free_ports=False
    )

    async def deliver(request: Mapping[str, Any]) -> dict[str, Any]:
        return {"uid": await server.deliver(request["user"], base64.b64decode(request["mail"]))}

    await server.start()
    try:
        yield Serving(server.addresses, {"deliver": deliver})
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def _begin_maco(settings: PartySettings, channel: Channel) -> AsyncIterator[Serving]:
    from maco_client.inbox import Inbox
    from maco_lab.maco_api import maco_api

    model, state = settings.file.model, StateFolder(settings.state)
    pki, cloud, file = _pki(settings), _cloud(settings), state.maco_configuration
    keeping = Keeping(file, _log.error) if settings.keeps else None
    async with contextlib.AsyncExitStack() as parts:
        kept = await parts.enter_async_context(kept_maco(keeping, file, model.maco, pki))
        inbox = parts.enter_context(contextlib.closing(Inbox(state.inbox)))
        tokens = build_token_source(model, cloud, pki)
        reach = build_reach(cloud, _reporting(settings, channel.record), tokens)
        tenant = build_tenant(model, pki, inbox, reach, kept)
        maco = LocalMaco(tenant, model.maco, pki)
        if kept:  # the parent knows the lab file
            await channel.ask("configured", section=as_data(maco.section))

        async def poll(request: Mapping[str, Any]) -> dict[str, Any]:
            try:
                return {"result": asdict(await maco.poll(request["connection"]))}
            except UnknownEntry:
                return {}

        async def token(_: Mapping[str, Any]) -> dict[str, Any]:
            return {"token": tokens.last}

        async with (
            contextlib.aclosing(maco),
            maco_api(model.maco.api, tenant, inbox, reach, port=settings.ports.get("maco_api")) as api,
            in_background(_tell_configuration(maco, channel)),
        ):
            yield Serving({"maco_api": api} if api else {}, {"poll": poll, "token": token})


async def _tell_configuration(maco: LocalMaco, channel: Channel) -> None:
    """Tell the parent what is configured, each time that it has changed."""
    told = maco.tenant.configuration
    while True:
        if maco.tenant.configuration is told:
            await maco.changed()
        told = maco.tenant.configuration
        await channel.ask("configured", section=as_data(maco.section))


_BEGIN: Mapping[PartyKind, Begin] = {
    "cloud": _begin_cloud,
    "on-premise": _begin_connector,
    "mail-server": _begin_mail_server,
    "maco": _begin_maco,
}

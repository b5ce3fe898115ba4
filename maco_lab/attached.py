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
from maco_lab import lab_model
from maco_lab.attached_channel import Channel, Orders
from maco_lab.canaries import all_canaries, plant_canaries
from maco_lab.ha_party import build_node, configured_address
from maco_lab.lab_file import LabFileError
from maco_lab.names import OnPremiseNames
from maco_lab.parties import (
    CloudAddresses,
    OpenBackEnds,
    Reporting,
    build_connectivity,
    build_connector,
    build_pollers,
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
    return Reporting(record, all_canaries(plant_canaries(settings.file.model, settings.canary_lines)))


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
    if settings.role:
        async with _one_of_a_pair(settings, described, channel) as serving:
            yield serving
        return
    connector = build_connector(
        described,
        _cloud(settings),
        OnPremiseNames(model.hosts, {}),
        _pki(settings),
        _reporting(settings, channel.record),
        installation_id=settings.installation_id,
        open_back_ends=_open_back_ends(settings, channel),
    )

    async def connect(_: Mapping[str, Any]) -> dict[str, Any]:
        for tunnel in connector.tunnels.values():
            tunnel.connect()
        return {}

    async with connector.running(), _administered(settings, described, connector) as addresses:
        with contextlib.suppress(TimeoutError):  # a slower one goes on in the background
            async with asyncio.timeout(FIRST_TUNNEL_S):
                await connector.tried()
        yield Serving(addresses, {"connect": connect, "drain": _drain(connector.drain, described.drain_s)})


@contextlib.asynccontextmanager
async def _administered(
    settings: PartySettings, described: lab_model.CloudConnector, connector: CloudConnector, node: HaNode | None = None
) -> AsyncIterator[dict[str, Address]]:
    """Serve the administration of a connector, if it has one, and yield where."""
    from maco_lab.administration import build_administration

    keys = settings.file.model.administration_of(described)
    if keys is None:
        yield {}
        return
    port = settings.ports.get("administration")
    administration = build_administration(keys, connector, _pki(settings), port=port, node=node)
    async with administration.running():
        yield {"administration": administration.address}


@contextlib.asynccontextmanager
async def _one_of_a_pair(
    settings: PartySettings, described: lab_model.CloudConnector, channel: Channel
) -> AsyncIterator[Serving]:
    model = settings.file.model
    role: Role = "master" if settings.role == "master" else "shadow"
    node = build_node(
        described,
        role,
        _cloud(settings),
        OnPremiseNames(model.hosts, {}),
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
        addresses = {"ha": node.address}
        if role == "master":
            addresses |= await serving.enter_async_context(_administered(settings, described, node.connector, node))
        with contextlib.suppress(TimeoutError):  # a slower one goes on in the background
            async with asyncio.timeout(FIRST_TUNNEL_S):
                await node.settled.wait()
        drain = _drain(node.connector.drain, described.drain_s)
        yield Serving(addresses, {"connect": connect, "drain": drain})


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

    model = settings.file.model
    with contextlib.closing(Inbox(StateFolder(settings.state).inbox)) as inbox:
        pki, cloud = _pki(settings), _cloud(settings)
        tokens = build_token_source(model, cloud, pki)
        pollers = build_pollers(model, cloud, pki, inbox, _reporting(settings, channel.record), tokens)

        async def poll(request: Mapping[str, Any]) -> dict[str, Any]:
            return {"result": asdict(await pollers[request["connection"]].poll())}

        async def token(_: Mapping[str, Any]) -> dict[str, Any]:
            return {"token": tokens.last}

        yield Serving(requests={"poll": poll, "token": token})


_BEGIN: Mapping[PartyKind, Begin] = {
    "cloud": _begin_cloud,
    "on-premise": _begin_connector,
    "mail-server": _begin_mail_server,
    "maco": _begin_maco,
}

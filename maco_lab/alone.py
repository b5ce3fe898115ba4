"""One party in a process of its own; ``python -m connector_sim``, ``mailserver_sim`` and ``maco_client`` end up here.

All read the same lab file. They share certificates through the state folder (the first one to start makes them) and
find each other at the addresses of the lab file. What a party observes goes to standard output as JSON lines, what a
person wants to know to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

import connector_sim.on_premise.connector as on_premise_connector
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode
from maco_client.results import PollResult
from maco_lab.attached import PartyKind, run_attached
from maco_lab.canaries import plant_canaries
from maco_lab.draining import Draining, told_to_stop
from maco_lab.ha_party import build_node, configured_address
from maco_lab.journal import Entry, Journal
from maco_lab.lab_file import LabFile, LabFileError, find_lab_file
from maco_lab.lab_model import CloudConnector
from maco_lab.names import OnPremiseNames
from maco_lab.parties import (
    TUNNEL_HOST,
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
from maco_lab.pki import LabPki
from maco_lab.runner import run_lab
from maco_lab.state import DEFAULT_FOLDER, StateError, StateFolder

LabOption = Annotated[
    Path | None, typer.Option("--lab", help="The lab file; without it ./lab.yaml or the built-in one.")
]
StateOption = Annotated[Path, typer.Option("--state", help="Where certificates, mails and the inbox are kept.")]

AttachedOption = Annotated[bool, typer.Option("--attached", hidden=True, help="A child of `maco-lab up --isolate`.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", hidden=True)]

# Locals are not shown: they may be secrets.
connector_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="The Connectivity service and the Cloud Connector, one at a time.",
)
maco_app = typer.Typer(
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="MaCo alone: polls its e-mail connections.",
)


class _Party:
    """What every party that runs alone has: its lab file, certificates, journal, and the signal to stop."""

    def __init__(self, lab: Path | None, state: Path) -> None:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        try:
            self.file: LabFile = find_lab_file(lab)
            self.state = StateFolder(state)
        except (LabFileError, StateError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
        self.journal = Journal()
        self.journal.listen(_print_entry)
        passwords = [each.password for each in plant_canaries(self.file.model) if each.password]
        self.reporting = Reporting(self.journal.record, tuple(passwords), self.state.folder)

    def pki(self) -> LabPki:
        """Return the certificates that all parties share."""
        host = self.file.model.mail_server.host_name
        return LabPki.kept(self.file.folder, self.state.pki, mail_host=host, tunnel_host=TUNNEL_HOST)

    def run(self, coroutine: Coroutine[Any, Any, int]) -> None:
        """Run the party and leave with its exit code."""
        raise typer.Exit(run_lab(coroutine))


@connector_app.command()
def cloud(
    lab: LabOption = None,
    state: StateOption = DEFAULT_FOLDER,
    attached: AttachedOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run the Connectivity service: token service, SOCKS5 proxy and tunnel endpoint."""
    run_attached_party("cloud", attached=attached, verbose=verbose)
    party = _Party(lab, state)
    party.run(_run_cloud(party))


@connector_app.command("on-premise")
def on_premise(
    lab: LabOption = None,
    state: StateOption = DEFAULT_FOLDER,
    name: Annotated[
        str | None, typer.Option(help="Which Cloud Connector of the lab file; without it the first.")
    ] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Run its shadow instead (key high_availability).")] = False,
    attached: AttachedOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run a Cloud Connector; the cloud side must be there first, as in the real world."""
    run_attached_party("on-premise", attached=attached, verbose=verbose)
    party = _Party(lab, state)
    party.run(_run_connector(party, name, "shadow" if shadow else "master"))


def run_mail_server_of_lab(lab: Path | None, state: Path) -> None:
    """Run the mail server of a lab file and leave with its exit code."""
    party = _Party(lab, state)
    party.run(_run_mail_server(party))


@maco_app.command()
def maco(
    lab: LabOption = None,
    state: StateOption = DEFAULT_FOLDER,
    once: Annotated[bool, typer.Option("--once", help="Poll every connection once; exit 1 if one fails.")] = False,
    attached: AttachedOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run MaCo: poll at once, then by schedule."""
    run_attached_party("maco", attached=attached, verbose=verbose)
    party = _Party(lab, state)
    party.run(_run_maco(party, once=once))


def run_attached_party(kind: PartyKind, *, attached: bool, verbose: bool) -> None:
    """Be a child of ``maco-lab up --isolate``, and leave with its exit code; return if that is not asked for."""
    if attached:
        raise typer.Exit(run_attached(kind, verbose=verbose))


async def _run_cloud(party: _Party) -> int:
    from connector_sim.cloud.tokens import new_signing_key

    settings = connectivity_settings(party.file.model, free_ports=False)
    service = build_connectivity(
        settings,
        party.pki(),
        new_signing_key(),
        party.reporting,
        over_tls=token_service_uses_tls(party.file.model.cloud),
        session=tunnel_session_settings(party.file.model.cloud),
    )
    async with service.running():
        for what, address in (
            ("SOCKS5", service.socks5_address),
            ("token service", service.token_address),
            ("tunnel endpoint", service.tunnel_address),
        ):
            _say(f"{what} listens on {address[0]}:{address[1]}")
        await told_to_stop(draining := Draining())
        await draining.run((service.drain, settings.tunnel.drain_s))
    return 0


async def _run_connector(party: _Party, name: str | None, role: Role) -> int:
    model = party.file.model
    known = [each.name for each in model.cloud_connectors]
    chosen = next((each for each in model.cloud_connectors if name in (None, each.name)), None)
    if chosen is None:
        _say(f"found Cloud Connector {name!r}, allowed: {', '.join(known) or 'none is defined'}")
        return 2
    if chosen.high_availability is not None:
        return await _run_one_of_a_pair(party, chosen, role)
    if role == "shadow":
        _say(f"Cloud Connector {chosen.name} has no shadow: give it high_availability in the lab file")
        return 2
    names = OnPremiseNames(model.hosts, {}, model.firewall)
    connector = build_connector(chosen, configured_cloud_addresses(model.cloud), names, party.pki(), party.reporting)
    async with connector.running(), _administered(party, chosen, connector):
        await connector.tried()
        states = {subaccount: tunnel.state for subaccount, tunnel in connector.tunnels.items()}
        _say(f"Cloud Connector {chosen.name}: {', '.join(f'{each} {state}' for each, state in states.items())}")
        if states and all(state == "ConnectFailure" for state in states.values()):
            _say("no tunnel came up: start the cloud side first, then the connector again")
            return 1
        await told_to_stop(draining := Draining())
        await draining.run((connector.drain, chosen.drain_s))
    return 0


@contextlib.asynccontextmanager
async def _administered(
    party: _Party, chosen: CloudConnector, connector: on_premise_connector.CloudConnector, node: HaNode | None = None
) -> AsyncIterator[None]:
    """Serve the administration of a connector, if it has one, and say where."""
    from maco_lab.administration import build_administration
    from maco_lab.keeping import begin

    keys = party.file.model.administration_of(chosen)
    if keys is None:
        yield
        return
    administration = build_administration(chosen, keys, connector, party.pki(), node=node)
    await begin(administration.installation, chosen, None)
    async with administration.running():
        _say(f"Cloud Connector {chosen.name} is administered at {administration.url}")
        yield


async def _run_one_of_a_pair(party: _Party, chosen: CloudConnector, role: Role) -> int:
    model = party.file.model
    node = build_node(
        chosen,
        role,
        configured_cloud_addresses(model.cloud),
        OnPremiseNames(model.hosts, {}, model.firewall),
        party.pki(),
        party.reporting,
        installation_id=f"pair {chosen.name}",  # both of a pair have the same one, and nobody tells it to either
        address=configured_address(chosen, role),
        peer=configured_address(chosen, "shadow" if role == "master" else "master"),
    )
    async with contextlib.AsyncExitStack() as serving:
        await serving.enter_async_context(node.running())
        if role == "master":
            await serving.enter_async_context(_administered(party, chosen, node.connector, node))
        await node.settled.wait()
        _say(f"Cloud Connector {node.name}: {node.role} {node.state}")
        await told_to_stop(draining := Draining())
        await draining.run((node.connector.drain, chosen.drain_s))
    return 0


async def _run_mail_server(party: _Party) -> int:
    from maco_lab.mail_party import build_mail_server

    server, _ = build_mail_server(party.file, party.state, party.pki(), party.reporting, free_ports=False)
    await server.start()
    try:
        for protocol, (host, port) in server.addresses.items():
            _say(f"{protocol} listens on {host}:{port}")
        await told_to_stop(Draining())
    finally:
        await server.stop()
    return 0


async def _run_maco(party: _Party, *, once: bool) -> int:
    from maco_client.inbox import Inbox
    from maco_lab.local_maco import LocalMaco
    from maco_lab.maco_api import maco_api
    from maco_lab.maco_side import MacoSide

    model = party.file.model
    with contextlib.closing(Inbox(party.state.inbox)) as inbox:
        cloud, pki = configured_cloud_addresses(model.cloud), party.pki()
        reach = build_reach(cloud, party.reporting, build_token_source(model, cloud, pki))
        tenant = build_tenant(model, pki, inbox, reach)
        maco_side = MacoSide(LocalMaco(tenant, model.maco, pki))
        async with contextlib.aclosing(maco_side):
            if once:
                return 0 if all(result.succeeded for result in await maco_side.poll_all()) else 1
            async with maco_api(model.maco.api, tenant, inbox, reach) as api, asyncio.TaskGroup() as tasks:
                if api:
                    _say(f"MaCo's API is at http://{api[0]}:{api[1]}")
                schedule = tasks.create_task(maco_side.run_schedule(_already_told, lambda: None))
                await told_to_stop(Draining())
                schedule.cancel()
    return 0


async def _already_told(_: PollResult) -> None:
    """Say nothing of a result: the observation of the poll's end is printed as every other one."""


def _print_entry(entry: Entry) -> None:
    """Print an observation. A reader that has gone (``| head``) must not end the party."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(entry.as_json() + "\n")
        sys.stdout.flush()


def _say(text: str) -> None:
    typer.echo(text, err=True)

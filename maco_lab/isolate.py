"""``maco-lab up --isolate``: the landscape with a process for each party, and one journal.

The parent listens nowhere but on its control socket, and where its taps are: it starts the parties, tells each what to
be, numbers what they report, lets MaCo poll by schedule and on demand, and starts again whoever ends by itself. A party
that comes back has the addresses, keys and certificates that it had before; whether the others find it again is up to
them. The taps outlive every party.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from certs.files import share_cast, write_cast
from connector_sim.admin.sqlite_store import make_file
from connector_sim.cloud.tokens import new_signing_key
from connector_sim.on_premise.ha.link import Role
from maco_lab import lab_model
from maco_lab.canaries import plant_canaries
from maco_lab.draining import Draining
from maco_lab.ha_party import HOST, node_name
from maco_lab.isolated import IsolatedLab, RemoteMaco
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.maco_section import as_data
from maco_lab.maco_side import MacoSide
from maco_lab.merging import Merging
from maco_lab.parties import TUNNEL_HOST
from maco_lab.party_process import PartyGone
from maco_lab.party_settings import CLOUD_PROTOCOLS, PartySettings
from maco_lab.pki import LabPki
from maco_lab.state import StateFolder
from maco_lab.supervised import Plan, Supervised, Tell
from maco_lab.taps.remote import TapDesk
from maco_lab.taps.taps import Taps, tapping
from maco_net.background import in_background
from maco_wire.observation import Address, Observation, Party

MAIL_SERVER, CLOUD, MACO = "Mail server", "Connectivity service", "MaCo"


@contextlib.asynccontextmanager
async def isolated_lab(
    file: LabFile,
    state: StateFolder,
    journal: Journal,
    *,
    free_ports: bool = False,
    certificates: Path | None = None,
    keeps: bool = False,
    verbose: bool = False,
    tell: Tell = lambda _: None,
    draining: Draining | None = None,
    tapped: bool = False,
) -> AsyncIterator[IsolatedLab]:
    """Start every party in a process of its own; ``tell`` hears of each that ended and came back.

    Without ``draining`` the end cuts what runs. ``tapped`` puts a tap into each hop; the taps are in this process, so
    that they outlive every party. With ``keeps`` what the Cloud Connectors and MaCo are configured with is kept in
    ``state``.

    Raises PartyFailed, with the text that the party itself would have ended with, and what certificates raise.
    """
    if keeps:
        await asyncio.get_running_loop().run_in_executor(None, make_file, state.configuration)
    async with (
        _certificates(file, state, certificates) as (pki, folder),
        tapping() if tapped else contextlib.nullcontext() as taps,
    ):
        options = _Options(free_ports, verbose, tell, taps, keeps)
        parties = _Parties(file, state, journal, folder, options)
        async with in_background(parties.merging.run(), *(each.run() for each in parties.all)):
            try:
                yield await parties.running(pki)
            finally:
                if draining:
                    await parties.drain(draining)
                await parties.stop()


@contextlib.asynccontextmanager
async def _certificates(file: LabFile, state: StateFolder, kept: Path | None) -> AsyncIterator[tuple[LabPki, Path]]:
    """Make the certificates and yield the folder where the parties find them; it goes away unless it is kept.

    One that a killed lab has left is replaced.
    """
    pki = LabPki.in_memory(file.folder, mail_host=file.model.mail_server.host_name, tunnel_host=TUNNEL_HOST)
    loop = asyncio.get_running_loop()
    if kept is not None:
        shared = await loop.run_in_executor(None, share_cast, pki.cast, kept)
        yield LabPki(file.folder, shared), kept
        return
    folder = state.folder / "pki-of-this-run"
    try:
        await loop.run_in_executor(None, lambda: write_cast(pki.cast, folder, replace=True))
        yield pki, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Options:
    """What is said of a whole lab beside its file."""

    free_ports: bool
    verbose: bool
    tell: Tell
    taps: Taps | None
    keeps: bool


class _Parties:
    """All parties of one lab, and what each must know of the others."""

    def __init__(
        self, file: LabFile, state: StateFolder, journal: Journal, certificates: Path, options: _Options
    ) -> None:
        model = file.model
        taps = options.taps
        self._taps = taps
        self._journal = journal
        self._free_ports = options.free_ports
        self._verbose = options.verbose
        self._tell = options.tell
        self._canaries = tuple(plant_canaries(model))
        self._settings = PartySettings(
            file,
            state.folder.resolve(),
            certificates.resolve(),
            tuple(account.mail_line.value for account in self._canaries),
            _free_ports(model) if options.free_ports else {},
            keeps=options.keeps,
            key_folder=str(taps.keys.folder) if taps else "",
        )
        self._addresses: dict[str, Address] = {}
        self._signing_key = asyncio.get_running_loop().run_in_executor(None, lambda: new_signing_key().as_dict(True))
        self.merging = Merging(journal, lambda: [each.sync for each in self.all])
        self.mail_server = self._party(Party.MAIL_SERVER, MAIL_SERVER, ["mailserver_sim"], self._known)
        self.cloud = self._party(
            Party.CONNECTIVITY, CLOUD, ["connector_sim", "cloud"], self._for_cloud, self._reconnect
        )
        self._pairs: dict[str, Address] = {}
        self._administered_at: dict[str, Address] = {}
        self.connectors = [party for connector in model.cloud_connectors for party in self._connector(connector)]
        self._maco_api: Address | None = None
        self.remote_maco = RemoteMaco(model.maco, self.merging)
        self.maco = self._party(Party.MACO, MACO, ["maco_client"], self._for_maco)
        self.remote_maco.runs_in(self.maco)
        self.all = [self.mail_server, self.cloud, *self.connectors, self.maco]

    async def running(self, pki: LabPki) -> IsolatedLab:
        """Return the lab as soon as every party is up. Raises PartyFailed."""
        for party in self.all:
            listens = await party.started()
            if ha := listens.get("ha"):
                self._pairs[party.plan.name] = ha
            self._maco_api = listens.get("maco_api", self._maco_api)
            if administration := listens.get("administration"):
                self._administered_at[party.plan.name] = administration
        file = self._settings.file
        administered_at = {
            each.name: self._administered_at[title]
            for each in file.model.cloud_connectors
            if (title := _title(each, "master")) in self._administered_at
        }
        return IsolatedLab(
            file,
            self._journal,
            pki,
            self._addresses,
            MacoSide(self.remote_maco),
            self._canaries,
            self.mail_server,
            self.maco,
            administered_at,
            self._taps,
            self._maco_api,
            tuple(self.connectors),
        )

    async def drain(self, draining: Draining) -> None:
        """End MaCo, and let other connections through the tunnels finish."""
        model = self._settings.file.model
        of_connectors = [
            each.drain_s for each in model.cloud_connectors for _ in range(2 if each.high_availability else 1)
        ]
        parties = zip((self.cloud, *self.connectors), (model.cloud.drain_s, *of_connectors), strict=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.maco.stop())
            await draining.run(*((party.drain, limit_s) for party, limit_s in parties))

    async def stop(self) -> None:
        """End all parties at once, and write down what they reported until then."""
        await asyncio.gather(*(party.stop() for party in self.all))
        self.merging.finish()

    def _party(
        self,
        party: Party,
        name: str,
        arguments: list[str],
        prepare: Callable[[], Any],
        when_back: Callable[[], Any] | None = None,
    ) -> Supervised:
        plan = Plan(party, name, (*arguments, "--attached", *(["--verbose"] if self._verbose else [])))
        serve = self.remote_maco.serve if party is Party.MACO else None
        if self._taps and party is Party.CLOUD_CONNECTOR:
            serve = TapDesk(self._taps).serve
        if when_back is None:
            return Supervised(plan, prepare, self._take, self._tell, serve=serve)
        return Supervised(plan, prepare, self._take, self._tell, when_back=when_back, serve=serve)

    def _take(self, at: float, observation: Observation) -> None:
        """Take a report as if there were no tap."""
        self.merging.take(at, self._taps.as_untapped(observation) if self._taps else observation)

    def _connector(self, described: lab_model.CloudConnector) -> list[Supervised]:
        """Return a Cloud Connector, and its shadow if it has one."""
        installation_id = uuid.uuid4().hex  # the same after a restart, so that it may take over its own dead tunnel

        async def prepare() -> PartySettings:
            settings = await self._behind_listeners()
            return replace(
                settings,
                connector=described.name,
                installation_id=installation_id,
                ports={**settings.ports, **self._administration_port(_title(described, "master"))},
            )

        async def prepare_master() -> PartySettings:
            own, peer = self._pairs.get(_title(described, "master")), self._pairs.get(_title(described, "shadow"))
            return replace(await prepare(), role="master", address=own or self._free_address(), peer=peer)

        async def prepare_shadow() -> PartySettings:
            own, peer = self._pairs.get(_title(described, "shadow")), (await master.started())["ha"]
            return replace(await prepare(), role="shadow", address=own or self._free_address(), peer=peer)

        if described.high_availability is None:
            return [self._on_premise(described, "master", prepare)]
        master = self._on_premise(described, "master", prepare_master)
        return [master, self._on_premise(described, "shadow", prepare_shadow)]

    def _on_premise(self, described: lab_model.CloudConnector, role: Role, prepare: Callable[[], Any]) -> Supervised:
        arguments = ["connector_sim", "on-premise"]
        return self._party(Party.CLOUD_CONNECTOR, _title(described, role), arguments, prepare)

    def _administration_port(self, title: str) -> dict[str, int]:
        """Return the port of an administration if it is not the lab file's; who comes back gets the one it had."""
        if title in self._administered_at:
            return {"administration": self._administered_at[title][1]}
        return {"administration": 0} if self._free_ports else {}

    def _free_address(self) -> Address | None:
        """Return what lets one of a pair take a free port, where all do; None leaves it the lab file's."""
        return (HOST, 0) if self._free_ports else None

    async def _known(self) -> PartySettings:
        """Return the settings with every port that is known by now: who comes back gets the port it had."""
        ports = {protocol: port for protocol, (_, port) in self._addresses.items()}
        return replace(self._settings, ports={**self._settings.ports, **ports})

    async def _for_cloud(self) -> PartySettings:
        return replace(await self._known(), signing_key=await asyncio.shield(self._signing_key))

    async def _behind_listeners(self) -> PartySettings:
        """Return the settings of a party that dials: once the mail server and the cloud side listen."""
        self._addresses |= await self.cloud.started()
        self._addresses |= await self.mail_server.started()
        return replace(await self._known(), dials=self._dials())

    async def _for_maco(self) -> PartySettings:
        """Return MaCo's settings, with what was configured at run time, and the port that its API had.

        Where that is kept, MaCo reads it itself.
        """
        settings = await self._behind_listeners()
        port = {"maco_api": self._maco_api[1]} if self._maco_api else {"maco_api": 0} if self._free_ports else {}
        configured = {} if settings.keeps else as_data(self.remote_maco.section)
        return replace(settings, ports={**settings.ports, **port}, maco=configured)

    def _dials(self) -> dict[str, Address]:
        """Return where the taps listen before the cloud side."""
        if self._taps is None:
            return {}
        return {
            "socks5": self._taps.before("cloud network", self._addresses["socks5"]).address,
            "tunnel": self._taps.before("tunnel", self._addresses["tunnel"]).address,
        }

    async def _reconnect(self) -> None:
        """Press every connector's button: one that saw its first attempt fail would never dial again."""
        for connector in self.connectors:
            if connector.process and connector.process.is_listening:
                with contextlib.suppress(PartyGone, TimeoutError):
                    await connector.process.ask("connect", timeout_s=1.0)


def _free_ports(model: lab_model.LabModel) -> dict[str, int]:
    """Return what lets every listener take a port that is free."""
    mail_protocols = [name for name, port in model.mail_server.ports.model_dump().items() if port is not None]
    return dict.fromkeys((*CLOUD_PROTOCOLS, *mail_protocols), 0)


def _title(described: lab_model.CloudConnector, role: Role) -> str:
    return f"Cloud Connector {node_name(described, role)}"

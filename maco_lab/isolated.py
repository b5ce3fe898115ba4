"""A running lab whose parties have processes of their own, as its parent sees it: it asks the process of a party."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maco_client.configuration import EMAIL_CONNECTION, UnknownEntry
from maco_client.results import PolledMail, PollResult
from maco_client.settings import Schedule
from maco_lab.canaries import AccountCanaries
from maco_lab.checking import ALL_S, Wanted
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.maco_checks import schedules
from maco_lab.maco_model import MaCo
from maco_lab.maco_side import MacoSide
from maco_lab.merging import Merging
from maco_lab.names import OnPremiseNames
from maco_lab.party_process import PartyGone, Reply
from maco_lab.party_settings import PartyFailed, placed
from maco_lab.pki import LabPki
from maco_lab.samples import sample_mail
from maco_lab.supervised import Supervised
from maco_lab.taps.taps import Taps
from maco_wire.observation import Address

DELIVER_S = 10.0
TOKEN_S = 5.0
DESCRIBE_S = 10.0
CHECK_S = ALL_S + 5.0


@dataclass(frozen=True, slots=True)
class IsolatedLab:
    """A running lab whose parties have processes of their own."""

    file: LabFile
    journal: Journal
    pki: LabPki
    addresses: Mapping[str, Address]
    maco: MacoSide
    canaries: tuple[AccountCanaries, ...]
    mail_server: Supervised
    maco_process: Supervised
    administered_at: Mapping[str, Address]
    taps: Taps | None = None
    maco_api: Address | None = None
    """Where MaCo's API is; None if the lab file switches it off."""
    connectors: tuple[Supervised, ...] = ()

    @property
    def names(self) -> OnPremiseNames:
        """The names on premise, with the ports that the mail server really has."""
        ports = {protocol: port for protocol, (_, port) in self.addresses.items()}
        return OnPremiseNames(placed(self.file.model, ports).hosts, {})

    async def token(self) -> str:
        """Return the token that MaCo was given last; empty if its process has none, or is gone."""
        with contextlib.suppress(PartyGone, TimeoutError):
            return str((await self.maco_process.ask("token", timeout_s=TOKEN_S))["token"])
        return ""

    async def described(self) -> dict[str, dict[str, Any]]:
        """Return what the administration of Cloud Connectors has made of them, as keys of a lab file, by name.

        Raises PartyFailed.
        """
        named = {each.plan.name.removeprefix("Cloud Connector "): each for each in self.connectors}
        return {name: await self._described(each) for name, each in named.items() if name in self.administered_at}

    async def _described(self, connector: Supervised) -> dict[str, Any]:
        try:
            answer = await connector.ask("described", timeout_s=DESCRIBE_S)
        except (PartyGone, TimeoutError) as error:
            raise PartyFailed(f"{connector.plan.name}: its process did not say what it is") from error
        return dict(answer["keys"])

    async def check(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Check whether Cloud Connectors reach what their mappings lead to. Raises PartyFailed."""
        found: list[dict[str, Any]] = []
        for each in self.connectors:
            try:
                answer = await each.ask("check", timeout_s=CHECK_S, mapping=wanted.target)
            except (PartyGone, TimeoutError) as error:
                raise PartyFailed(f"{each.plan.name}: its process did not check") from error
            found += answer["checks"]
        return found

    async def seed_mail(self) -> None:
        """Deliver one sample mail with a canary to every mailbox. Raises PartyFailed."""
        now = dt.datetime.now(dt.UTC)
        for account in self.canaries:
            mail = base64.b64encode(sample_mail(account.user, now=now, canary=account.mail_line.value)).decode()
            try:
                await self.mail_server.ask("deliver", timeout_s=DELIVER_S, user=account.user, mail=mail)
            except (PartyGone, TimeoutError) as error:
                raise PartyFailed(f"{self.mail_server.plan.name}: its process did not take a sample mail") from error


class RemoteMaco:
    """A MaCo tenant in a process of its own, which tells what is configured as often as that changes."""

    def __init__(self, section: MaCo, merging: Merging) -> None:
        self._merging = merging
        self._change = asyncio.Event()
        self._process: Supervised | None = None
        self.section = section
        self.schedules: Mapping[str, Schedule] = schedules(section)

    def runs_in(self, process: Supervised) -> None:
        """Say which party it is."""
        self._process = process

    async def serve(self, question: Mapping[str, Any], reply: Reply) -> None:
        """Take what the process says of its configuration."""
        self.section = MaCo.model_validate(question["section"])
        self.schedules = schedules(self.section)
        self._change.set()
        self._change = asyncio.Event()
        await reply({})

    async def changed(self) -> None:
        """Return as soon as the configuration has changed."""
        await self._change.wait()

    async def aclose(self) -> None:
        """Leave it to MaCo's process, which closes its sessions when it ends."""

    async def poll(self, name: str) -> PollResult:
        """Poll once; when it returns, the journal has everything that was seen of it. Raises UnknownEntry."""
        if self._process is None:
            raise AssertionError("a lab has its process before anybody polls")
        try:
            reply = await self._process.ask("poll", timeout_s=None, connection=name)
        except (PartyGone, TimeoutError):
            return PollResult(name, succeeded=False, stage="dial", error="MaCo's process ended during the poll")
        finally:
            await self._merging.settle()
        if "result" not in reply:
            raise UnknownEntry(EMAIL_CONNECTION, name, self.schedules)
        result: dict[str, Any] = reply["result"]
        mails = (PolledMail(**{**mail, "problems": tuple(mail["problems"])}) for mail in result["mails"])
        return PollResult(**{**result, "mails": tuple(mails), "warnings": tuple(result["warnings"])})

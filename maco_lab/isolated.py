"""A running lab whose parties have processes of their own, as its parent sees it: it asks the process of a party."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maco_client.results import PolledMail, PollResult
from maco_lab.canaries import AccountCanaries
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.maco_side import MacoSide
from maco_lab.merging import Merging
from maco_lab.names import OnPremiseNames
from maco_lab.party_process import PartyGone
from maco_lab.party_settings import PartyFailed, placed
from maco_lab.pki import LabPki
from maco_lab.samples import sample_mail
from maco_lab.supervised import Supervised
from maco_lab.taps.taps import Taps
from maco_wire.observation import Address

DELIVER_S = 10.0
TOKEN_S = 5.0


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

    async def seed_mail(self) -> None:
        """Deliver one sample mail with a canary to every mailbox. Raises PartyFailed."""
        now = dt.datetime.now(dt.UTC)
        for account in self.canaries:
            mail = base64.b64encode(sample_mail(account.user, now=now, canary=account.mail_line.value)).decode()
            try:
                await self.mail_server.ask("deliver", timeout_s=DELIVER_S, user=account.user, mail=mail)
            except (PartyGone, TimeoutError) as error:
                raise PartyFailed(f"{self.mail_server.plan.name}: its process did not take a sample mail") from error


class RemotePoller:
    """Polls one e-mail connection by asking MaCo's process."""

    def __init__(self, connection: str, maco: Supervised, merging: Merging) -> None:
        self._connection = connection
        self._maco = maco
        self._merging = merging

    async def poll(self) -> PollResult:
        """Poll once; when it returns, the journal has everything that was seen of it."""
        try:
            reply = await self._maco.ask("poll", timeout_s=None, connection=self._connection)
        except (PartyGone, TimeoutError):
            return PollResult(
                self._connection, succeeded=False, stage="dial", error="MaCo's process ended during the poll"
            )
        finally:
            await self._merging.settle()
        result: dict[str, Any] = reply["result"]
        return PollResult(**{**result, "mails": tuple(PolledMail(**mail) for mail in result["mails"])})

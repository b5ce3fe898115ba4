"""MaCo, the mail server and a Cloud Connector of a running lab, as a test handles them.

All calls block until what they ask for is done; those that take time have a twin that ends in ``_async``.
"""

from __future__ import annotations

import datetime as dt
import email
import email.message
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector_sim.on_premise import connector as on_premise
from connector_sim.on_premise.ha.node import HaNode
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import MappingProtocol, SystemMapping
from connector_sim.on_premise.tunnel_client import TunnelClient
from maco_client.results import PollResult
from maco_lab import audited
from maco_lab.lab_section import split_host_ports
from maco_lab.samples import sample_mail
from maco_lab.testing.thread import LabThread
from maco_lab.topology import RunningLab
from maco_wire.observation import Address, Party, TunnelState
from mailserver_sim import finding
from mailserver_sim.faults.plan import FaultState
from mailserver_sim.finding import Wanted
from mailserver_sim.store.values import INBOX

TEST = "(test)"
"""Who changes things here, to the audit log; no user's name."""

TUNNEL_LOST_S = 5.0
ROLE_S = 30.0
WAIT_S = 10.0
"""How long ``wait_for`` waits for a message unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in MaCo's inbox, or in a mailbox of the mail server (there with its flags)."""

    uid: int
    raw: bytes = field(repr=False)
    flags: frozenset[str] = frozenset()

    @property
    def message(self) -> email.message.EmailMessage:
        """The mail, parsed."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def subject(self) -> str:
        """The Subject field; empty if there is none."""
        return str(self.message["Subject"] or "")

    @property
    def attachments(self) -> dict[str, bytes]:
        """The content of every attachment, by file name."""
        return {
            part.get_filename() or "": bytes(part.get_payload(decode=True)) for part in self.message.iter_attachments()
        }


class Maco:
    """SAP Market Communication; its e-mail connections are those of the settings."""

    def __init__(self, thread: LabThread, lab: RunningLab) -> None:
        self._thread = thread
        self._lab = lab

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the e-mail connections."""
        return self._lab.maco.connections

    def poll(self, connection: str) -> PollResult:
        """Poll an e-mail connection once; a poll that fails is a result too. Raises UnknownEntry."""
        return self._thread.run(self._lab.maco.poll(connection))

    async def poll_async(self, connection: str) -> PollResult:
        """Do the same for an async test."""
        return await self._thread.run_async(self._lab.maco.poll(connection))

    def mails(self, connection: str | None = None) -> list[Mail]:
        """Return what is in the inbox, all of it or what came by one e-mail connection; oldest first."""
        inbox = self._lab.inbox
        return [Mail(mail.uid, inbox.raw(mail.id)) for mail in inbox.mails(connection)]


class MailServer:
    """The mail server on premise."""

    def __init__(self, thread: LabThread, lab: RunningLab) -> None:
        self._thread = thread
        self._lab = lab

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Where each protocol listens: imap, imaps, smtp, submission, smtps, pop3, pop3s."""
        return self._lab.mail_server.addresses

    @property
    def accounts(self) -> dict[str, str]:
        """The password of each user."""
        return {account.user: account.password for account in self._lab.mail_server.settings.accounts}

    def deliver(self, user: str, mail: bytes | str | email.message.EmailMessage | None = None) -> int:
        """Put a mail into a user's INBOX and return its UID; by default a sample MSCONS. Raises NoSuchAccount.

        The sample holds the line that the lab looks for in what each party held in clear.
        """
        return self._thread.run(self._deliver(user, mail))

    async def deliver_async(self, user: str, mail: bytes | str | email.message.EmailMessage | None = None) -> int:
        """Do the same for an async test."""
        return await self._thread.run_async(self._deliver(user, mail))

    def break_at(self, step: str, *, count: int = 1, after: int = 0, **parameters: Any) -> None:
        """Let the server misbehave at a step of the table in docs/faults.md, until ``heal`` or the next reset.

        The step passes ``after`` times and is broken ``count`` times then (0: always). ``protocol`` among the
        parameters is the one listener that is meant. Raises SettingsError.
        """
        self._thread.run(self._break_at(step, count, after, parameters))

    def heal(self) -> None:
        """Let the server misbehave no more."""
        self._thread.run(self._heal())

    def faults(self) -> list[FaultState]:
        """Return what was told to break, and how often each has struck."""
        return self._lab.mail_server.faults()

    async def _break_at(self, step: str, count: int, after: int, parameters: dict[str, Any]) -> None:
        self._lab.mail_server.break_at(step, count=count, after=after, **parameters)

    async def _heal(self) -> None:
        self._lab.mail_server.heal()

    def mails(self, user: str, mailbox: str = INBOX) -> list[Mail]:
        """Return what a mailbox holds, with flags. Raises NoSuchAccount, NoSuchMailbox."""
        return self._thread.run(self._mails(user, mailbox))

    async def mails_async(self, user: str, mailbox: str = INBOX) -> list[Mail]:
        """Do the same for an async test."""
        return await self._thread.run_async(self._mails(user, mailbox))

    def mailbox(self, user: str, name: str = INBOX) -> list[Mail]:
        """Return the messages of a mailbox with their flags, as ``mails`` does. Raises NoSuchAccount, NoSuchMailbox."""
        return self.mails(user, name)

    async def mailbox_async(self, user: str, name: str = INBOX) -> list[Mail]:
        """Do the same for an async test."""
        return await self.mails_async(user, name)

    def wait_for(
        self,
        user: str | None = None,
        *,
        subject: str = "",
        sender: str = "",
        to: str = "",
        mailbox: str = INBOX,
        after_uid: int = 0,
        timeout: float = WAIT_S,
    ) -> Mail:
        """Return the first message that has these texts in its header, now or as soon as it is there.

        Upper and lower case are the same; without ``user`` anybody's mailbox is looked into. Raises TimeoutError after
        ``timeout`` seconds (a minute at most), NoSuchAccount, NoSuchMailbox.
        """
        return self._thread.run(self._wait(user, Wanted(subject, sender, to, after_uid), mailbox, timeout))

    async def wait_for_async(
        self,
        user: str | None = None,
        *,
        subject: str = "",
        sender: str = "",
        to: str = "",
        mailbox: str = INBOX,
        after_uid: int = 0,
        timeout: float = WAIT_S,
    ) -> Mail:
        """Do the same for an async test."""
        return await self._thread.run_async(self._wait(user, Wanted(subject, sender, to, after_uid), mailbox, timeout))

    async def _wait(self, user: str | None, wanted: Wanted, mailbox: str, timeout_s: float) -> Mail:
        store = self._lab.mail_server.store
        users = [user] if user else list(self.accounts)
        found = await finding.wait_for(store, users, wanted, mailbox=mailbox, timeout_s=timeout_s)
        if found is None:
            raise TimeoutError(f"no message like {wanted} in {mailbox} of {user or 'anybody'} within {timeout_s:g} s")
        where = await store.find_mailbox(found.user, found.mailbox)
        content = await store.read_content(where.id, found.info.uid)
        if content is None:
            raise LookupError(f"message {found.info.uid} of {found.user} was removed as soon as it was found")
        return Mail(found.info.uid, content.raw, found.info.flags)

    async def _deliver(self, user: str, mail: bytes | str | email.message.EmailMessage | None) -> int:
        return await self._lab.mail_server.deliver(user, self._sample(user) if mail is None else _as_bytes(mail))

    def _sample(self, user: str) -> bytes:
        planted = {account.user: account.mail_line.value for account in self._lab.canaries}
        return sample_mail(user, now=dt.datetime.now(dt.UTC), canary=planted.get(user, ""))

    async def _mails(self, user: str, mailbox: str) -> list[Mail]:
        store = self._lab.mail_server.store
        found = await store.find_mailbox(user, mailbox)
        infos = await store.list_messages(found.id)
        return [
            Mail(info.uid, content.raw, info.flags)
            for info in infos
            if (content := await store.read_content(found.id, info.uid))
        ]


class CloudConnector:
    """One Cloud Connector: its tunnels, and what it exposes through them."""

    def __init__(self, thread: LabThread, lab: RunningLab, connector: on_premise.CloudConnector) -> None:
        self._thread = thread
        self._lab = lab
        self._connector = connector

    @property
    def name(self) -> str:
        """The name in the lab file."""
        return self._connector.settings.name

    @property
    def administration_url(self) -> str:
        """Where it is administered (docs/rest-api.md). Raises LookupError if the settings say nowhere."""
        if self.name not in self._lab.administrations:
            raise LookupError(f"Cloud Connector {self.name} has no administration in the settings")
        return self._lab.administrations[self.name].url

    @property
    def is_connected(self) -> bool:
        """Whether the tunnel of every subaccount is up."""
        return all(tunnel.state == "Connected" for tunnel in self._connector.tunnels.values())

    def disconnect(self) -> None:
        """End every tunnel, as the administrator does: it stays down until ``connect``."""
        self._thread.run(self._disconnect())

    async def disconnect_async(self) -> None:
        """Do the same for an async test."""
        await self._thread.run_async(self._disconnect())

    def connect(self) -> bool:
        """Dial every tunnel that is down, and tell whether all are up then; a shadow dials none."""
        return self._thread.run(self._connect())

    async def connect_async(self) -> bool:
        """Do the same for an async test."""
        return await self._thread.run_async(self._connect())

    def cut(self) -> None:
        """Break every tunnel as a network failure would; the connector dials again by itself."""
        self._thread.run(self._cut())

    async def cut_async(self) -> None:
        """Do the same for an async test."""
        await self._thread.run_async(self._cut())

    def location_id(self, subaccount: str | None = None) -> str:
        """Return the location ID of a subaccount (by default the first). Raises KeyError."""
        return self._connector.location_id(self._subaccount(subaccount))

    def change_location_id(self, location_id: str, *, subaccount: str | None = None) -> bool:
        """Move a tunnel to another location ID, and tell whether it is up there. Raises SettingsError, KeyError."""
        return self._thread.run(self._move(self._subaccount(subaccount), location_id))

    async def change_location_id_async(self, location_id: str, *, subaccount: str | None = None) -> bool:
        """Do the same for an async test."""
        return await self._thread.run_async(self._move(self._subaccount(subaccount), location_id))

    @property
    def role(self) -> str:
        """The part it plays now: "master", or "shadow" of one. One without ``high_availability`` is a master."""
        node = self._lab.nodes.get(self.name)
        return node.role if node else "master"

    def switch_roles(self, *, force: bool = False) -> None:
        """Let a master and its shadow change their roles (SWITCH, FORCE_SWITCH). Raises SwitchRefused, LookupError."""
        self._thread.run(self._node().switch(force=force))

    def kill(self) -> None:
        """Let one of a pair fall silent at once, as a process that is killed does. Raises LookupError."""
        self._thread.run(self._node().kill())

    def wait_for_role(self, role: str) -> None:
        """Return once it plays this part. Raises TimeoutError, LookupError."""
        self._thread.run(self._wait_for_role(self._node(), role))

    def mappings(self, subaccount: str | None = None) -> tuple[SystemMapping, ...]:
        """Return what is exposed to a subaccount (by default the first). Raises KeyError."""
        return self._thread.run(self._mappings(self._subaccount(subaccount)))

    async def _mappings(self, subaccount: str) -> tuple[SystemMapping, ...]:
        return self._connector.mappings(subaccount)

    def expose(self, virtual: str, internal: str, protocol: str = "TCP", *, subaccount: str | None = None) -> None:
        """Add a system mapping between two ``host:port`` or ``host:low-high``, or replace the one of ``virtual``.

        The internal host must be in the ``hosts`` table of the settings, or given to ``Lab.lead``. Open connections
        stay open.
        Raises SettingsError, KeyError, ValueError.
        """
        mapping = SystemMapping.between(
            *split_host_ports(virtual), *split_host_ports(internal), MappingProtocol(protocol)
        )
        self._thread.run(self._expose(self._subaccount(subaccount), mapping))

    def withdraw(self, virtual: str, *, subaccount: str | None = None) -> None:
        """Remove the system mapping of a virtual ``host:port`` or ``host:low-high``; open connections stay open.

        Raises KeyError if there is none.
        """
        self._thread.run(self._withdraw(self._subaccount(subaccount), *split_host_ports(virtual)))

    async def _expose(self, subaccount: str, mapping: SystemMapping) -> None:
        access_control = self._connector.access_control(subaccount)
        before = access_control.get(mapping.virtual_host, mapping.virtual_ports)
        access_control.put(mapping)
        audited.mapping_changed(self._connector, TEST, subaccount, before, mapping)

    async def _withdraw(self, subaccount: str, virtual_host: str, virtual_ports: PortRange) -> None:
        access_control = self._connector.access_control(subaccount)
        before = access_control.get(virtual_host, virtual_ports)
        access_control.remove(virtual_host, virtual_ports)
        audited.mapping_changed(self._connector, TEST, subaccount, before, None)

    def _subaccount(self, name: str | None) -> str:
        return name or self._connector.settings.subaccounts[0].subaccount

    def _node(self) -> HaNode:
        if self.name not in self._lab.nodes:
            raise LookupError(f"Cloud Connector {self.name} has no high_availability in the settings")
        return self._lab.nodes[self.name]

    async def _wait_for_role(self, node: HaNode, role: str) -> None:
        if node.role != role:
            await self._lab.journal.wait_for(lambda _: node.role == role, timeout_s=ROLE_S)

    async def _move(self, subaccount: str, location_id: str) -> bool:
        before = self._connector.location_id(subaccount)
        is_up = await self._connector.change_location_id(subaccount, location_id)
        audited.account_changed(self._connector, TEST, subaccount, "locationID", before, location_id)
        return is_up

    async def _disconnect(self) -> None:
        for subaccount, tunnel in self._connector.tunnels.items():
            before = tunnel.state
            await tunnel.disconnect()
            audited.account_changed(self._connector, TEST, subaccount, "tunnel.state", before, tunnel.state)
        await self._lab.cloud.registry.emptied()

    async def _connect(self) -> bool:
        tunnels = self._connector.tunnels
        before = {subaccount: tunnel.state for subaccount, tunnel in tunnels.items()}
        if self.role == "master":
            await self._connector.connect()
        for subaccount, state in before.items():
            audited.account_changed(self._connector, TEST, subaccount, "tunnel.state", state, tunnels[subaccount].state)
        return self.is_connected

    async def _cut(self) -> None:
        for subaccount, tunnel in self._connector.tunnels.items():
            if tunnel.state == "Connected":
                await self._cut_one(subaccount, tunnel)

    async def _cut_one(self, subaccount: str, tunnel: TunnelClient) -> None:
        before = self._lab.journal.last
        tunnel.cut()
        await self._lab.journal.wait_for(
            lambda entry: (
                isinstance(entry.observation, TunnelState)
                and entry.observation.party is Party.CLOUD_CONNECTOR
                and (entry.observation.state, entry.observation.subaccount) == ("Disconnected", subaccount)
            ),
            after=before,
            timeout_s=TUNNEL_LOST_S,
        )


def _as_bytes(mail: bytes | str | email.message.EmailMessage) -> bytes:
    """Return the mail with the line ends of the wire (RFC 5322, section 2.1); bytes are taken as they are."""
    match mail:
        case bytes():
            return mail
        case str():
            return "\r\n".join(mail.splitlines()).encode() + b"\r\n"
    return mail.as_bytes(policy=email.policy.SMTP)

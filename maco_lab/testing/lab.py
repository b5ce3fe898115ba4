"""A running lab as a whole: its parts, where it listens, what a program under test must be told, and its reset."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from certs.authority import Authority
from certs.cast import Cast
from connector_sim.cloud.settings import OauthClient
from connector_sim.cloud.token_defects import TokenDefect
from connector_sim.cloud.tokens import new_signing_key
from maco_lab.application import service_credentials, vcap_services
from maco_lab.background import background_loop
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_section import split_host_ports
from maco_lab.parties import TUNNEL_HOST
from maco_lab.state import StateFolder
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.parties import CloudConnector, Maco, MailServer
from maco_lab.testing.reset import reset
from maco_lab.testing.settings import Settings, lab_text
from maco_lab.testing.thread import LabThread
from maco_lab.topology import RunningLab, running_lab
from maco_wire.observation import Address

_signing_key = functools.cache(new_signing_key)
"""Generating one is most of what a start costs; all labs of a process share theirs."""


class Lab:
    """A running lab. ``running`` is the lab itself; it belongs to ``thread`` and is reached by that."""

    def __init__(self, thread: LabThread, running: RunningLab) -> None:
        self.running = running
        self.maco = Maco(thread, running)
        self.mail_server = MailServer(thread, running)
        self.cloud_connectors: Mapping[str, CloudConnector] = {
            name: CloudConnector(thread, running, connector) for name, connector in running.connectors.items()
        }
        self.journal = LabJournal(thread, running.journal)
        self.thread = thread

    @property
    def cloud_connector(self) -> CloudConnector:
        """The first Cloud Connector of the settings. Raises LookupError if there is none."""
        for connector in self.cloud_connectors.values():
            return connector
        raise LookupError("the settings have no cloud_connectors")

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Where everything listens: socks5, token, tunnel, imap, imaps, smtp, submission, smtps, pop3, pop3s."""
        return self.running.addresses

    @property
    def service_binding(self) -> dict[str, str]:
        """What a program reads from its binding to the Connectivity service, by SAP's names."""
        cloud = self.running.cloud
        return service_credentials(self._client, cloud.socks5_address, cloud.token_url)

    @property
    def vcap_services(self) -> dict[str, Any]:
        """What a program on BTP has in its environment as ``VCAP_SERVICES``, before it is written as JSON."""
        return vcap_services(self.service_binding)

    @property
    def authority(self) -> Cast:
        """The certificates of the lab, good and bad, by name."""
        return self.running.pki.cast

    @property
    def root_pem(self) -> bytes:
        """The root above the mail server's certificate, for programs that verify it."""
        return self.authority.root.identity.certificate_pem()

    def token(
        self,
        *,
        lifetime_s: int | None = None,
        claims: Mapping[str, object] | None = None,
        defect: str | None = None,
    ) -> str:
        """Return a token of MaCo's client, as the token service would give it; expired if its lifetime is -1.

        ``claims`` come beside and instead of its own. ``defect`` is one of those of ``TokenDefect``, as in "expired":
        such a token is refused. Raises ValueError for another one.
        """
        wanted = TokenDefect(defect) if defect else None
        return self.running.cloud.tokens.issue(self._client, lifetime_s=lifetime_s, claims=claims, defect=wanted)

    def lead(self, internal: str, address: Address) -> None:
        """Let an internal ``host:port`` lead to another address, as a line in ``hosts`` would, until the next reset.

        So a mail server of the test's own stands in the place of the lab's. Raises ValueError.
        """
        host, ports = split_host_ports(internal)
        if len(ports) != 1:
            raise ValueError(f"found {internal!r}, allowed: host:port, as in mail.example.com:143")
        self.running.names.lead(host, ports.first, address)

    @property
    def _client(self) -> OauthClient:
        wanted = self.running.file.model.maco.client
        return next(client for client in self.running.cloud.settings.clients if client.client_id == wanted)

    def reset(self) -> None:
        """Make the lab as new; ports, certificates and tokens stay. Raises TimeoutError."""
        self.thread.loop.run(self._reset())

    async def _reset(self) -> None:
        await self.thread.cancel_all()
        await reset(self.running)


def new_authority() -> Cast:
    """Return the certificates of a lab, issued anew as they are needed."""
    return Cast(dt.datetime.now(dt.UTC), tunnel_host=TUNNEL_HOST)


@contextlib.contextmanager
def lab_for_tests(settings: Settings = None, *, authority: Cast | None = None) -> Iterator[Lab]:
    """Run a lab on free ports while the block runs; what it stores is gone afterwards.

    Raises LabFileError, ReactorError, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="maco-lab-") as folder:
        file = lab_text(settings).parsed()
        with started_lab(file, Path(folder), authority=authority or new_authority()) as lab:
            yield lab


@contextlib.contextmanager
def started_lab(file: LabFile, folder: Path, *, authority: Cast) -> Iterator[Lab]:
    """Run the lab of a checked file, which keeps its mail in ``folder``. Raises ReactorError, OSError."""
    thread = LabThread(background_loop())
    cast = _with_names_of(authority, file)
    landscape = running_lab(
        file, StateFolder(folder), Journal(), free_ports=True, cast=cast, make_signing_key=_signing_key
    )
    with thread.loop.enter(landscape) as running:
        yield Lab(thread, running)


def _with_names_of(authority: Cast, file: LabFile) -> Cast:
    """Return a cast of the same authorities whose certificates carry the host names of ``file``."""
    wanted = dataclasses.replace(
        authority.settings, mail_host=file.model.mail_server.host_name, tunnel_host=TUNNEL_HOST
    )
    if wanted == authority.settings:
        return authority
    authorities: dict[str, Authority] = authority.all_authorities()
    return Cast.restore(wanted, authorities, {}, authority.issued_subaccounts())

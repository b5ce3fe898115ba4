"""What a lab is made of, as the API shows it: systems with their addresses, e-mail connections, mappings.

Only names, addresses and settings that are no secrets. The parties may run in this process or in others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from maco_lab import lab_model
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_model import LabModel
from maco_lab.maco_side import MacoSide
from maco_lab.page import shapes
from maco_lab.parties import token_service_uses_tls
from maco_lab.pki import LabPki
from maco_lab.sight import HOPS
from maco_wire.observation import Address, Party


class Lab(Protocol):
    """What the page needs of a running lab."""

    @property
    def file(self) -> LabFile:
        """What was started."""

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Every listener by protocol."""

    @property
    def journal(self) -> Journal:
        """What its parties report."""

    @property
    def pki(self) -> LabPki:
        """Its certificates."""

    @property
    def maco(self) -> MacoSide:
        """What polls."""


_MAIL_PROTOCOLS: Mapping[str, str] = {
    "imap": "IMAP",
    "imaps": "IMAP over TLS",
    "smtp": "SMTP",
    "submission": "submission",
    "smtps": "SMTP over TLS",
    "pop3": "POP3",
    "pop3s": "POP3 over TLS",
}


def landscape(lab: Lab, model: LabModel) -> shapes.Landscape:
    """Return the systems in the order of the path, and what runs between them; ``model`` is what runs now."""
    return shapes.Landscape(
        lab=lab.file.name,
        systems=list(_systems(lab, model)),
        hops=list(HOPS),
        email_connections=list(_email_connections(model.maco)),
        mailboxes=[account.user for account in model.mail_server.accounts],
        poll_every_s=model.maco.poll_every_s,
    )


def _systems(lab: Lab, model: LabModel) -> Iterator[shapes.System]:
    yield _system("MaCo", Party.MACO, "polls the mailboxes, and dials the SOCKS5 proxy", [])
    role = "gives out tokens, takes SOCKS5 connections, and sends them into the tunnel"
    yield _system("Connectivity service", Party.CONNECTIVITY, role, _cloud_listeners(lab))
    for connector in model.cloud_connectors:
        role = "dials out to the cloud, and lets in only what is mapped"
        yield _system(f"Cloud Connector {connector.name}", Party.CLOUD_CONNECTOR, role, [])
    yield _system(
        "Mail server", Party.MAIL_SERVER, model.mail_server.host_name, _mail_listeners(lab, model.mail_server)
    )


def _system(name: str, party: Party, role: str, listeners: Iterable[shapes.Listener]) -> shapes.System:
    return shapes.System(name=name, party=party, role=role, listeners=list(listeners))


def _cloud_listeners(lab: Lab) -> Iterator[shapes.Listener]:
    over_tls = token_service_uses_tls(lab.file.model.cloud)
    for protocol, shown, certificate in (
        ("socks5", "SOCKS5 (0x80)", ""),
        ("token", "token service", "tunnel_endpoint" if over_tls else ""),
        ("tunnel", "tunnel", "tunnel_endpoint"),
    ):
        yield _listener(shown, lab.addresses[protocol], certificate)


def _mail_listeners(lab: Lab, server: lab_model.MailServer) -> Iterator[shapes.Listener]:
    for protocol, address in lab.addresses.items():
        if protocol in _MAIL_PROTOCOLS:
            starttls = (
                ", STARTTLS" if server.offer_starttls and protocol in {"imap", "smtp", "submission", "pop3"} else ""
            )
            yield _listener(
                _MAIL_PROTOCOLS[protocol] + starttls, address, certificate_name(server.certificate_of(protocol))
            )


def _listener(protocol: str, address: Address, certificate: str) -> shapes.Listener:
    host, port = address
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return shapes.Listener(protocol=protocol, address=shown, certificate=certificate)


def certificate_name(choice: lab_model.Certificate) -> str:
    """Return how the lab file calls a certificate: by its name in the lab's PKI, or by its file."""
    return choice if isinstance(choice, str) else choice.file


def _email_connections(maco: lab_model.MaCo) -> Iterator[shapes.EmailConnection]:
    servers = {server.name: server for server in maco.email_servers}
    for connection in maco.email_connections:
        server = servers[connection.server]
        yield shapes.EmailConnection(
            name=connection.name,
            server=server.name,
            virtual=server.address,
            proxy_type=server.proxy_type,
            location_id=server.location_id,
            protection=connection.protection,
            folder=connection.folder,
        )

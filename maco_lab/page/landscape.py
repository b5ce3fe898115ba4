"""What a lab is made of, as the API shows it: systems with their addresses, e-mail connections, mappings.

Only names, addresses and settings that are no secrets. The parties may run in this process or in others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from maco_lab import lab_model, maco_model
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_model import LabModel
from maco_lab.lab_section import certificate_name
from maco_lab.maco_side import MacoSide
from maco_lab.page import shapes
from maco_lab.parties import token_service_uses_tls
from maco_lab.pki import LabPki
from maco_lab.sight import HOPS, IMPOSTOR
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
    def administered_at(self) -> Mapping[str, Address]:
        """Where each Cloud Connector is administered, by its name."""

    @property
    def maco_api(self) -> Address | None:
        """Where MaCo's API and pages are; None if the lab file switches them off."""

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


def landscape(lab: Lab, model: LabModel, *, impostor: bool = False) -> shapes.Landscape:
    """Return the systems in the order of the path, and what runs between them; ``model`` is what runs now.

    An ``impostor`` may be in the mail server's place.
    """
    return shapes.Landscape(
        lab=lab.file.name,
        systems=list(_systems(lab, model, impostor=impostor)),
        hops=list(HOPS),
        email_connections=list(_email_connections(model.maco)),
        mailboxes=[account.user for account in model.mail_server.accounts],
        poll_every_s=model.maco.poll_every_s,
    )


def _systems(lab: Lab, model: LabModel, *, impostor: bool) -> Iterator[shapes.System]:
    pages = f"http://{_shown(lab.maco_api)}/" if lab.maco_api else ""
    yield _system("MaCo", Party.MACO, "polls the mailboxes, and dials the SOCKS5 proxy", [], pages)
    role = "gives out tokens, takes SOCKS5 connections, and sends them into the tunnel"
    yield _system("Connectivity service", Party.CONNECTIVITY, role, _cloud_listeners(lab))
    for connector in model.cloud_connectors:
        role = "dials out to the cloud, and lets in only what is mapped"
        administered_at = lab.administered_at.get(connector.name)
        pages = f"https://{_shown(administered_at)}/" if administered_at else ""
        yield _system(f"Cloud Connector {connector.name}", Party.CLOUD_CONNECTOR, role, [], pages)
    role = model.mail_server.host_name
    if impostor:
        role = f"in the place of {role}, with a certificate that anybody can make"
    name = IMPOSTOR.capitalize() if impostor else "Mail server"
    yield _system(name, Party.MAIL_SERVER, role, _mail_listeners(lab, model.mail_server))


def _system(name: str, party: Party, role: str, listeners: Iterable[shapes.Listener], pages: str = "") -> shapes.System:
    return shapes.System(name=name, party=party, role=role, listeners=list(listeners), pages=pages)


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
    return shapes.Listener(protocol=protocol, address=_shown(address), certificate=certificate)


def _shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _email_connections(maco: maco_model.MaCo) -> Iterator[shapes.EmailConnection]:
    servers = {server.name: server for server in maco.email_servers}
    for connection in maco.email_connections:
        server = servers[connection.server]
        yield shapes.EmailConnection(
            name=connection.name,
            server=server.name,
            virtual=server.address,
            proxy_type=server.proxy_type,
            location_id=server.location_id,
            transport_protocol=connection.transport_protocol,
            protection=connection.protection,
            folder=connection.folder,
        )

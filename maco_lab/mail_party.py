"""Build the mail server. Apart from ``parties``, because it brings Twisted and aiosmtpd with it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping

from cryptography import x509

from certs.summary import summarize
from maco_lab import lab_model
from maco_lab.lab_checks import tls_settings
from maco_lab.lab_file import LabFile
from maco_lab.mail_tls import imap_context_factory, listener_tls, smtp_context
from maco_lab.parties import Reporting, mail_server_settings
from maco_lab.pki import LabPki
from maco_lab.sight import IMPOSTOR
from maco_lab.state import StateFolder
from maco_wire.observation import Address, Party
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.server import MailServer
from mailserver_sim.tls_contexts import TlsContexts


def build_mail_server(
    file: LabFile, state: StateFolder, pki: LabPki, reporting: Reporting, *, free_ports: bool
) -> tuple[MailServer, Mapping[str, Address]]:
    """Return the mail server, not started, and the address that the lab file gives to each protocol.

    Called on the loop that is to carry it: Twisted's reactor is bound to it from here on.
    """
    ensure_reactor(asyncio.get_running_loop())
    settings, configured = mail_server_settings(
        file.model.mail_server, file.folder, state.mail_store, free_ports=free_ports
    )
    issued = pki.server(file.model.mail_server.certificate)
    server = MailServer(
        settings,
        imap_tls=imap_context_factory(issued, pki.key_files),
        smtp_tls=pki.logged(smtp_context(issued), Party.MAIL_SERVER),
        record=reporting.record,
        describe_certificate=summarize,
        canaries=reporting.canaries,
        own_tls=_all_own_tls(file.model.mail_server, pki),
    )
    return server, configured


async def restart_mail_server(
    server: MailServer, described: lab_model.MailServer, pki: LabPki, *, impostor: bool = False
) -> None:
    """Let a running mail server do STARTTLS and present a certificate as ``described``; its ports and its mail stay.

    As an ``impostor`` it says in what it observes that it is one in the mail server's place.

    Raises OSError naming a port that was taken meanwhile.
    """
    issued = pki.server(described.certificate)
    await server.restart(
        dataclasses.replace(server.settings, offer_starttls=described.offer_starttls),
        imap_tls=imap_context_factory(issued, pki.key_files),
        smtp_tls=pki.logged(smtp_context(issued), Party.MAIL_SERVER),
        own_tls=_all_own_tls(described, pki),
        system=IMPOSTOR if impostor else None,
    )


def _all_own_tls(described: lab_model.MailServer, pki: LabPki) -> dict[str, TlsContexts]:
    """Return the TLS of each port that has keys of its own in the lab file."""
    return {protocol: _own_tls(described, protocol, tls, pki) for protocol, tls in described.tls.items()}


def _own_tls(described: lab_model.MailServer, protocol: str, tls: lab_model.MailTls, pki: LabPki) -> TlsContexts:
    issued = pki.server(described.certificate_of(protocol))
    anchors = [x509.load_der_x509_certificate(pki.anchor(choice)) for choice in tls.client_authorities]
    return listener_tls(issued, tls_settings(tls), anchors, pki.key_files)

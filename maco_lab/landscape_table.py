"""The one table that ``maco-lab up`` prints: system, address, protocol, certificate, and whom it trusts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from rich.table import Table
from rich.text import Text

from maco_lab import lab_model
from maco_lab.lab_file import LabFile
from maco_lab.lab_section import Certificate, certificate_name
from maco_lab.parties import token_service_uses_tls
from maco_wire.observation import Address

_MAIL_PROTOCOLS = {
    "imap": "IMAP, STARTTLS",
    "imaps": "IMAP over TLS",
    "smtp": "SMTP, STARTTLS",
    "submission": "submission, STARTTLS",
    "smtps": "SMTP over TLS",
    "pop3": "POP3, STARTTLS",
    "pop3s": "POP3 over TLS",
}


class Landscape(Protocol):
    """What the table shows of a lab, whatever its parties run in."""

    @property
    def file(self) -> LabFile:
        """What was started."""

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Every listener by protocol: the three of the cloud side, and the mail server's."""

    @property
    def maco_api(self) -> Address | None:
        """Where MaCo's API is, if it has one."""

    @property
    def administered_at(self) -> Mapping[str, Address]:
        """Where each Cloud Connector is administered, by its name."""


def landscape_table(lab: Landscape, page: Address | None = None) -> Table:
    """Return the table of a running lab; ``page`` is where its page is served, if it is."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("System, address")
    for heading in ("Protocol", "Certificate", "Trusts"):
        table.add_column(heading)
    model = lab.file.model
    _add(table, "MaCo", _maco_rows(lab))
    _add(table, "Connectivity service", _cloud_rows(lab))
    for connector in model.cloud_connectors:
        _add(
            table,
            f"Cloud Connector {connector.name}",
            _connector_rows(connector, lab.administered_at.get(connector.name)),
        )
    _add(table, "Mail server", _mail_rows(lab))
    if page:
        _add(table, "Lab page", [(_shown(page), "HTTP, this machine", "", "")])
    return table


def _add(table: Table, system: str, rows: list[tuple[str, str, str, str]]) -> None:
    """Add a system and its rows; the names in them are a user's own, so they are text and no mark-up."""
    table.add_row(Text(system), style="bold")
    for address, *rest in rows:
        table.add_row(Text(f"  {address}"), *map(Text, rest))


def _maco_rows(lab: Landscape) -> list[tuple[str, str, str, str]]:
    trusted = _listed(lab.file.model.maco.key_store.values(), "key store")
    by_pop3 = {each.transport_protocol == "POP3" for each in lab.file.model.maco.email_connections}
    spoken = {frozenset({True}): "POP3", frozenset({True, False}): "IMAP, POP3"}.get(frozenset(by_pop3), "IMAP")
    rows = [("dials the proxy", f"{spoken} over SOCKS5", "", trusted)]
    return [*rows, (_shown(lab.maco_api), "API, HTTP, this machine", "", "")] if lab.maco_api else rows


def _cloud_rows(lab: Landscape) -> list[tuple[str, str, str, str]]:
    certificate = "tunnel_endpoint" if token_service_uses_tls(lab.file.model.cloud) else ""
    return [
        (_shown(lab.addresses["socks5"]), "SOCKS5 (0x80)", "", "its own tokens"),
        (_shown(lab.addresses["token"]), "token service", certificate, "client secrets"),
        (_shown(lab.addresses["tunnel"]), "tunnel", "tunnel_endpoint", "cloud_clients"),
    ]


def _connector_rows(
    connector: lab_model.CloudConnector, administered_at: Address | None
) -> list[tuple[str, str, str, str]]:
    store = connector.back_end_trust_store
    back_ends = "back ends: all" if store.trust_all_backends else _listed(store.certificates, "back ends")
    rows = [
        (
            f"dials out as {each.location_id or '(no location ID)'}",
            f"tunnel {each.subaccount}",
            "of the subaccount",
            "cloud_root",
        )
        for each in connector.subaccounts
    ]
    if connector.high_availability:
        every_s = connector.high_availability.check_interval_s
        rows.append(("has a shadow", f"that checks it every {every_s:g} s", "administration", "connector_ca"))
    if administered_at:
        rows.append((_shown(administered_at), "REST API, HTTPS", "self-signed", "its users"))
    system = "system certificate" if connector.system_certificate else ""
    return [*rows, ("dials back ends", f"{_count(connector)} system mappings", system, back_ends)]


def _count(connector: lab_model.CloudConnector) -> int:
    return sum(len(each.mappings) for each in connector.subaccounts)


def _mail_rows(lab: Landscape) -> list[tuple[str, str, str, str]]:
    server = lab.file.model.mail_server
    plain = "" if server.offer_starttls else " (not offered)"
    return [
        (
            _shown(address),
            _MAIL_PROTOCOLS[protocol] + (plain if "STARTTLS" in _MAIL_PROTOCOLS[protocol] else ""),
            certificate_name(server.certificate_of(protocol)),
            "",
        )
        for protocol, address in lab.addresses.items()
        if protocol in _MAIL_PROTOCOLS
    ]


def _listed(choices: Iterable[Certificate], store: str) -> str:
    names = [certificate_name(choice) for choice in choices]
    return f"{store}: {', '.join(names) or 'nobody'}"


def _shown(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"

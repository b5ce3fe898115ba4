"""The one table that ``maco-lab up`` prints: system, address, protocol, certificate, and whom it trusts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from maco_lab import lab_model
from maco_lab.topology import RunningLab

_MAIL_PROTOCOLS = {
    "imap": "IMAP, STARTTLS",
    "imaps": "IMAP over TLS",
    "smtp": "SMTP, STARTTLS",
    "submission": "submission, STARTTLS",
    "smtps": "SMTP over TLS",
}


def landscape_table(lab: RunningLab) -> Table:
    """Return the table of a running lab."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("System, address")
    for heading in ("Protocol", "Certificate", "Trusts"):
        table.add_column(heading)
    model = lab.file.model
    _add(
        table,
        "MaCo",
        [("dials the proxy", "IMAP over SOCKS5", "", _listed(model.maco.key_store.values(), "key store"))],
    )
    _add(table, "Connectivity service", _cloud_rows(lab))
    for connector in model.cloud_connectors:
        _add(table, f"Cloud Connector {connector.name}", _connector_rows(connector))
    _add(table, "Mail server", _mail_rows(lab))
    return table


def _add(table: Table, system: str, rows: list[tuple[str, str, str, str]]) -> None:
    """Add a system and its rows; the names in them are a user's own, so they are text and no mark-up."""
    table.add_row(Text(system), style="bold")
    for address, *rest in rows:
        table.add_row(Text(f"  {address}"), *map(Text, rest))


def _cloud_rows(lab: RunningLab) -> list[tuple[str, str, str, str]]:
    cloud = lab.cloud
    return [
        (_shown(cloud.socks5_address), "SOCKS5 (0x80)", "", "its own tokens"),
        (_shown(cloud.token_address), "token service", "", "client secrets"),
        (_shown(cloud.tunnel_address), "tunnel", "tunnel_endpoint", "cloud_clients"),
    ]


def _connector_rows(connector: lab_model.CloudConnector) -> list[tuple[str, str, str, str]]:
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
    system = "system certificate" if connector.system_certificate else ""
    return [*rows, ("dials back ends", f"{_count(connector)} system mappings", system, back_ends)]


def _count(connector: lab_model.CloudConnector) -> int:
    return sum(len(each.mappings) for each in connector.subaccounts)


def _mail_rows(lab: RunningLab) -> list[tuple[str, str, str, str]]:
    server = lab.file.model.mail_server
    plain = "" if server.offer_starttls else " (not offered)"
    return [
        (
            _shown(address),
            _MAIL_PROTOCOLS[protocol] + (plain if "STARTTLS" in _MAIL_PROTOCOLS[protocol] else ""),
            _name(server.certificate),
            "",
        )
        for protocol, address in lab.mail_server.addresses.items()
    ]


def _listed(choices: Iterable[lab_model.Certificate], store: str) -> str:
    names = [_name(choice) for choice in choices]
    return f"{store}: {', '.join(names) or 'nobody'}"


def _name(choice: lab_model.Certificate) -> str:
    return choice if isinstance(choice, str) else choice.file


def _shown(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"

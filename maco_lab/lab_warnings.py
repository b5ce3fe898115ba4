"""What is allowed in a lab file but will not work, or not as one may think; ``maco-lab validate`` tells it.

A lab exists to show mistakes, so a mistake that the real systems accept is none for the lab file either.
"""

from __future__ import annotations

from collections.abc import Iterator

from maco_lab.lab_model import EmailServer, LabModel, SystemMapping
from maco_lab.parties import email_connections


def warnings(model: LabModel) -> list[str]:
    """Return every warning, each a line for a person."""
    return [*_shared_location_ids(model), *_unreachable_servers(model), *_connections(model)]


def _shared_location_ids(model: LabModel) -> Iterator[str]:
    holders: dict[tuple[str, str], str] = {}
    for connector in model.cloud_connectors:
        for each in connector.subaccounts:
            first = holders.setdefault((each.subaccount, each.location_id), connector.name)
            if first != connector.name:
                yield (
                    f"Cloud Connector {connector.name}: subaccount {each.subaccount} has a Cloud Connector with "
                    f"{_location(each.location_id)} already ({first}); the second tunnel is refused with 409"
                )


def _unreachable_servers(model: LabModel) -> Iterator[str]:
    subaccount = next(each.subaccount for each in model.cloud.clients if each.client_id == model.maco.client)
    exposed: dict[str, list[SystemMapping]] = {}
    for connector in model.cloud_connectors:
        for each in connector.subaccounts:
            if each.subaccount == subaccount:
                exposed.setdefault(each.location_id, []).extend(each.mappings)
    for server in model.maco.email_servers:
        if server.proxy_type != "On-Premise":
            continue
        if server.location_id not in exposed:
            yield (
                f"e-mail server {server.name}: no Cloud Connector of subaccount {subaccount} has "
                f"{_location(server.location_id)}"
            )
        elif not any(_is_for(mapping, server) for mapping in exposed[server.location_id]):
            yield (
                f"e-mail server {server.name}: no system mapping for {server.address} behind "
                f"{_location(server.location_id)}"
            )


def _is_for(mapping: SystemMapping, server: EmailServer) -> bool:
    host, _, port = server.address.partition(":")
    virtual_host, virtual_ports = mapping.virtual
    return virtual_host.lower() == host.lower() and int(port or 143) in virtual_ports


def _connections(model: LabModel) -> Iterator[str]:
    for connection in email_connections(model.maco):
        for warning in connection.warnings():
            yield f"e-mail connection {connection.name}: {warning}"


def _location(location_id: str) -> str:
    return f"location ID {location_id!r}" if location_id else "no location ID"

"""What is allowed in a lab file but will not work, or not as one may think; ``maco-lab validate`` tells it.

A lab exists to show mistakes, so a mistake that the real systems accept is none for the lab file either.
"""

from __future__ import annotations

from collections.abc import Iterator

from maco_client.settings import EmailServer, ProxyType, shared_mailboxes, traps
from maco_client.smtp.traps import sending_traps
from maco_lab.lab_model import LabModel, SystemMapping
from maco_lab.maco_checks import email_connections, email_server, sending_connections
from maco_lab.maco_model import MaCo


def warnings(model: LabModel) -> list[str]:
    """Return every warning, each a line for a person."""
    return [
        *_shared_location_ids(model),
        *_impatient_cloud(model),
        *_unreachable_servers(model),
        *_connections(model),
        *_sending(model),
    ]


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


def _impatient_cloud(model: LabModel) -> Iterator[str]:
    allowed = model.cloud.open_timeout_s
    for connector in model.cloud_connectors:
        carried = {mapping.protocol for each in connector.subaccounts for mapping in each.carried}
        may_take, keys = connector.connect_timeout_s, "connect_timeout_s"
        if "TCPS" in carried:
            may_take, keys = may_take + connector.tls_timeout_s, "connect_timeout_s and tls_timeout_s together"
        if carried and may_take > allowed:
            yield (
                f"Cloud Connector {connector.name}: {keys}: {may_take:g} s to open a back end, but the cloud side "
                f"gives up after {allowed:g} s (open_timeout_s) and answers 0x04, whatever the reason"
            )


def _unreachable_servers(model: LabModel) -> Iterator[str]:
    subaccount = next(each.subaccount for each in model.cloud.clients if each.client_id == model.maco.client)
    exposed: dict[str, list[SystemMapping]] = {}
    for connector in model.cloud_connectors:
        for each in connector.subaccounts:
            if each.subaccount == subaccount:
                exposed.setdefault(each.location_id, []).extend(each.carried)
    for kind, server in _on_premise(model.maco):
        if server.location_id not in exposed:
            yield (
                f"{kind} {server.name}: no Cloud Connector of subaccount {subaccount} has "
                f"{_location(server.location_id)}"
            )
        elif not any(_is_for(mapping, server) for mapping in exposed[server.location_id]):
            yield (
                f"{kind} {server.name}: no system mapping for {server.host}:{server.port} behind "
                f"{_location(server.location_id)}"
            )


def _on_premise(maco: MaCo) -> Iterator[tuple[str, EmailServer]]:
    """Yield what MaCo reaches through Cloud Connectors, each with its kind."""
    found = [("e-mail server", email_server(each)) for each in maco.email_servers]
    found += [("sending connection", each.server) for each in sending_connections(maco)]
    yield from ((kind, server) for kind, server in found if server.proxy_type is ProxyType.ON_PREMISE)


def _is_for(mapping: SystemMapping, server: EmailServer) -> bool:
    virtual_host, virtual_ports = mapping.virtual
    return virtual_host.lower() == server.host.lower() and server.port in virtual_ports


def _connections(model: LabModel) -> Iterator[str]:
    connections = email_connections(model.maco)
    shared = shared_mailboxes(connections)
    for each in connections:
        for trap in (*traps(each), *([shared[each.name]] if each.name in shared else [])):
            yield f"e-mail connection {each.name}: {trap}"


def _sending(model: LabModel) -> Iterator[str]:
    for each in sending_connections(model.maco):
        for trap in sending_traps(each):
            yield f"sending connection {each.name}: {trap}"


def _location(location_id: str) -> str:
    return f"location ID {location_id!r}" if location_id else "no location ID"

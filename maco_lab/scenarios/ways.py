"""Find the two ways of a lab file, and change one setting of them. Pure: a landscape in, a landscape out.

Way A is the first e-mail connection that does STARTTLS over a mapping of protocol TCP, way B the first with Protection
Off over TCP TLS (docs/where-tls-ends.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from maco_lab.lab_model import ConnectorSubaccount, LabModel, SystemMapping
from maco_lab.lab_section import split_host_ports
from maco_lab.maco_model import EmailConnection, EmailServer

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Way:
    """An e-mail connection, the e-mail server it names, and the mapping that this leads to."""

    connection: EmailConnection
    server: EmailServer
    mapping: SystemMapping


def way_a(model: LabModel) -> Way | None:
    """Return the way with STARTTLS by MaCo; None if the lab file has none."""
    return _first(model, "TCP", {"STARTTLS Mandatory", "STARTTLS Optional"})


def way_b(model: LabModel) -> Way | None:
    """Return the way with TLS by the Cloud Connector; None if the lab file has none."""
    return _first(model, "TCPS", {"Off"})


def ends_at_the_lab(model: LabModel, way: Way) -> bool:
    """Tell whether a way ends at the lab's own mail server, and not at a real one that ``hosts`` names."""
    (host, ports), server = way.mapping.internal, model.mail_server
    there = {name.lower(): address for name, address in model.hosts.items()}.get(f"{host.lower()}:{ports}")
    own = [port for port in server.ports.model_dump().values() if port is not None]
    return there is not None and there[0] == server.host and there[1].first in own


def with_protection(model: LabModel, way: Way, protection: str) -> LabModel:
    """Change the Protection of a way's e-mail connection."""
    return _with_maco(model, "email_connections", way.connection, protection=protection)


def with_server(model: LabModel, way: Way, **changes: Any) -> LabModel:
    """Change settings of a way's e-mail server in MaCo."""
    return _with_maco(model, "email_servers", way.server, **changes)


def with_mapping(model: LabModel, way: Way, **changes: Any) -> LabModel:
    """Change the mapping of a way."""
    return _with_mappings(model, lambda mappings: _replaced(mappings, way.mapping, **changes))


def without_mapping(model: LabModel, way: Way) -> LabModel:
    """Expose the virtual host of a way no longer."""
    return _with_mappings(model, lambda mappings: [each for each in mappings if each != way.mapping])


def with_mail_server(model: LabModel, **changes: Any) -> LabModel:
    """Change settings of the mail server."""
    return model.model_copy(update={"mail_server": model.mail_server.model_copy(update=changes)})


def with_trust_all(model: LabModel) -> LabModel:
    """Let every Cloud Connector trust every back end."""
    connectors = [
        each.model_copy(
            update={"back_end_trust_store": each.back_end_trust_store.model_copy(update={"trust_all_backends": True})}
        )
        for each in model.cloud_connectors
    ]
    return model.model_copy(update={"cloud_connectors": connectors})


def _first(model: LabModel, protocol: str, protections: set[str]) -> Way | None:
    servers = {server.name: server for server in model.maco.email_servers}
    for connection in model.maco.email_connections:
        server = servers[connection.server]
        mapping = next((each for each in _mappings(model) if _leads_to(server, each)), None)
        if mapping and mapping.protocol == protocol and connection.protection in protections:
            return Way(connection, server, mapping)
    return None


def _leads_to(server: EmailServer, mapping: SystemMapping) -> bool:
    host, ports = split_host_ports(server.address)
    return mapping.virtual[0].lower() == host.lower() and ports.first in mapping.virtual[1]


def _mappings(model: LabModel) -> Iterator[SystemMapping]:
    for connector in model.cloud_connectors:
        for subaccount in connector.subaccounts:
            yield from subaccount.mappings


def _with_maco(model: LabModel, key: str, changed: Any, **changes: Any) -> LabModel:
    listed = _replaced(getattr(model.maco, key), changed, **changes)
    return model.model_copy(update={"maco": model.maco.model_copy(update={key: listed})})


def _with_mappings(model: LabModel, change: Callable[[list[SystemMapping]], list[SystemMapping]]) -> LabModel:
    def changed(subaccount: ConnectorSubaccount) -> ConnectorSubaccount:
        return subaccount.model_copy(update={"mappings": change(subaccount.mappings)})

    connectors = [
        each.model_copy(update={"subaccounts": [changed(subaccount) for subaccount in each.subaccounts]})
        for each in model.cloud_connectors
    ]
    return model.model_copy(update={"cloud_connectors": connectors})


def _replaced(listed: list[_T], changed: Any, **changes: Any) -> list[_T]:
    return [each.model_copy(update=changes) if each == changed else each for each in listed]  # type: ignore[attr-defined]

"""What a shadow receives from its master: subaccounts with their location IDs and system mappings, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import BackEndType, MappingProtocol, SystemMapping


def configuration_of(connector: CloudConnector) -> dict[str, Any]:
    """Return a connector's configuration as it is now."""
    subaccounts = {
        name: {
            "location_id": connector.location_id(name),
            "mappings": [dataclasses.asdict(mapping) for mapping in connector.mappings(name)],
        }
        for name in connector.tunnels
    }
    return {"revision": connector.revision, "subaccounts": subaccounts}


async def adopt(connector: CloudConnector, configuration: Mapping[str, Any]) -> int:
    """Give a shadow its master's configuration; return its revision.

    Raises ValueError, KeyError, TypeError or SettingsError (a ValueError) for what is none.
    """
    for name, subaccount in configuration["subaccounts"].items():
        if name in connector.tunnels:
            connector.expose(name, [_mapping(each) for each in subaccount["mappings"]])
            if connector.location_id(name) != subaccount["location_id"]:
                await connector.change_location_id(name, str(subaccount["location_id"]))
    return int(configuration["revision"])


def _mapping(fields: Mapping[str, Any]) -> SystemMapping:
    known = {
        "protocol": MappingProtocol(fields["protocol"]),
        "back_end_type": BackEndType(fields["back_end_type"]),
    }
    return SystemMapping(**{**fields, **known})

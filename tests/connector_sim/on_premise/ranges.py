"""Mappings of port ranges."""

from __future__ import annotations

from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import MappingProtocol, SystemMapping
from tests.connector_sim.landscape import MAIL_HOST


def port_range(
    virtual: str,
    first: int,
    last: int,
    protocol: MappingProtocol = MappingProtocol.TCP,
    internal_first: int = 2000,
    internal: str = MAIL_HOST,
) -> SystemMapping:
    internal_ports = PortRange(internal_first, internal_first + last - first)
    return SystemMapping.between(virtual, PortRange(first, last), internal, internal_ports, protocol)

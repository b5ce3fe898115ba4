"""One entry of the access control: a virtual system, and the internal one behind it.

A mapping of a port range keeps the offset: behind virtual ports 1000-1010 and internal ports 2000-2010, virtual port
1003 leads to internal port 2003. SAP's pages do not say what ranges of different sizes would mean; here both have the
same size.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from connector_sim.exceptions import SettingsError
from connector_sim.on_premise.port_range import HIGHEST_PORT, PortRange


class MappingProtocol(enum.StrEnum):
    """What the connector does on the way to the back end; values of the REST API, TCPS is "TCP TLS" on its pages."""

    TCP = "TCP"
    TCPS = "TCPS"


class BackEndType(enum.StrEnum):
    """The back-end types that SAP allows for TCP and TCP TLS."""

    ABAP = "abapSys"
    HANA = "hana"
    GATEWAY = "netweaverGW"
    OTHER_SAP = "otherSAPsys"
    NON_SAP = "nonSAPsys"


@dataclass(frozen=True, slots=True)
class SystemMapping:
    """One entry of the access control: the virtual system a cloud application may reach, and the internal one.

    Both port ranges begin at the port given and have ``port_count`` ports.
    """

    virtual_host: str
    virtual_port: int
    internal_host: str
    internal_port: int
    protocol: MappingProtocol
    back_end_type: BackEndType = BackEndType.NON_SAP
    description: str = ""
    port_count: int = 1

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        for field, host in (("virtualHost", self.virtual_host), ("localHost", self.internal_host)):
            if not host or not host.isascii() or not host.isprintable() or " " in host or len(host) > 255:
                raise SettingsError(field, f"found {host!r}, allowed: a host name of 1 to 255 ASCII characters")
        for field, port in (("virtualPort", self.virtual_port), ("localPort", self.internal_port)):
            last = port + self.port_count - 1
            if not 1 <= port <= last <= HIGHEST_PORT:
                found = port if self.port_count == 1 else f"{port}-{last}"
                raise SettingsError(field, f"found {found}, allowed: 1 to {HIGHEST_PORT}")

    @classmethod
    def between(
        cls,
        virtual_host: str,
        virtual_ports: PortRange,
        internal_host: str,
        internal_ports: PortRange,
        protocol: MappingProtocol,
        back_end_type: BackEndType = BackEndType.NON_SAP,
        description: str = "",
    ) -> SystemMapping:
        """Return a mapping of one port range to another. Raises SettingsError, also if their sizes differ."""
        count = len(virtual_ports)
        if len(internal_ports) != count:
            found, wanted = _ports(len(internal_ports)), _ports(count)
            raise SettingsError("localPort", f"found {internal_ports} ({found}), allowed: {wanted}, as many as virtual")
        first, internal = virtual_ports.first, internal_ports.first
        return cls(virtual_host, first, internal_host, internal, protocol, back_end_type, description, count)

    @property
    def virtual_ports(self) -> PortRange:
        """The ports that a cloud application may ask for."""
        return PortRange(self.virtual_port, self.virtual_port + self.port_count - 1)

    @property
    def internal_ports(self) -> PortRange:
        """The ports of the internal system."""
        return PortRange(self.internal_port, self.internal_port + self.port_count - 1)

    @property
    def virtual(self) -> str:
        """The virtual ``host:port`` or ``host:low-high`` that identifies the mapping."""
        return f"{self.virtual_host}:{self.virtual_ports}"

    def narrowed_to(self, virtual_port: int) -> SystemMapping:
        """Return the part of the mapping for one of its virtual ports."""
        if self.port_count == 1:
            return self
        internal_port = self.internal_port + virtual_port - self.virtual_port
        return dataclasses.replace(self, virtual_port=virtual_port, internal_port=internal_port, port_count=1)


def _ports(count: int) -> str:
    return "1 port" if count == 1 else f"{count} ports"

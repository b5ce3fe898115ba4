"""The access control of one subaccount: deny by default, allow what is mapped.

Pure: virtual host and port in, mapping out. What changes acts on the connections that are opened from then on: one that
is open has been allowed, and keeps what it was allowed.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

from connector_sim.on_premise.internal_systems import InternalSystems
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import SystemMapping
from connector_sim.on_premise.virtual_systems import VirtualSystems

NEAREST_AMONG = 200
"""How many mappings are searched for a similar name; a hint is not worth more than a few milliseconds."""


class AccessControl:
    """The mappings of one subaccount."""

    def __init__(self, mappings: Iterable[SystemMapping] = ()) -> None:
        """Begin with these. Raises MappingOverlap."""
        self.changes = 0
        """Counts what was changed."""
        self.replace(mappings)

    @property
    def mappings(self) -> tuple[SystemMapping, ...]:
        """Everything that is exposed, in the order in which it was added."""
        return tuple(self._virtual)

    def replace(self, mappings: Iterable[SystemMapping]) -> None:
        """Expose these mappings and no others. Raises MappingOverlap, and changes nothing then."""
        self._virtual = VirtualSystems(mappings)
        self._internal = InternalSystems(self._virtual)
        self.changes += 1

    def add(self, mapping: SystemMapping) -> None:
        """Expose one more. Raises MappingOverlap, and changes nothing then."""
        self._virtual.add(mapping)
        self._internal.add(mapping)
        self.changes += 1

    def put(self, mapping: SystemMapping) -> None:
        """Expose a mapping in place of the one with the same virtual host and ports, or as a new one.

        Raises MappingOverlap, and changes nothing then.
        """
        if self._virtual.get(mapping.virtual_host, mapping.virtual_ports):
            self.remove(mapping.virtual_host, mapping.virtual_ports)
        self.add(mapping)

    def remove(self, virtual_host: str, virtual_ports: PortRange) -> None:
        """Expose a mapping no longer. A part of a range cannot be removed. Raises KeyError if there is none."""
        self._internal.remove(self._virtual.remove(virtual_host, virtual_ports))
        self.changes += 1

    def get(self, virtual_host: str, virtual_ports: PortRange) -> SystemMapping | None:
        """Return the mapping that has exactly these ports, if it is exposed."""
        return self._virtual.get(virtual_host, virtual_ports)

    def find(self, virtual_host: str, virtual_port: int) -> SystemMapping | None:
        """Return the mapping for this virtual system, if it is exposed; of a port range, the part for this port."""
        mapping = self._virtual.find(virtual_host, virtual_port)
        return mapping and mapping.narrowed_to(virtual_port)

    def nearest(self, virtual_host: str, virtual_port: int) -> str:
        """Return the virtual ``host:port`` of the mapping a caller may have meant; empty if none comes near.

        First the mapping whose *internal* host and port were used instead of the virtual ones; then that of the same
        virtual host with the closest port or range; then the most similar name.
        """
        if used_instead := self._internal.find(virtual_host, virtual_port):
            return used_instead.virtual
        if same_host := self._virtual.closest(virtual_host, virtual_port):
            return same_host.virtual
        names = {_name(mapping, virtual_port): mapping for mapping in itertools.islice(self._virtual, NEAREST_AMONG)}
        close = difflib.get_close_matches(f"{virtual_host.lower()}:{virtual_port}", names, n=1, cutoff=0.6)
        return names[close[0]].virtual if close else ""


def _name(mapping: SystemMapping, asked_port: int) -> str:
    """Return what a caller of a mapping would have written, with the port asked for if it is one of the mapping's."""
    port = asked_port if asked_port in mapping.virtual_ports else mapping.virtual_port
    return f"{mapping.virtual_host.lower()}:{port}"

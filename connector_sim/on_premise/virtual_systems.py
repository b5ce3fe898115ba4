"""The virtual systems of one subaccount by host and port, of which no two may overlap.

Pure. Virtual hosts compare case-insensitively (RFC 4343). Finding one costs the same among ten and among 100,000: a
look-up by host and first port, and only for a port inside a range a binary search among the mappings of that host,
which are 65,535 at most. Adding and removing cost a binary search too.
"""

from __future__ import annotations

import bisect
import operator
from collections.abc import Iterable, Iterator

from connector_sim.exceptions import SettingsError
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import SystemMapping

_first_port = operator.attrgetter("virtual_port")


class MappingOverlap(SettingsError):
    """A mapping has ports that another one has already; both are told."""

    def __init__(self, mapping: SystemMapping, other: SystemMapping) -> None:
        is_same = mapping.virtual.lower() == other.virtual.lower()
        text = f"{mapping.virtual!r} " + ("is mapped twice" if is_same else f"overlaps {other.virtual!r}")
        super().__init__("virtualPort", f"{text}; a virtual port belongs to one mapping")
        self.mapping = mapping
        self.other = other


class VirtualSystems:
    """Mappings in the order they were added, found by a virtual port."""

    def __init__(self, mappings: Iterable[SystemMapping] = ()) -> None:
        """Begin with these. Raises MappingOverlap."""
        self._by_start: dict[tuple[str, int], SystemMapping] = {}
        self._of_host: dict[str, list[SystemMapping]] = {}  # each sorted by first port
        for mapping in mappings:
            self.add(mapping)

    def __len__(self) -> int:
        return len(self._by_start)

    def __iter__(self) -> Iterator[SystemMapping]:
        return iter(self._by_start.values())

    def add(self, mapping: SystemMapping) -> None:
        """Add a mapping. Raises MappingOverlap, and changes nothing then."""
        host = mapping.virtual_host.lower()
        neighbours = self._of_host.get(host, [])
        at = bisect.bisect_left(neighbours, mapping.virtual_port, key=_first_port)
        for other in neighbours[max(at - 1, 0) : at + 1]:  # no others: those that are there do not overlap
            if other.virtual_ports.overlaps(mapping.virtual_ports):
                raise MappingOverlap(mapping, other)
        neighbours.insert(at, mapping)
        self._of_host[host] = neighbours
        self._by_start[host, mapping.virtual_port] = mapping

    def remove(self, virtual_host: str, virtual_ports: PortRange) -> SystemMapping:
        """Remove the mapping that has exactly these ports, and return it. Raises KeyError if there is none."""
        host = virtual_host.lower()
        mapping = self.get(host, virtual_ports)
        if mapping is None:
            raise KeyError(f"{virtual_host}:{virtual_ports}")
        neighbours = self._of_host[host]
        del neighbours[bisect.bisect_left(neighbours, mapping.virtual_port, key=_first_port)]
        if not neighbours:
            del self._of_host[host]
        del self._by_start[host, mapping.virtual_port]
        return mapping

    def get(self, virtual_host: str, virtual_ports: PortRange) -> SystemMapping | None:
        """Return the mapping that has exactly these ports."""
        mapping = self._by_start.get((virtual_host.lower(), virtual_ports.first))
        return mapping if mapping and mapping.virtual_ports == virtual_ports else None

    def find(self, virtual_host: str, virtual_port: int) -> SystemMapping | None:
        """Return the mapping that has this port."""
        host = virtual_host.lower()
        if mapping := self._by_start.get((host, virtual_port)):
            return mapping
        below, _ = self._around(host, virtual_port)
        return below if below and virtual_port in below.virtual_ports else None

    def closest(self, virtual_host: str, virtual_port: int) -> SystemMapping | None:
        """Return the mapping of this host whose ports are closest to the one given; None for an unknown host."""
        around = [each for each in self._around(virtual_host.lower(), virtual_port) if each]
        return min(around, key=lambda each: _distance(each.virtual_ports, virtual_port), default=None)

    def _around(self, host: str, port: int) -> tuple[SystemMapping | None, SystemMapping | None]:
        """Return the mapping of a host that begins at or below a port, and the one that begins above it."""
        neighbours = self._of_host.get(host, [])
        above = bisect.bisect_right(neighbours, port, key=_first_port)
        return (
            neighbours[above - 1] if above else None,
            neighbours[above] if above < len(neighbours) else None,
        )


def _distance(ports: PortRange, port: int) -> int:
    return max(ports.first - port, port - ports.last, 0)

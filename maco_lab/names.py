"""The on-premise names: where an internal host and port of a mapping really listen.

Only the Cloud Connector resolves them. A name that is not in the table does not resolve: the lab never asks a DNS.
A row may give a range of ports at once, ``host:low-high`` to ``address:low-high``, which keeps the offset as a mapping
does. A row for one port comes before a range that has it, so that one system of a range can be somewhere else.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from connector_sim.on_premise.port_range import PortRange
from maco_lab.lab_section import HostPorts, split_host_ports
from maco_wire.observation import Address

_Range: TypeAlias = tuple[PortRange, Address]
"""Ports of a name, and where the first of them listens."""


class OnPremiseNames:
    """The ``hosts`` table of a lab file; names compare case-insensitively.

    ``moved`` tells where a listener of the lab really got its port when free ones were taken. ``firewall`` lists what
    is dropped on the way: whoever dials it gets no answer, not even a refusal.
    """

    def __init__(
        self, hosts: Mapping[str, HostPorts], moved: Mapping[Address, Address], firewall: Iterable[HostPorts] = ()
    ) -> None:
        self._moved = moved
        self._led: dict[tuple[str, int], Address] = {}
        self._single: dict[tuple[str, int], Address] = {}
        self._ranges: dict[str, list[_Range]] = {}
        for name, (address, there) in hosts.items():
            host, ports = split_host_ports(name.lower())
            if len(ports) == 1:
                self._single[host, ports.first] = address, there.first
            else:
                self._ranges.setdefault(host, []).append((ports, (address, there.first)))
        for rows in self._ranges.values():
            rows.sort()
        self._dropped = tuple((host.lower(), ports) for host, ports in firewall)

    def resolve(self, host: str, port: int) -> Address | None:
        """Return where ``host``:``port`` listens."""
        if (led := self._led.get((host.lower(), port))) is not None:
            return led
        address = self._single.get((host.lower(), port)) or self._in_range(host.lower(), port)
        return address and self._moved.get(address, address)

    def drops(self, host: str, port: int) -> bool:
        """Tell whether the firewall drops what is sent to ``host``:``port``."""
        return any(host.lower() == dropped and port in ports for dropped, ports in self._dropped)

    def _in_range(self, host: str, port: int) -> Address | None:
        rows = self._ranges.get(host, [])
        at = bisect.bisect_right(rows, port, key=lambda row: row[0].first) - 1
        if at < 0 or port not in rows[at][0]:
            return None
        ports, (address, first) = rows[at]
        return address, first + port - ports.first

    def name_of(self, address: Address) -> tuple[str, int] | None:
        """Return the first internal host and port that lead to ``address``."""
        configured = {there: here for here, there in self._moved.items()}.get(address, address)
        for rows, wanted in ((self._led, address), (self._single, configured)):
            for host_and_port, there in rows.items():
                if there == wanted:
                    return host_and_port
        return self._name_in_a_range(configured)

    def _name_in_a_range(self, address: Address) -> tuple[str, int] | None:
        for host, rows in self._ranges.items():
            for ports, (there, first) in rows:
                port = ports.first + address[1] - first
                if there == address[0] and port in ports:
                    return host, port
        return None

    def lead(self, host: str, port: int, address: Address) -> None:
        """Let ``host``:``port`` lead elsewhere, as a line added to the table would: for dials to come."""
        self._led[host.lower(), port] = address

    def restore(self) -> None:
        """Put the table of the lab file back."""
        self._led.clear()

"""Under which addresses and names a capture shows the parties.

In a lab on one machine every party is 127.0.0.1, and a name for that address would call MaCo the mail server. So each
loopback address is replaced by one for documentation (RFC 5737): a network for each hop, in it an address for each
party. A server gets the name and the port that it has in the lab file; a client keeps its port, by which its connection
is found in the journal. Addresses that are not loopback stay as they are. See docs/decisions/0018.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from maco_lab.taps.chunk import Hop, TappedConnection
from maco_wire.made_up_tcp import Endpoint
from maco_wire.observation import Address
from maco_wire.pcapng import IpAddress

Servers: TypeAlias = Mapping[Address, tuple[str, int]]
"""Name and port of a listener in the lab file, by the address where it really listens."""

_NETWORKS: Mapping[Hop, ipaddress.IPv4Network] = {
    "cloud network": ipaddress.IPv4Network("192.0.2.0/24"),  # TEST-NET-1
    "tunnel": ipaddress.IPv4Network("198.51.100.0/24"),  # TEST-NET-2
    "customer LAN": ipaddress.IPv4Network("203.0.113.0/24"),  # TEST-NET-3
}
_CLIENTS: Mapping[Hop, str] = {
    "cloud network": "maco",
    "tunnel": "cloud-connector",
    "customer LAN": "cloud-connector",
}


class CaptureAddresses:
    """Gives addresses to the ends of connections; the same end always gets the same one."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._free = {hop: network.hosts() for hop, network in _NETWORKS.items()}
        self._given: dict[tuple[Hop, str], IpAddress] = {}
        self._names: dict[tuple[IpAddress, str], None] = {}

    @property
    def names(self) -> Sequence[tuple[IpAddress, str]]:
        """The names of the addresses that were given so far."""
        return tuple(self._names)

    def ends(self, connection: TappedConnection) -> tuple[Endpoint, Endpoint]:
        """Return client and server of a connection as the capture shows them."""
        client_host, client_port = connection.client
        server_host, server_port = connection.server
        name, port = self._servers.get(connection.server, ("", server_port))
        client = self._address(connection.hop, client_host, _CLIENTS[connection.hop])
        server = self._address(connection.hop, server_host, name)
        if client.version != server.version:
            client, server = _as_ipv6(client), _as_ipv6(server)
        return Endpoint(client, client_port), Endpoint(server, port)

    def _address(self, hop: Hop, host: str, name: str) -> IpAddress:
        real = ipaddress.ip_address(host)
        shown = self._made_up(hop, name or host, real) if real.is_loopback else real
        if name:
            self._names[shown, name] = None
        return shown

    def _made_up(self, hop: Hop, who: str, real: IpAddress) -> IpAddress:
        """Return the address of a party on a hop; when all of the network are given, the real one stays."""
        if (hop, who) not in self._given:
            self._given[hop, who] = next(self._free[hop], real)
        return self._given[hop, who]


def _as_ipv6(address: IpAddress) -> IpAddress:
    """Return an IPv4 address as RFC 4291, section 2.5.5.2, writes it: a tap may stand between the two."""
    return ipaddress.IPv6Address(f"::ffff:{address}") if address.version == 4 else address

"""Which tunnel leads where: (subaccount of the token, location ID) to the TLS connections of a Cloud Connector.

Location IDs are compared exactly; the empty one is the connector without a location ID. The same installation may
replace its own dead tunnel at any time; another installation with the same location ID is refused (409), because SAP
requires location IDs to be unique per subaccount, unless the setting says that the newer one wins. A tunnel that was
replaced does not come back by dialling again: it would throw out its successor, and so on for ever. Only a tunnel that
was started anew, with a new tunnel ID, takes the place.

Connections with the same tunnel ID are one tunnel; a new stream goes to the one that carries the fewest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector_sim.tunnel.handshake import TunnelHello
from connector_sim.tunnel.session import TunnelSession

REPLACED = "replaced by a newer tunnel"
MAX_REPLACED_IDS = 64
"""How many replaced tunnels one place remembers; more of them alive at a time are no mistake but an attack."""


@dataclass(slots=True, eq=False)
class Connection:
    """One TLS connection of a tunnel; ``gone`` is set once its end was reported."""

    hello: TunnelHello
    session: TunnelSession
    tunnel: Tunnel
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    predecessors: tuple[Connection, ...] = ()
    """Those whose place it has taken: their end is told before its beginning."""


@dataclass(slots=True, eq=False)
class Tunnel:
    """A connected Cloud Connector; ``up`` counts the connections that carry streams."""

    installation_id: str
    tunnel_id: str
    replaced_ids: tuple[str, ...] = ()
    connections: dict[int, Connection] = field(default_factory=dict)
    predecessors: tuple[Connection, ...] = ()
    up: int = 0

    def admits(self, hello: TunnelHello, *, replace_foreign: bool) -> bool:
        """Tell whether a connection may join this tunnel or take its place."""
        if hello.tunnel_id and hello.tunnel_id in self.replaced_ids:
            return False
        return replace_foreign or self.installation_id == hello.installation_id

    def is_joined_by(self, hello: TunnelHello) -> bool:
        """Tell whether a connection is one more of this tunnel."""
        same = (self.installation_id, self.tunnel_id) == (hello.installation_id, hello.tunnel_id)
        return bool(hello.tunnel_id) and same

    def successor(self, hello: TunnelHello) -> Tunnel:
        """Return the tunnel that takes this one's place."""
        replaced = (*self.replaced_ids, self.tunnel_id)[-MAX_REPLACED_IDS:]
        predecessors = (*self.predecessors, *self.connections.values())
        alive = tuple(each for each in predecessors if not each.gone.is_set())
        return Tunnel(hello.installation_id, hello.tunnel_id, tuple(filter(None, replaced)), predecessors=alive)

    def open_sessions(self) -> Iterator[TunnelSession]:
        """Yield what can open streams."""
        return (each.session for each in self.connections.values() if each.session.is_open)


class TunnelRegistry:
    """The tunnels that are up."""

    def __init__(self, *, replace_foreign: bool) -> None:
        self._replace_foreign = replace_foreign
        self._tunnels: dict[tuple[str, str], Tunnel] = {}

    def admits(self, hello: TunnelHello) -> bool:
        """Tell whether a connector may take this place."""
        held = self._tunnels.get(_place(hello))
        return held is None or held.admits(hello, replace_foreign=self._replace_foreign)

    def add(self, hello: TunnelHello, session: TunnelSession) -> Connection:
        """Put a connection in its place; those it replaces are ended and become its predecessors.

        ``admits`` and ``add`` belong together without an await between them, or two could be admitted to one place.
        """
        held = self._tunnels.get(_place(hello))
        if held is None:
            tunnel = Tunnel(hello.installation_id, hello.tunnel_id)
        elif held.is_joined_by(hello):
            tunnel = held
        else:
            tunnel = held.successor(hello)
            for each in held.connections.values():
                each.session.abort(REPLACED)
        self._tunnels[_place(hello)] = tunnel
        return _join(tunnel, hello, session)

    def remove(self, connection: Connection) -> None:
        """Take a connection out, and its tunnel with the last one; a newer one that has the place stays."""
        tunnel, index = connection.tunnel, connection.hello.connection
        if tunnel.connections.get(index) is connection:
            del tunnel.connections[index]
        place = _place(connection.hello)
        if not tunnel.connections and self._tunnels.get(place) is tunnel:
            del self._tunnels[place]

    def find(self, subaccount: str, location_id: str) -> TunnelSession | None:
        """Return the session to open a stream in, if there is one: of those that are open the least loaded."""
        tunnel = self._tunnels.get((subaccount, location_id))
        return min(tunnel.open_sessions(), key=lambda each: each.open_streams, default=None) if tunnel else None

    def sessions(self) -> list[TunnelSession]:
        """Return every session, also those that open no streams any more."""
        return [each.session for tunnel in self._tunnels.values() for each in tunnel.connections.values()]

    async def emptied(self) -> None:
        """Return once the connections that are up now have ended, and their end was reported."""
        connections = [each for tunnel in self._tunnels.values() for each in tunnel.connections.values()]
        for connection in connections:
            await connection.gone.wait()

    def location_ids(self, subaccount: str) -> list[str]:
        """Return the location IDs that are connected for a subaccount, sorted."""
        return sorted(location for owner, location in self._tunnels if owner == subaccount)


def _place(hello: TunnelHello) -> tuple[str, str]:
    return hello.subaccount, hello.location_id


def _join(tunnel: Tunnel, hello: TunnelHello, session: TunnelSession) -> Connection:
    """Add a connection to a tunnel; one with the same number is dead, whatever it looks like from here."""
    held = tunnel.connections.get(hello.connection)
    if held is not None:
        held.session.abort(REPLACED)
    tunnel.predecessors = tuple(each for each in tunnel.predecessors if not each.gone.is_set())
    predecessors = (*tunnel.predecessors, *([held] if held else []))
    connection = tunnel.connections[hello.connection] = Connection(hello, session, tunnel, predecessors=predecessors)
    return connection

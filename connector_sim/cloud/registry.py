"""Which tunnel leads where: (subaccount of the token, location ID) to the session of a Cloud Connector.

Location IDs are compared exactly; the empty one is the connector without a location ID. The same installation may
replace its own dead tunnel at any time; another installation with the same location ID is refused (409), because SAP
requires location IDs to be unique per subaccount, unless the setting says that the newer one wins.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from connector_sim.tunnel.session import TunnelSession


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A connected Cloud Connector; ``gone`` is set once its end was reported."""

    subaccount: str
    location_id: str
    installation_id: str
    session: TunnelSession
    gone: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class TunnelRegistry:
    """The tunnels that are up."""

    def __init__(self, *, replace_foreign: bool) -> None:
        self._replace_foreign = replace_foreign
        self._tunnels: dict[tuple[str, str], Tunnel] = {}

    def admits(self, subaccount: str, location_id: str, installation_id: str) -> bool:
        """Tell whether a connector may take this place."""
        held = self._tunnels.get((subaccount, location_id))
        return held is None or self._replace_foreign or held.installation_id == installation_id

    def add(self, tunnel: Tunnel) -> Tunnel | None:
        """Put a tunnel in its place; the one it replaces is ended and returned.

        ``admits`` and ``add`` belong together without an await between them, or two could be admitted to one place.
        """
        key = (tunnel.subaccount, tunnel.location_id)
        held = self._tunnels.get(key)
        self._tunnels[key] = tunnel
        if held is not None:
            held.session.abort("replaced by a newer tunnel")
        return held

    def remove(self, tunnel: Tunnel) -> None:
        """Take a tunnel out, unless a newer one has its place already."""
        key = (tunnel.subaccount, tunnel.location_id)
        if self._tunnels.get(key) is tunnel:
            del self._tunnels[key]

    def find(self, subaccount: str, location_id: str) -> TunnelSession | None:
        """Return the open session to use, if there is one."""
        tunnel = self._tunnels.get((subaccount, location_id))
        return tunnel.session if tunnel and tunnel.session.is_open else None

    async def emptied(self) -> None:
        """Return once the tunnels that are up now have ended, and their end was reported."""
        for tunnel in tuple(self._tunnels.values()):
            await tunnel.gone.wait()

    def location_ids(self, subaccount: str) -> list[str]:
        """Return the location IDs that are connected for a subaccount, sorted."""
        return sorted(location for owner, location in self._tunnels if owner == subaccount)

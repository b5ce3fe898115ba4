"""How a Cloud Connector keeps its tunnels: Configuration > Advanced > Connectivity, and what a lab needs beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector_sim.exceptions import SettingsError
from connector_sim.tunnel.handshake import MAX_CONNECTIONS
from connector_sim.tunnel.keep_alive import KeepAlive


@dataclass(frozen=True, slots=True)
class TunnelLife:
    """All durations in seconds."""

    application_tunnel_connections: int = 1
    """TLS connections of each tunnel; SAP's default, "> 0" (facts, section 2.1)."""
    drain_s: float = 5.0
    """How long connections that run may still take when the process ends; the administrator's disconnect cuts all."""
    keep_alive: KeepAlive = field(default_factory=KeepAlive)

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        if not 1 <= (found := self.application_tunnel_connections) <= MAX_CONNECTIONS:
            raise SettingsError("application_tunnel_connections", f"found {found}, allowed: 1 to {MAX_CONNECTIONS}")
        if self.drain_s < 0:
            raise SettingsError("drain_s", f"found {self.drain_s:g}, allowed: 0 or more")

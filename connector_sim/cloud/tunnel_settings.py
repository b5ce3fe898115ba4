"""How the cloud side keeps the tunnels that connectors have opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector_sim.exceptions import SettingsError
from connector_sim.tunnel.keep_alive import KeepAlive


@dataclass(frozen=True, slots=True)
class TunnelCare:
    """All durations in seconds."""

    drain_s: float = 5.0
    """How long connections that run may still take when the process ends."""
    keep_alive: KeepAlive = field(default_factory=KeepAlive)

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        if self.drain_s < 0:
            raise SettingsError("drain_s", f"found {self.drain_s:g}, allowed: 0 or more")

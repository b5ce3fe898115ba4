"""The settings of a pair of Cloud Connectors, by the names of SAP's ``ha/shadow/config``."""

from __future__ import annotations

from dataclasses import dataclass

from connector_sim.exceptions import SettingsError


@dataclass(frozen=True, slots=True)
class HaSettings:
    """How master and shadow watch each other; the values are those that the shadow has (facts, section 2.5)."""

    check_interval_s: float = 30.0
    takeover_delay_s: float = 10.0
    connect_timeout_ms: int = 1000
    request_timeout_ms: int = 12_000
    missed_checks: int = 3
    """After how many check intervals without an answer the other one is lost."""

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        for name in ("check_interval_s", "connect_timeout_ms", "request_timeout_ms", "missed_checks"):
            if (found := getattr(self, name)) <= 0:
                raise SettingsError(name, f"found {found}, allowed: more than 0")
        if self.takeover_delay_s < 0:
            raise SettingsError("takeover_delay_s", f"found {self.takeover_delay_s:g}, allowed: 0 or more")

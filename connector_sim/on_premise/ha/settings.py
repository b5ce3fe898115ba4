"""The settings of a pair of Cloud Connectors, by the names of SAP's ``ha/shadow/config`` and ``ha/master/config``."""

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


@dataclass(frozen=True, slots=True)
class ShadowAdmission:
    """Which shadow a master lets bind (``haEnabled``, ``allowedShadowHost``); an empty host allows every one."""

    is_enabled: bool = True
    host: str = ""

    def refusal(self, host: str) -> str:
        """Return why a shadow at ``host`` may not bind; empty if it may."""
        if not self.is_enabled:
            return "this master allows no high availability"
        if self.host not in {"", host}:
            return f"this master allows the shadow at {self.host!r} alone, not one at {host!r}"
        return ""

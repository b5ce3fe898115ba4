"""What is logged, as it was set by the API: read from what is kept each time, so whatever changes that acts at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from connector_sim.admin.stored import AUDIT_PATH, LOG_PATH, OF_SUBACCOUNT
from connector_sim.logs.audit_entry import AuditLevel
from connector_sim.logs.names import CROSS_ACCOUNT
from connector_sim.logs.settings import DEFAULT_ROLLOVER, LogSettings, TraceLevel, rollover_bytes

Stored: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]


class StoredLogSettings(LogSettings):
    """The settings of one installation; ``stored`` is its own, and goes on being changed."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def audit_level(self, scope: str) -> AuditLevel:
        """See LogSettings."""
        if scope == CROSS_ACCOUNT:
            return AuditLevel(self._value("", AUDIT_PATH, "level", AuditLevel.SECURITY))
        return AuditLevel(self._value(scope, AUDIT_PATH + OF_SUBACCOUNT, "level", AuditLevel.SECURITY))

    def audit_keep_days(self) -> int:
        """See LogSettings."""
        return int(self._value("", AUDIT_PATH, "cleanup", 0))

    def own_level(self) -> TraceLevel:
        """See LogSettings."""
        return TraceLevel[self._value("", LOG_PATH, "sccLogLevel", "INFO")]

    def other_level(self) -> TraceLevel:
        """See LogSettings."""
        return TraceLevel[self._value("", LOG_PATH, "otherLogLevel", "INFO")]

    def tls_trace(self) -> bool:
        """See LogSettings."""
        return bool(self._value("", LOG_PATH, "tlsTrace", False))

    def rollover_bytes(self) -> int:
        """See LogSettings."""
        return rollover_bytes(self._value("", LOG_PATH, "rolloverThreshold", DEFAULT_ROLLOVER))

    def trace_keep_days(self) -> int:
        """See LogSettings."""
        return int(self._value("", LOG_PATH, "cleanup", 0))

    def traffic_trace(self, subaccount: str) -> bool:
        """See LogSettings."""
        return bool(self._value(subaccount, LOG_PATH + OF_SUBACCOUNT, "trafficTrace", False))

    def _value(self, subaccount: str, path: str, name: str, default: Any) -> Any:
        return self._stored.get(subaccount, {}).get(path, {}).get(name, default)

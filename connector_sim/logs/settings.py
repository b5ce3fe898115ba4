"""What is logged, and how much is kept: asked anew each time, so that a change acts at once.

These are the values of a connector that nobody administers; the administration answers from what was set by its API.
"""

from __future__ import annotations

import enum
import re

from connector_sim.logs.audit_entry import AuditLevel

DEFAULT_ROLLOVER = "50 MB"
SMALLEST_ROLLOVER_BYTES = 1024
LARGEST_ROLLOVER_BYTES = 1024**3
_UNITS = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
_ROLLOVER = re.compile(r"([0-9]{1,9}) ?(KB|MB|GB)")


class TraceLevel(enum.IntEnum):
    """How much of a logger is written: each level and those above it (``sccLogLevel``, ``otherLogLevel``)."""

    OFF = 0
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5
    ALL = 6


class LogSettings:
    """The values at the start (SAP, "Log and Trace Configuration", "Audit Log Configuration")."""

    def audit_level(self, _scope: str) -> AuditLevel:
        """Return what the audit log of a subaccount, or of the connector, has."""
        return AuditLevel.SECURITY

    def audit_keep_days(self) -> int:
        """Return for how many days audit files are kept; 0 for ever."""
        return 0

    def own_level(self) -> TraceLevel:
        """Return how much of the Cloud Connector's own loggers is traced."""
        return TraceLevel.INFO

    def other_level(self) -> TraceLevel:
        """Return the same of all others."""
        return TraceLevel.INFO

    def tls_trace(self) -> bool:
        """Tell whether handshakes shall be traced in detail after the next start."""
        return False

    def rollover_bytes(self) -> int:
        """Return how large a trace file may become."""
        return rollover_bytes(DEFAULT_ROLLOVER)

    def trace_keep_days(self) -> int:
        """Return for how many days full trace files are kept; 0 for ever."""
        return 0

    def traffic_trace(self, _subaccount: str) -> bool:
        """Tell whether somebody wants the payload of a subaccount's tunnels traced."""
        return False


def rollover_bytes(text: str) -> int:
    """Return a threshold in bytes. Raises ValueError for one without a unit ("unit required in PATCH"), or too odd."""
    found = _ROLLOVER.fullmatch(text)
    count = int(found[1]) * _UNITS[found[2]] if found else 0
    if not SMALLEST_ROLLOVER_BYTES <= count <= LARGEST_ROLLOVER_BYTES:
        raise ValueError(f"found {text!r}, allowed: 1 KB to 1 GB with its unit, as in 50 MB")
    return count

"""Names of files and folders of a connector's logs. Pure.

As the product has them (SAP, "Manage Audit Logs", "Log and Trace Configuration"); the folder is the connector's own.
"""

from __future__ import annotations

import re

CROSS_ACCOUNT = "_crossaccount"
"""The scope of what concerns no single subaccount."""

TRACE = "scc_core.trc"
AUDIT, AUDIT_HEADS = "audit", "audit-heads"
_ODD = re.compile(r"[^A-Za-z0-9._-]")
_AUDIT_FILE = re.compile(r"audit-log_(?P<scope>.+)_(?P<date>\d{4}-\d\d-\d\d)(?:_(?P<part>\d{1,6}))?\.csv")


def as_name(text: str) -> str:
    """Return a text as a part of a file's name that leads nowhere else."""
    name = _ODD.sub("_", text) or "_"
    return f"_{name}" if name.startswith(".") else name


def traffic_trace(subaccount: str, region_host: str) -> str:
    """Return the name of the file with the payload of a subaccount's tunnels."""
    return f"tunnel_traffic_{as_name(subaccount)}_on_{as_name(region_host)}.trc"


def audit_file(scope: str, date: str, part: int) -> str:
    """Return the name of an audit file; a day has more than one only when one has become too large."""
    return f"audit-log_{as_name(scope)}_{date}{f'_{part}' if part > 1 else ''}.csv"


def audit_order(name: str) -> tuple[str, int] | None:
    """Return the day and part of an audit file, which is its place in the log; None for any other file."""
    found = _AUDIT_FILE.fullmatch(name)
    return (found["date"], int(found["part"] or 1)) if found else None

"""Log files and audit logs for the administration's page: list, read, search, check. The product has no API for them.

What is in them is for those who may set what is logged; that there are files is for whoever may sign in.
"""

from __future__ import annotations

import urllib.parse
from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.checks import OF_SUBACCOUNT
from connector_sim.admin.endpoint import LAB, Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid, not_found
from connector_sim.admin.replies import Reply, attachment, ok
from connector_sim.admin.roles import LOGS, READ
from connector_sim.admin.subaccounts import named
from connector_sim.logs import reading
from connector_sim.logs.audit_check import Checked, check_log
from connector_sim.logs.audit_download import archive
from connector_sim.logs.audit_line import Line, timestamp
from connector_sim.logs.logs import LogPlaces
from connector_sim.logs.names import CROSS_ACCOUNT, as_name

FILES = f"{LAB}/logFiles"
FILE = FILES + "/{file}"
AUDIT_LOGS = (f"{LAB}/auditLog", f"{OF_SUBACCOUNT}/auditLog")
MAX_PARAMETER = 200
GZIP = "application/gzip"


async def _files(call: Call) -> Reply:
    places = _places(call)
    found = await call.installation.connector.logs.read(lambda: reading.log_files(places.folder))
    shape = [
        {"name": each.name, "size": each.size, "lastModifiedTimeStamp": int(each.changed * 1000)} for each in found
    ]
    return ok(shape)


async def _file(call: Call) -> Reply:
    """Return the end of a file; its name has slashes, which are written %2F."""
    places, name = _places(call), call.parameters["file"]
    try:
        content = await call.installation.connector.logs.read(lambda: reading.read_end(places.folder, name))
    except FileNotFoundError:
        raise not_found("Log file", name) from None
    return attachment(content, name.rpartition("/")[2], "text/plain;charset=UTF-8")


async def _entries(call: Call) -> Reply:
    """Search an audit log: ``type`` (may be given again), ``pattern``, ``since``, ``until`` (ms), ``limit``."""
    places, scope, wanted = _places(call), _scope(call), _wanted(call.request.query)
    found = await call.installation.connector.logs.read(lambda: reading.find_entries(places.folder, scope, wanted))
    return ok([_entry_shape(each) for each in found])


async def _download(call: Call) -> Reply:
    """Return the entries that a search would find, all of them, in a compressed archive."""
    places, scope, wanted, now = _places(call), _scope(call), _wanted(call.request.query), call.installation.now()
    content = await call.installation.connector.logs.read(lambda: archive(places.folder, scope, wanted, now))
    return attachment(content, f"audit-log_{as_name(scope)}.tar.gz", GZIP)


async def _check(call: Call) -> Reply:
    """Check that an audit log is as it was written."""
    places, scope = _places(call), _scope(call)
    found = await call.installation.connector.logs.read(lambda: check_log(places.folder, as_name(scope)))
    return ok(check_shape(found))


def check_shape(found: Checked) -> dict[str, Any]:
    """Return what came of a check."""
    return {
        "scope": found.scope,
        "isWhole": not found.findings,
        "entries": found.entries,
        "lastNumber": found.last.number if found.last else 0,
        "lastHash": found.last.hash if found.last else "",
        "findings": list(found.findings),
        "notes": list(found.notes),
    }


def _entry_shape(line: Line) -> dict[str, Any]:
    return {
        "number": line.number,
        "timestamp": line.timestamp,
        "type": line.type,
        "user": line.user,
        "object": line.subject,
        "old": line.old,
        "new": line.new,
        "message": line.message,
    }


def _places(call: Call) -> LogPlaces:
    places = call.installation.connector.logs.places
    if places is None:
        raise Refused(ErrorType.NOT_FOUND, "This Cloud Connector keeps no logs")
    return places


def _scope(call: Call) -> str:
    return named(call)[1] if "subaccount" in call.parameters else CROSS_ACCOUNT


def _wanted(query: str) -> reading.Wanted:
    given = urllib.parse.parse_qs(query, keep_blank_values=True)
    too_long = any(len(each) > MAX_PARAMETER for values in given.values() for each in values)
    if too_long or not given.keys() <= {"type", "pattern", "since", "until", "limit"}:
        raise invalid("query: allowed: type, pattern, since, until, limit")
    limit = _number(given, "limit", 100)
    if not 1 <= limit <= reading.MOST_ENTRIES:
        raise invalid(f"limit: found {limit}, allowed: 1 to {reading.MOST_ENTRIES}")
    return reading.Wanted(
        frozenset(given.get("type", ())),
        given.get("pattern", [""])[0],
        _moment(given, "since"),
        _moment(given, "until"),
        limit,
    )


def _moment(given: dict[str, list[str]], name: str) -> str:
    """Return a moment as the log writes it; empty if none is given."""
    if name not in given:
        return ""
    try:
        return timestamp(_number(given, name, 0) / 1000)
    except (OverflowError, ValueError, OSError) as error:
        raise invalid(f"{name}: allowed: milliseconds since 1970") from error


def _number(given: dict[str, list[str]], name: str, default: int) -> int:
    found = given.get(name, [str(default)])[0]
    if not (found.isascii() and found.isdigit()):
        raise invalid(f"{name}: found {found[:80]!r}, allowed: a whole number")
    return int(found)


ENDPOINTS = (
    Endpoint("GET", FILES, READ, _files),
    Endpoint("GET", FILE, LOGS, _file),
    *(Endpoint("GET", each, LOGS, _entries) for each in AUDIT_LOGS),
    *(Endpoint("GET", f"{each}/download", LOGS, _download) for each in AUDIT_LOGS),
    *(Endpoint("POST", f"{each}/check", LOGS, _check, only_asks=True) for each in AUDIT_LOGS),
)

"""Plain configuration that is kept and shown: the HTTPS proxy, which acts on nothing here, and what is logged.

Each section is a table of fields with their kinds and defaults; what a client sends is checked by it, and what it reads
back is what it sent. None of this pretends to carry traffic: what would is not in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import invalid
from connector_sim.admin.fields import Fields
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, LOGS, READ, Role
from connector_sim.admin.subaccounts import named
from connector_sim.logs.settings import DEFAULT_ROLLOVER, TraceLevel, rollover_bytes

OWN = "/api/v1/configuration/connector"
OF_SUBACCOUNT = "/subaccounts/{region_host}/{subaccount}"
AUDIT_PATH, LOG_PATH = f"{OWN}/auditLog", f"{OWN}/logAndTrace"

Read: TypeAlias = Callable[[Fields, str], object]
LEVELS = tuple(TraceLevel.__members__)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its value at the start, and how it is read; a field without ``read`` cannot be changed."""

    default: object
    read: Read | None = None


def text(fields: Fields, name: str) -> object:
    """Read a string."""
    return fields.text(name, "")


def flag(fields: Fields, name: str) -> object:
    """Read a boolean."""
    return fields.flag(name)


def number(fields: Fields, name: str) -> object:
    """Read a whole number."""
    return fields.number(name)


def between(least: int, most: int) -> Read:
    """Read a whole number that is not outside the two."""
    return lambda fields, name: fields.number(name, least=least, most=most)


def size(fields: Fields, name: str) -> object:
    """Read a size with its unit ("unit required in PATCH")."""
    found = fields.text(name)
    try:
        rollover_bytes(found)
    except ValueError as error:
        raise invalid(f"{name}: {error}") from error
    return found


def one_of(*allowed: str) -> Read:
    """Read one of some words."""
    return lambda fields, name: fields.choice(name, allowed)


def one_of_numbers(*allowed: int) -> Read:
    """Read one of some numbers."""

    def read(fields: Fields, name: str) -> object:
        found = fields.number(name)
        if found not in allowed:
            raise invalid(f"{name}: found {found}, allowed: {', '.join(map(str, allowed))}")
        return found

    return read


Section: TypeAlias = Mapping[str, Field]

AUDIT: Section = {
    "level": Field("SECURITY", one_of("OFF", "SECURITY", "ALL")),
    "cleanup": Field(0, one_of_numbers(0, 14, 30, 90, 180, 365)),
    "logPath": Field("log/audit"),
}
AUDIT_OF_SUBACCOUNT: Section = {"level": Field("SECURITY", one_of("OFF", "SECURITY", "ALL"))}
LOG: Section = {
    "sccLogLevel": Field("INFO", one_of(*LEVELS)),
    "otherLogLevel": Field("INFO", one_of(*LEVELS)),
    "tlsTrace": Field(False, flag),
    "isTlsTraceActive": Field(False),
    "cpicTraceLevel": Field(0, one_of_numbers(0, 1, 2, 3)),
    "cleanup": Field(0, between(0, 3650)),
    "rolloverThreshold": Field(DEFAULT_ROLLOVER, size),
    "logAndTracePath": Field("log"),
}
LOG_OF_SUBACCOUNT: Section = {"trafficTrace": Field(False, flag), "payloadSncTrace": Field(False, flag)}
PROXY: Section = {
    "host": Field("", text),
    "port": Field("", lambda fields, name: fields.ports(name)),
    "user": Field("", text),
    "password": Field("", text),
}


def values(call: Call, path: str, section: Section) -> dict[str, Any]:
    """Return the values of a section: one set for each subaccount where the path names one."""
    subaccount = _subaccount(call)
    kept = call.installation.stored.get(subaccount, {}).get(path)
    return kept or _defaults(section)


def _defaults(section: Section) -> dict[str, Any]:
    return {name: each.default for name, each in section.items()}


def change(call: Call, path: str, section: Section) -> Reply:
    """Take the fields that were sent, all or none. Raises Refused, also for those that cannot be changed."""
    sent = sent_of(section, call.fields())
    call.installation.stored.setdefault(_subaccount(call), {})[path] = values(call, path, section) | sent
    return no_content()


def sent_of(section: Section, fields: Fields) -> dict[str, Any]:
    """Return the fields of a section that were sent. Raises Refused, also for those that cannot be changed."""
    sent: dict[str, Any] = {}
    for name, each in section.items():
        if name not in fields:
            continue
        if each.read is None:
            raise invalid(f"{name}: cannot be changed")
        sent[name] = each.read(fields, name)
    return sent


def _subaccount(call: Call) -> str:
    return named(call)[1] if "subaccount" in call.parameters else ""


def _endpoints(path: str, section: Section, writers: frozenset[Role]) -> tuple[Endpoint, ...]:
    """Return the endpoints of a section of which ``log_settings`` makes use."""

    def get(call: Call) -> Reply:
        return ok({**values(call, path, section), **_active(call, section)})

    def patch(call: Call) -> Reply:
        return change(call, path, section)

    return (
        Endpoint("GET", path, READ, get),
        Endpoint("PATCH", path, writers, patch, body="json"),
    )


def _active(call: Call, section: Section) -> dict[str, Any]:
    """Return what was there at the start, and is told beside what is wanted at the next one."""
    return {"isTlsTraceActive": call.installation.connector.logs.is_tls_trace_active} if section is LOG else {}


PROXY_PATH = f"{OWN}/proxy"


def _proxy(call: Call) -> Reply:
    """Return the HTTPS proxy with its password masked (recorded); nothing where there is none."""
    kept = values(call, PROXY_PATH, PROXY)
    return ok({**kept, "password": "***"} if kept["host"] else {})


def _set_proxy(call: Call) -> Reply:
    """Replace it: what is not sent is as at the start."""
    fields = call.fields()
    fields.text("host")
    fields.number("port", least=1, most=65_535)
    call.installation.stored.setdefault("", {})[PROXY_PATH] = _defaults(PROXY) | sent_of(PROXY, fields)
    return no_content()


def _delete_proxy(call: Call) -> Reply:
    call.installation.stored.get("", {}).pop(PROXY_PATH, None)
    return no_content()


ENDPOINTS = (
    *_endpoints(AUDIT_PATH, AUDIT, ADMINISTRATOR),
    *_endpoints(AUDIT_PATH + OF_SUBACCOUNT, AUDIT_OF_SUBACCOUNT, ADMINISTRATOR),
    *_endpoints(LOG_PATH, LOG, LOGS),
    *_endpoints(LOG_PATH + OF_SUBACCOUNT, LOG_OF_SUBACCOUNT, LOGS),
    Endpoint("GET", PROXY_PATH, READ, _proxy, state="stored"),
    Endpoint("PUT", PROXY_PATH, ADMINISTRATOR, _set_proxy, body="json", state="stored"),
    Endpoint("DELETE", PROXY_PATH, ADMINISTRATOR, _delete_proxy, state="stored"),
)

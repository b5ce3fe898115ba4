"""Service channels, from on-premise to the cloud: kept and shown, and never opened. Nothing goes that way here.

A channel stays disabled: to open one fails with the recorded answer, and the trace that this names says why. IDs count
up over all types and subaccounts, and none is given twice (recorded).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid, not_found
from connector_sim.admin.fields import Fields
from connector_sim.admin.replies import Reply, created, no_content, ok
from connector_sim.admin.roles import READ, WRITE
from connector_sim.admin.subaccounts import ONE as SUBACCOUNT
from connector_sim.admin.subaccounts import PATH as SUBACCOUNTS
from connector_sim.admin.subaccounts import named, writable
from connector_sim.logs.settings import TraceLevel
from connector_sim.logs.trace_line import time_text
from connector_sim.logs.tracing import ADMINISTRATION_THREAD, CONFIGURATION

CHANNELS = f"{SUBACCOUNT}/channels"
LAST_ID = "lastChannelId"
"""What is kept of the connector at the path of its subaccounts."""

NOT_OPENED = (
    "Service channel could not be opened. See 'Logging and Tracing' and in particular scc_core.trc for details. "
    "Associated entries were logged on or around {at}."
)
"""What the product says (recorded), with the time of its trace."""
NOT_CARRIED = "Service channel {id} ({type}) of {subaccount} is kept and cannot be opened: maco-lab carries none"

_ID = re.compile(r"[1-9][0-9]{0,8}")
Channel: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChannelType:
    """One type of channels: what leads to its other end, and from which number its local port is made."""

    name: str
    texts: tuple[str, ...]
    first_port: int | None = None
    """The port of instance 0; None where the port is chosen."""
    ports_between: int = 1
    """How far the ports of two instances are apart."""

    @property
    def path(self) -> str:
        """Where the channels of this type are listed."""
        return f"{CHANNELS}/{self.name}"

    def port(self, channel: Channel) -> int:
        """Return the local port of a channel."""
        if self.first_port is None:
            return int(channel["port"])
        return self.first_port + self.ports_between * int(channel["instanceNumber"])


TYPES = (
    ChannelType("HANA", ("hanaInstanceName",), 30_015, 100),  # SAP: 3<instance>15
    ChannelType("VirtualMachine", ("name", "endpointId")),
    ChannelType("ABAPCloud", ("abapCloudTenantHost",), 3300),  # recorded, as the next two
    ChannelType("ABAPCloudSNC", ("abapCloudTenantHost",), 4800),
    ChannelType("K8S", ("k8sCluster", "k8sService")),
)


def _list(call: Call, kind: ChannelType) -> Reply:
    found = _channels(call, kind, named(call)[1])
    return ok([_shown(kind, each, found[each], f"{call.url}/{each}") for each in found])


def _get(call: Call, kind: ChannelType) -> Reply:
    number, channel = _one(call, kind, named(call)[1])
    return ok(_shown(kind, number, channel, call.url))


def _add(call: Call, kind: ChannelType) -> Reply:
    _, subaccount = writable(call)
    channel = _read(kind, call.fields(), {})
    number = str(_last_id(call) + 1)
    _keep_last_id(call, int(number))
    _keep(call, kind, subaccount, {**_channels(call, kind, subaccount), number: channel})
    return created(f"{call.url}/{number}")


def _put(call: Call, kind: ChannelType) -> Reply:
    _, subaccount = writable(call)
    number, channel = _one(call, kind, subaccount)
    changed = _read(kind, call.fields(), channel)
    _keep(call, kind, subaccount, {**_channels(call, kind, subaccount), number: changed})
    return no_content()


def _delete(call: Call, kind: ChannelType) -> Reply:
    _, subaccount = writable(call)
    number, _ = _one(call, kind, subaccount)
    _keep_last_id(call, _last_id(call))
    left = {each: channel for each, channel in _channels(call, kind, subaccount).items() if each != number}
    _keep(call, kind, subaccount, left)
    return no_content()


def _enable(call: Call, kind: ChannelType) -> Reply:
    """Leave it disabled: what cannot be carried is not opened."""
    _, subaccount = writable(call)
    number, _ = _one(call, kind, subaccount)
    if not call.fields().flag("enabled"):
        return no_content()
    text = NOT_CARRIED.format(id=number, type=kind.name, subaccount=subaccount)
    at = call.installation.now()
    call.installation.connector.logs.trace(TraceLevel.ERROR, CONFIGURATION, text, thread=ADMINISTRATION_THREAD)
    raise Refused(ErrorType.RUNTIME_FAILURE, NOT_OPENED.format(at=time_text(at)))


def _channels(call: Call, kind: ChannelType, subaccount: str) -> Mapping[str, Channel]:
    kept = call.installation.stored.get(subaccount, {}).get(kind.path, {})
    return {number: _read(kind, Fields(channel), {}) for number, channel in kept.items()}  # as a lab file may have it


def _keep(call: Call, kind: ChannelType, subaccount: str, channels: dict[str, Channel]) -> None:
    call.installation.stored.setdefault(subaccount, {})[kind.path] = channels


def _one(call: Call, kind: ChannelType, subaccount: str) -> tuple[str, Channel]:
    number = call.parameters["id"]
    channel = _channels(call, kind, subaccount).get(number)
    if channel is None:
        raise not_found("Service channel", number)
    return number, channel


def _last_id(call: Call) -> int:
    """Return the last ID that was given; a lab file that was written by hand may have higher ones."""
    stored = call.installation.stored
    given = [number for each in stored.values() for kind in TYPES for number in each.get(kind.path, {})]
    return max([int(stored.get("", {}).get(SUBACCOUNTS, {}).get(LAST_ID, 0)), *map(int, given)])


def _keep_last_id(call: Call, number: int) -> None:
    call.installation.stored.setdefault("", {})[SUBACCOUNTS] = {LAST_ID: number}


def check_kept(path: str, kept: Mapping[str, Any]) -> None:
    """Check what a lab file keeps at a path, if that is one of these. Raises Refused."""
    if path == SUBACCOUNTS:
        Fields(kept).number(LAST_ID, 0)
    for kind in TYPES:
        for number in kept if kind.path == path else ():
            if not _ID.fullmatch(number):
                raise invalid(f"{number}: allowed: an ID, from 1 on")
            _read(kind, Fields(kept).object(number), {})


def _read(kind: ChannelType, fields: Fields, before: Channel) -> Channel:
    """Return a channel with what was sent; what is not stays as it was, and is needed of a new one. Raises Refused."""
    kept = {name: fields.text(name) if name in fields or name not in before else before[name] for name in kind.texts}
    if kind.first_port is None:
        kept["port"] = fields.number("port", before.get("port"), least=1, most=65_535)
    else:
        kept["instanceNumber"] = fields.number("instanceNumber", before.get("instanceNumber"), most=99)
    kept["connections"] = fields.number("connections", before.get("connections"), least=1)
    return {**kept, "comment": fields.text("comment", before.get("comment", ""))}


def _shown(kind: ChannelType, number: str, channel: Channel, url: str) -> dict[str, Any]:
    """Return a channel in the recorded key order; one that is disabled has no ``state``."""
    ends = {name: channel[name] for name in kind.texts}
    instance = {} if kind.first_port is None else {"instanceNumber": channel["instanceNumber"]}
    return {
        **ends,
        **instance,
        "id": int(number),
        "type": kind.name,
        "port": kind.port(channel),
        "enabled": False,
        "connections": channel["connections"],
        "comment": channel["comment"],
        "_links": {"self": {"href": url}, "state": {"href": f"{url}/state"}},
    }


def _endpoints(kind: ChannelType) -> tuple[Endpoint, ...]:
    one = f"{kind.path}/{{id}}"
    return (
        Endpoint("GET", kind.path, READ, functools.partial(_list, kind=kind), state="stored"),
        Endpoint("POST", kind.path, WRITE, functools.partial(_add, kind=kind), body="json", state="stored"),
        Endpoint("GET", one, READ, functools.partial(_get, kind=kind), state="stored"),
        Endpoint("PUT", one, WRITE, functools.partial(_put, kind=kind), body="json", state="stored"),
        Endpoint("DELETE", one, WRITE, functools.partial(_delete, kind=kind), state="stored"),
        Endpoint("PUT", f"{one}/state", WRITE, functools.partial(_enable, kind=kind), body="json", state="stored"),
    )


ENDPOINTS = tuple(endpoint for kind in TYPES for endpoint in _endpoints(kind))

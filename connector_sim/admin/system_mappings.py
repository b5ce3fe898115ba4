"""System mappings: what a subaccount may reach, from the next connection on (SAP, "System Mappings")."""

from __future__ import annotations

from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import invalid
from connector_sim.admin.mapping_entry import MappingEntry, changed_entry, entry_shape, read_entry
from connector_sim.admin.replies import Reply, created, no_content, ok, ok_list
from connector_sim.admin.roles import READ, WRITE
from connector_sim.admin.subaccounts import ONE as SUBACCOUNT
from connector_sim.admin.subaccounts import named, writable

PATH = f"{SUBACCOUNT}/systemMappings"
ONE = f"{PATH}/{{virtual}}"


def _list(call: Call) -> Reply:
    _, subaccount = named(call)
    entries = call.installation.mappings.entries(subaccount)
    return ok_list(_shape(call, subaccount, each, f"{call.url}/{each.virtual}") for each in entries)


def _get(call: Call) -> Reply:
    _, subaccount = named(call)
    entry = call.installation.mappings.get(subaccount, call.parameters["virtual"])
    return ok(_shape(call, subaccount, entry, call.url))


def _add(call: Call) -> Reply:
    _, subaccount = writable(call)
    book = call.installation.mappings
    entry = read_entry(call.fields(), book.now_ms())
    if len(entry.virtual_ports) > 1 and not entry.is_carried:
        raise invalid("virtualPort: port ranges are for TCP and TCPS only")
    book.add(subaccount, entry)
    _check_soon(call, entry)
    return created(f"{call.url}/{entry.virtual}")


def _put(call: Call) -> Reply:
    subaccount, old = _writable_mapping(call)
    entry = changed_entry(old, call.fields())
    if len(entry.virtual_ports) > 1 and not entry.is_carried:
        raise invalid("protocol: port ranges are for TCP and TCPS only")
    call.installation.mappings.put(subaccount, old, entry)
    _check_soon(call, entry)
    return no_content()


def _delete(call: Call) -> Reply:
    call.installation.mappings.remove(*_writable_mapping(call))
    return no_content()


def _delete_all(call: Call) -> Reply:
    _, subaccount = writable(call)
    call.installation.mappings.clear(subaccount)
    return no_content()


def _check_soon(call: Call, entry: MappingEntry) -> None:
    """Check what was saved, without keeping anybody waiting ("informational, never blocks saving", facts 3.3)."""
    if entry.is_carried:
        call.installation.connector.checks.check_soon(entry.as_system_mapping())


def _writable_mapping(call: Call) -> tuple[str, MappingEntry]:
    _, subaccount = writable(call)
    return subaccount, call.installation.mappings.get(subaccount, call.parameters["virtual"])


def _shape(call: Call, subaccount: str, entry: MappingEntry, url: str) -> dict[str, Any]:
    return entry_shape(entry, url, *call.installation.mappings.count_resources(subaccount, entry))


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _list),
    Endpoint("POST", PATH, WRITE, _add, body="json"),
    Endpoint("DELETE", PATH, WRITE, _delete_all),
    Endpoint("GET", ONE, READ, _get),
    Endpoint("PUT", ONE, WRITE, _put, body="json"),
    Endpoint("DELETE", ONE, WRITE, _delete),
)

"""Resources of mappings and domain mappings: lists that are kept and shown. They concern HTTP, which is not carried.

IDs of resources are paths; in a URL ``/`` is written ``-``, ``-`` is ``+2D`` and ``+`` is ``+2B`` (SAP, "System Mapping
Resources").
"""

from __future__ import annotations

import urllib.parse
from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid, not_found
from connector_sim.admin.fields import Fields
from connector_sim.admin.mapping_book import Resource, Resources
from connector_sim.admin.mapping_entry import MappingEntry
from connector_sim.admin.replies import Reply, created, no_content, ok
from connector_sim.admin.roles import READ, WRITE
from connector_sim.admin.subaccounts import ONE as SUBACCOUNT
from connector_sim.admin.subaccounts import named, writable
from connector_sim.admin.system_mappings import ONE as MAPPING

RESOURCES = f"{MAPPING}/resources"
RESOURCE = f"{RESOURCES}/{{resource}}"
DOMAINS = f"{SUBACCOUNT}/domainMappings"
DOMAIN = f"{DOMAINS}/{{internal_domain}}"

_ENCODED = (("+", "+2B"), ("-", "+2D"), ("/", "-"))


def encoded(resource: str) -> str:
    """Return an ID as it stands in a URL."""
    for plain, written in _ENCODED:
        resource = resource.replace(plain, written)
    return resource


def decoded(segment: str) -> str:
    """Return the ID that a segment of a URL stands for."""
    for plain, written in reversed(_ENCODED):
        segment = segment.replace(written, plain)
    return segment


def _segment(text: str) -> str:
    """Return a text as a segment of a URL (RFC 3986, section 3.3); what may stand in one stays as it is."""
    return urllib.parse.quote(text, safe="!$&'()*+,;=:@")


def _mapping(call: Call, subaccount: str) -> tuple[MappingEntry, Resources]:
    book = call.installation.mappings
    entry = book.get(subaccount, call.parameters["virtual"])
    return entry, book.resources(subaccount, entry)


def _list_resources(call: Call) -> Reply:
    _, found = _mapping(call, named(call)[1])
    return ok([{**each, "_links": {}} for each in found.values()])  # recorded: no links in lists


def _get_resource(call: Call) -> Reply:
    _, found = _mapping(call, named(call)[1])
    return ok({**_one(call, found), "_links": {"self": {"href": call.url}}})


def _add_resource(call: Call) -> Reply:
    _, subaccount = writable(call)
    entry, found = _mapping(call, subaccount)
    if entry.is_carried:
        raise invalid("protocol: TCP and TCPS mappings have no resources")
    fields = call.fields()
    resource = fields.text("id")
    if resource in found:
        raise Refused(ErrorType.INVALID_CONFIGURATION, f"Resource '{resource}' already exists")
    first: dict[str, Any] = {"enabled": False, "exactMatchOnly": False, "websocketUpgradeAllowed": False}
    book = call.installation.mappings
    values = {"id": resource, **first, "creationDate": str(book.now_ms()), "description": ""}
    book.put_resource(subaccount, entry, _changed(values, fields))
    return created(f"{call.url}/{_segment(encoded(resource))}")


def _put_resource(call: Call) -> Reply:
    _, subaccount = writable(call)
    entry, found = _mapping(call, subaccount)
    call.installation.mappings.put_resource(subaccount, entry, _changed(_one(call, found), call.fields()))
    return no_content()


def _delete_resource(call: Call) -> Reply:
    _, subaccount = writable(call)
    entry, found = _mapping(call, subaccount)
    call.installation.mappings.remove_resource(subaccount, entry, str(_one(call, found)["id"]))
    return no_content()


def _one(call: Call, found: Resources) -> Resource:
    resource = decoded(call.parameters["resource"])
    if resource not in found:
        raise not_found("Resource", resource)
    return found[resource]


def _changed(values: Resource, fields: Fields) -> Resource:
    flags = ("enabled", "exactMatchOnly", "websocketUpgradeAllowed")
    sent: dict[str, Any] = {name: fields.flag(name) for name in flags if name in fields}
    return {**values, **sent, "description": fields.text("description", values["description"])}


def _domains(call: Call, subaccount: str) -> dict[str, Any]:
    return call.installation.stored.setdefault(subaccount, {}).setdefault(DOMAINS, {})


def _list_domains(call: Call) -> Reply:
    found = _domains(call, named(call)[1])
    return ok(
        [
            {
                "virtualDomain": virtual,
                "internalDomain": internal,
                "_links": {"self": {"href": f"{call.url}/{_segment(internal)}"}},
            }
            for internal, virtual in found.items()
        ]
    )


def _add_domain(call: Call) -> Reply:
    found = _domains(call, writable(call)[1])
    fields = call.fields()
    virtual, internal = fields.text("virtualDomain"), fields.text("internalDomain")
    if internal in found:
        raise Refused(ErrorType.INVALID_CONFIGURATION, f"Domain mapping '{internal}' already exists")
    found[internal] = virtual
    return created(f"{call.url}/{_segment(internal)}")


def _put_domain(call: Call) -> Reply:
    found = _domains(call, writable(call)[1])
    fields = call.fields()
    old = _domain(call, found)
    virtual = fields.text("virtualDomain") if "virtualDomain" in fields else found[old]
    internal = fields.text("internalDomain") if "internalDomain" in fields else old
    if internal != old and internal in found:
        raise Refused(ErrorType.INVALID_CONFIGURATION, f"Domain mapping '{internal}' already exists")
    del found[old]
    found[internal] = virtual
    return no_content()


def _delete_domain(call: Call) -> Reply:
    found = _domains(call, writable(call)[1])
    del found[_domain(call, found)]
    return no_content()


def _domain(call: Call, found: dict[str, Any]) -> str:
    internal = call.parameters["internal_domain"]
    if internal not in found:
        raise not_found("Domain mapping", internal)
    return internal


ENDPOINTS = (
    Endpoint("GET", RESOURCES, READ, _list_resources, state="stored"),
    Endpoint("POST", RESOURCES, WRITE, _add_resource, body="json", state="stored"),
    Endpoint("GET", RESOURCE, READ, _get_resource, state="stored"),
    Endpoint("PUT", RESOURCE, WRITE, _put_resource, body="json", state="stored"),
    Endpoint("DELETE", RESOURCE, WRITE, _delete_resource, state="stored"),
    Endpoint("GET", DOMAINS, READ, _list_domains, state="stored"),
    Endpoint("POST", DOMAINS, WRITE, _add_domain, body="json", state="stored"),
    Endpoint("PUT", DOMAIN, WRITE, _put_domain, body="json", state="stored"),
    Endpoint("DELETE", DOMAIN, WRITE, _delete_domain, state="stored"),
)

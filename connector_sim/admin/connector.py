"""The connector's common properties, its role, and the cipher suites there are (SAP, "Common Properties")."""

from __future__ import annotations

import ssl

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.fields import parse
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, CONNECTOR, READ

PATH = "/api/v1/configuration/connector"
CIPHER_SUITES = "/api/v1/configuration/availableCipherSuites"


def _get(call: Call) -> Reply:
    return ok({"ha": {"role": call.installation.role}, "description": call.installation.description})


def _put(call: Call) -> Reply:
    call.installation.description = call.fields().text("description", "")
    return no_content()


def _ha_role(call: Call) -> Reply:
    """Return the role as a JSON string."""
    return ok(call.installation.role)


def _set_ha_role(call: Call) -> Reply:
    """Take the role that it has; roles change by a switch between master and shadow alone."""
    wanted = parse(call.request.body)
    if not isinstance(wanted, str) or wanted not in {"master", "shadow"}:
        raise invalid('allowed: "master" or "shadow"')
    if wanted != call.installation.role:
        raise Refused(ErrorType.ILLEGAL_STATE, f"This is a {call.installation.role}, and roles change by a switch only")
    return no_content()


def _cipher_suites(_: Call) -> Reply:
    return ok([each["name"] for each in ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).get_ciphers()])


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _get),
    Endpoint("PUT", PATH, CONNECTOR, _put, body="json", state="stored"),
    Endpoint("GET", f"{PATH}/haRole", READ, _ha_role),
    Endpoint("POST", f"{PATH}/haRole", ADMINISTRATOR, _set_ha_role, body="json", state="as it is", on_shadow=True),
    Endpoint("GET", CIPHER_SUITES, READ, _cipher_suites),
)

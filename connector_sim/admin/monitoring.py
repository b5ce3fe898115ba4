"""Monitoring: is it up, which tunnels are, and what passes through them (SAP, "Monitoring APIs"). None was recorded.

The figures are those of the connector that runs. Of TCP and TCPS the product counts bytes, and no calls ("number of
calls only for HTTP and RFC"), so there is nothing to show of calls.
"""

from __future__ import annotations

import datetime as dt
import http
import urllib.parse
from collections.abc import Callable
from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.roles import MONITORING
from connector_sim.admin.subaccounts import tunnel_shape

PATH = "/api/monitoring"
EXPOSED = "/exposed"
VERSION = 1
"""``version`` of every answer."""


def _exposed(call: Call) -> Reply:
    """Answer what anybody may ask, without signing in."""
    is_master = call.installation.role == "master"
    match urllib.parse.parse_qs(call.request.query).get("action"):
        case ["ping"]:
            return Reply(http.HTTPStatus.OK)
        case ["ensureMasterRole"] if not is_master:
            raise Refused(ErrorType.ILLEGAL_STATE, "This is a shadow")
        case ["hasMasterRole"] | ["ensureMasterRole"]:
            return Reply(http.HTTPStatus.OK, b"true" if is_master else b"false", "text/plain")
    raise invalid("action: allowed: ping, hasMasterRole, ensureMasterRole")


def _subaccounts(call: Call) -> Reply:
    return _of_each(
        call,
        lambda name: {
            **_identity(call, name),
            "displayName": call.installation.subaccounts.details(name).described.display_name,
            "description": call.installation.subaccounts.details(name).described.description,
            "locationID": call.installation.connector.location_id(name),
            "tunnel": tunnel_shape(call, name),
        },
    )


def _back_end_connections(call: Call) -> Reply:
    """List the back ends with open connections; none is ever idle, because there is no pool (facts, section 2)."""

    def one(name: str) -> dict[str, Any]:
        open_now = [
            {
                "virtualBackend": f"{system.virtual_host}:{system.virtual_port}",
                "internalBackend": figures.internal,
                "protocol": system.protocol,
                "idle": 0,
                "active": figures.active,
            }
            for system, figures in call.installation.connector.usage.systems(name)
            if figures.active
        ]
        return {"backendConnections": open_now, **_identity(call, name), "locationID": _location_id(call, name)}

    return _of_each(call, one)


def _performance(call: Call) -> Reply:
    return _of_each(
        call,
        lambda name: {
            "backendPerformance": [],
            "sinceTime": _since(call),
            **_identity(call, name),
            "locationID": _location_id(call, name),
        },
    )


def _usage(call: Call) -> Reply:
    """Show bytes by virtual system, those of connections that are open too."""

    def one(name: str) -> dict[str, Any]:
        statistics = [
            {
                "virtualHost": system.virtual_host,
                "virtualPort": str(system.virtual_port),
                "protocol": system.protocol,
                "bytesReceived": figures.bytes_received,
                "bytesSent": figures.bytes_sent,
                "calls": 0,
                "mostRecentAccess": figures.most_recent_ms,
                "resources": [],
            }
            for system, figures in call.installation.connector.usage.systems(name)
        ]
        return {
            "usageStatistics": statistics,
            "serviceChannelUsageStatistics": [],
            "sinceTime": _since(call),
            **_identity(call, name),
            "locationID": _location_id(call, name),
        }

    return _of_each(call, one)


def _of_each(call: Call, shape: Callable[[str], dict[str, Any]]) -> Reply:
    names = call.installation.subaccounts.names()
    return ok({"subaccounts": [shape(name) for name in names], "version": VERSION})


def _identity(call: Call, subaccount: str) -> dict[str, Any]:
    return {"regionHost": call.installation.subaccounts.region_host, "subaccount": subaccount}


def _location_id(call: Call, subaccount: str) -> str:
    return call.installation.connector.location_id(subaccount)


def _since(call: Call) -> str:
    """Return since when there are figures, written as on SAP's page: 2017-05-11T15:48:42.084 +0200."""
    since = dt.datetime.fromtimestamp(call.installation.connector.usage.since_ms / 1000, dt.UTC)
    return f"{since:%Y-%m-%dT%H:%M:%S}.{since.microsecond // 1000:03} +0000"


ENDPOINTS = (
    Endpoint("GET", EXPOSED, None, _exposed),
    Endpoint("GET", f"{PATH}/subaccounts", MONITORING, _subaccounts),
    Endpoint("GET", f"{PATH}/connections/backends", MONITORING, _back_end_connections),
    Endpoint("GET", f"{PATH}/performance/backends", MONITORING, _performance, state="empty"),
    Endpoint("GET", f"{PATH}/usage", MONITORING, _usage),
)

"""The version, which SAP's own client asks for before everything else (340 of 625 recorded requests)."""

from __future__ import annotations

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.roles import READ
from connector_sim.on_premise.tunnel_client import CONNECTOR_VERSION

PATH = "/api/v1/connector/version"
CACHED = "max-age=3600"  # recorded, for this one alone


def _version(_: Call) -> Reply:
    return ok({"version": CONNECTOR_VERSION}, cache=CACHED)


ENDPOINTS = (Endpoint("GET", PATH, READ, _version),)

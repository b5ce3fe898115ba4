"""When there are alerts, and which of them would be mailed (SAP, "Alerting Configuration").

The thresholds act on the alerts and on the sorting of certificates in the monitoring; nothing is ever mailed here.
"""

from __future__ import annotations

from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.installation import Installation
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, READ
from connector_sim.admin.stored import Field, Section, between, flag, sent_of

PATH = "/api/v1/configuration/connector/alerting"

MOST_MB = 1_000_000_000
MOST_DAYS = 3650

THRESHOLDS: Section = {
    "cpuLoad": Field(90, between(1, 100)),
    "cpuLoadViolationToleranceSec": Field(60, between(0, 86_400)),
    "freeDiskSpaceMb": Field(100, between(0, MOST_MB)),
    "certificateValidityDays": Field(30, between(0, MOST_DAYS)),
}
"""Percent, seconds, MB and days; the defaults are the product's (facts, section 8)."""

_CATEGORIES = ("ha", "tunnels", "serviceChannels", "CPU", "freeDiskSpace", "certificates", "troubleshooting")
NOTIFICATION: Section = {each: Field(True, flag) for each in _CATEGORIES}

SECTIONS = {"thresholds": THRESHOLDS, "notification": NOTIFICATION}


def thresholds(installation: Installation) -> dict[str, int]:
    """Return the thresholds as they are now."""
    return dict(_kept(installation)["thresholds"])


def _kept(installation: Installation) -> dict[str, Any]:
    """Return what is kept, or the defaults."""
    return installation.stored.get("", {}).get(PATH) or _defaults()


def _defaults() -> dict[str, Any]:
    return {name: {field: each.default for field, each in section.items()} for name, section in SECTIONS.items()}


def _get(call: Call) -> Reply:
    return ok(_kept(call.installation))


def _put(call: Call) -> Reply:
    """Take what was sent; what was not becomes the default."""
    return _set(call, _defaults())


def _patch(call: Call) -> Reply:
    """Take what was sent; what was not stays."""
    return _set(call, _kept(call.installation))


def _set(call: Call, beside: dict[str, Any]) -> Reply:
    fields = call.fields()
    changed = {name: beside[name] | sent_of(section, fields.object(name)) for name, section in SECTIONS.items()}
    call.installation.stored.setdefault("", {})[PATH] = changed
    return no_content()


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _get),
    Endpoint("PUT", PATH, ADMINISTRATOR, _put, body="json"),
    Endpoint("PATCH", PATH, ADMINISTRATOR, _patch, body="json"),
)

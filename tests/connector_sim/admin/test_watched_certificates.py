"""Certificates and alerts by the monitoring API."""

from __future__ import annotations

import time

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import CONFIGURED, LAB, OWN, REGION
from tests.connector_sim.admin.test_own_certificates import SYSTEM, UI

pytestmark = LAB

CERTIFICATES, ALERTS = "/api/monitoring/certificates", "/api/monitoring/alerts"
DAY_S = 86_400


def test_certificates_are_sorted_by_how_long_they_are_valid(admin: AdminClient) -> None:
    own = [("UI", admin.get(UI).json), ("System", admin.get(SYSTEM).json)]
    shown = [
        {
            "type": kind,
            "validTo": found["notAfterTimeStamp"],
            "subjectDN": found["subjectDN"],
            "issuerDN": found["issuer"],
            "serialNumber": found["serialNumber"],
        }
        for kind, found in own
    ]
    subaccount = {
        "type": "subaccount",
        "validTo": admin.get(OWN).json["tunnel"]["subaccountCertificate"]["notAfterTimeStamp"],
        "subaccountName": CONFIGURED,
        "subaccountRegion": REGION,
    }
    body = compact({"expired": [], "expiring": [], "ok": [*shown, subaccount]})

    assert admin.get(CERTIFICATES).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)
    assert admin.get(f"{CERTIFICATES}/ok").text == compact([*shown, subaccount])
    assert admin.get(f"{CERTIFICATES}/expired").text == "[]"


def test_certificates_that_end_soon_or_have_ended_are_alerts(maco_lab: Lab, admin: AdminClient) -> None:
    """The lab's UI certificate is valid for 90 days, the others for 365 (certs.plans)."""
    installation = maco_lab.running.administrations["scc"].installation
    assert admin.get(ALERTS).text == '{"alerts":[],"version":1}'

    clock, installation.now = installation.now, lambda: time.time() + 70 * DAY_S
    try:
        (alert,) = admin.get(ALERTS).json["alerts"]
        assert [each["type"] for each in admin.get(f"{CERTIFICATES}/expiring").json] == ["UI"]
        installation.now = lambda: time.time() + 370 * DAY_S
        expired = admin.get(f"{CERTIFICATES}/expired").json
    finally:
        installation.now = clock
    assert list(alert) == ["timestamp", "status", "type", "origin", "message", "entity"]
    assert (alert["status"], alert["type"], alert["origin"]) == ("Warning", "UICertificate", "Master")
    assert [each["type"] for each in expired] == ["UI", "System", "subaccount"]

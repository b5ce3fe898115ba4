"""When there are alerts: the settings, and what they change in the monitoring."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB

pytestmark = LAB

ALERTING = "/api/v1/configuration/connector/alerting"
ALERTS, EXPIRING = "/api/monitoring/alerts", "/api/monitoring/certificates/expiring"
# The product's defaults (facts, section 8), names of facts 5.7.
DEFAULT: dict[str, Any] = {
    "thresholds": {
        "cpuLoad": 90,
        "cpuLoadViolationToleranceSec": 60,
        "freeDiskSpaceMb": 100,
        "certificateValidityDays": 30,
    },
    "notification": {
        "ha": True,
        "tunnels": True,
        "serviceChannels": True,
        "CPU": True,
        "freeDiskSpace": True,
        "certificates": True,
        "troubleshooting": True,
    },
}
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")


def test_what_is_set_is_shown_and_a_put_replaces_while_a_patch_does_not(admin: AdminClient) -> None:
    body = compact(DEFAULT)
    assert admin.get(ALERTING).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)

    assert admin.call("PATCH", ALERTING, {"thresholds": {"cpuLoad": "80"}}).whole == NO_CONTENT
    assert admin.call("PATCH", ALERTING, {"notification": {"ha": "false"}}).whole == NO_CONTENT
    thresholds, notification = DEFAULT["thresholds"], DEFAULT["notification"]
    patched = {"thresholds": {**thresholds, "cpuLoad": 80}, "notification": {**notification, "ha": False}}
    assert admin.get(ALERTING).text == compact(patched)

    assert admin.call("PUT", ALERTING, {"thresholds": {"freeDiskSpaceMb": 7}}).whole == NO_CONTENT
    assert admin.get(ALERTING).text == compact({**DEFAULT, "thresholds": {**thresholds, "freeDiskSpaceMb": 7}})


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"thresholds": {"cpuLoad": 101}}, "cpuLoad: found 101, allowed: a whole number from 1 to 100"),
        ({"thresholds": []}, "thresholds: found a list, allowed: an object"),
        ({"thresholds": {"cpuLoad": 1}, "notification": {"ha": 1}}, "ha: found 1, allowed: true or false"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(admin: AdminClient, sent: object, message: str) -> None:
    for method in ("PUT", "PATCH"):
        assert admin.call(method, ALERTING, sent).refusal == (400, "INVALID_REQUEST", message)
    assert admin.get(ALERTING).json == DEFAULT


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_threshold_of_certificates_decides_which_of_them_expire_soon(admin: AdminClient, method: str) -> None:
    """The lab's UI certificate is valid for 90 days, the others for 365 (certs.plans)."""
    assert admin.get(EXPIRING).json == []

    admin.call(method, ALERTING, {"thresholds": {"certificateValidityDays": 100}})

    assert [each["type"] for each in admin.get(EXPIRING).json] == ["UI"]
    assert [each["type"] for each in admin.get(ALERTS).json["alerts"]] == ["UICertificate"]


def test_little_free_disk_space_is_an_alert(admin: AdminClient) -> None:
    admin.call("PATCH", ALERTING, {"thresholds": {"freeDiskSpaceMb": 1_000_000_000}})

    (alert,) = admin.get(ALERTS).json["alerts"]
    assert (alert["status"], alert["type"], alert["entity"]) == ("Warning", "Disk", "")

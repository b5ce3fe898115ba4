"""Plain configuration: it is shown as it was sent, checked, and put back with the lab."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import CONFIGURED, LAB, REGION

pytestmark = LAB

OWN = "/api/v1/configuration/connector"
OF_SUBACCOUNT = f"/subaccounts/{REGION}/{CONFIGURED}"
PROXY = f"{OWN}/proxy"

# What is there at the start (facts, 7.2), a change, and what the change makes of it.
SECTIONS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        f"{OWN}/auditLog",
        {"level": "SECURITY", "cleanup": 0, "logPath": "log/audit"},
        {"level": "ALL", "cleanup": "90"},
        {"level": "ALL", "cleanup": 90, "logPath": "log/audit"},
    ),
    (f"{OWN}/auditLog{OF_SUBACCOUNT}", {"level": "SECURITY"}, {"level": "OFF"}, {"level": "OFF"}),
    (
        f"{OWN}/logAndTrace",
        {
            "sccLogLevel": "INFO",
            "otherLogLevel": "INFO",
            "tlsTrace": False,
            "isTlsTraceActive": False,
            "cpicTraceLevel": 0,
            "cleanup": 0,
            "rolloverThreshold": "50 MB",
            "logAndTracePath": "log",
        },
        {"sccLogLevel": "TRACE", "tlsTrace": "true"},
        {
            "sccLogLevel": "TRACE",
            "otherLogLevel": "INFO",
            "tlsTrace": True,
            "isTlsTraceActive": False,
            "cpicTraceLevel": 0,
            "cleanup": 0,
            "rolloverThreshold": "50 MB",
            "logAndTracePath": "log",
        },
    ),
    (
        f"{OWN}/logAndTrace{OF_SUBACCOUNT}",
        {"trafficTrace": False, "payloadSncTrace": False},
        {"trafficTrace": True},
        {"trafficTrace": True, "payloadSncTrace": False},
    ),
]


def test_sections_are_kept_and_put_back(maco_lab: Lab, admin: AdminClient) -> None:
    for path, first, sent, then in SECTIONS:
        body = compact(first)
        assert admin.get(path).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)
        assert admin.call("PATCH", path, sent).whole == (204, "", [*FIRST, NO_STORE], "")
        assert admin.get(path).text == compact(then)
    maco_lab.reset()
    assert [admin.get(path).text for path, *_ in SECTIONS] == [compact(first) for _, first, *_ in SECTIONS]


def test_what_cannot_be_is_refused_and_changes_nothing(admin: AdminClient) -> None:
    wrong = [
        ("auditLog", {"cleanup": 90, "level": "MUCH"}, 'level: found "MUCH", allowed: OFF, SECURITY, ALL'),
        ("auditLog", {"cleanup": 15}, "cleanup: found 15, allowed: 0, 14, 30, 90, 180, 365"),
        ("auditLog", {"logPath": "/tmp"}, "logPath: cannot be changed"),
        ("logAndTrace", {"cpicTraceLevel": 4}, "cpicTraceLevel: found 4, allowed: 0, 1, 2, 3"),
        ("proxy", {"host": "proxy", "port": "0"}, 'port: found "0", allowed: a whole number from 1 to 65535'),
        ("proxy", {"port": 80}, "host: found nothing, allowed: a string with text"),
    ]
    before = [admin.get(f"{OWN}/{name}").text for name, *_ in wrong]

    found = [
        admin.call("PUT" if name == "proxy" else "PATCH", f"{OWN}/{name}", sent).refusal for name, sent, _ in wrong
    ]

    assert found == [(400, "INVALID_REQUEST", message) for *_, message in wrong]
    assert [admin.get(f"{OWN}/{name}").text for name, *_ in wrong] == before


def test_a_proxy_that_is_refused_leaves_the_one_before(admin: AdminClient) -> None:
    assert admin.call("PUT", PROXY, {"host": "proxy.example", "port": 123}).status == 204

    assert admin.call("PUT", PROXY, {"host": "other.example", "port": 1, "user": 5}).status == 400
    assert admin.get(PROXY).json["host"] == "proxy.example"


def test_the_proxy_is_shown_as_recorded(admin: AdminClient) -> None:
    assert admin.get(PROXY).text == "{}"
    sent = {"host": "proxy.example", "port": 123, "user": "me", "password": "secret"}

    assert admin.call("PUT", PROXY, sent).whole == (204, "", [*FIRST, NO_STORE], "")
    # recorded: the port is a string, the password three asterisks
    assert admin.get(PROXY).text == '{"host":"proxy.example","port":"123","user":"me","password":"***"}'
    assert admin.call("PUT", PROXY, {"host": "other.example", "port": "80"}).status == 204
    assert admin.get(PROXY).json["user"] == ""
    assert admin.call("DELETE", PROXY).status == 204
    assert admin.get(PROXY).text == "{}"

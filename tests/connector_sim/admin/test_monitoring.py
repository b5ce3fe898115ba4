"""Monitoring by the API: shapes as SAP's pages have them, figures as the traffic of the lab makes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, StreamClosed
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import CONFIGURED, LAB, OWN, REGION
from tests.connector_sim.admin.traffic import MAIL_HOST, connection

pytestmark = LAB

CONNECTIONS = "/api/monitoring/connections/backends"
USAGE = "/api/monitoring/usage"
OF = {"regionHost": REGION, "subaccount": CONFIGURED, "locationID": "WERK1"}


def of_one(shape: dict[str, Any]) -> str:
    return compact({"subaccounts": [shape], "version": 1})


def test_ping_is_answered_without_signing_in(admin: AdminClient) -> None:
    answer = admin.call("GET", "/exposed?action=ping", headers={"Authorization": ""})

    assert answer.whole == (200, "", [*FIRST[:3], NO_STORE, ("Content-Length", "0")], "")


@pytest.mark.parametrize("action", ["hasMasterRole", "ensureMasterRole"])
def test_a_connector_without_shadow_has_the_masters_role(admin: AdminClient, action: str) -> None:
    answer = admin.call("GET", f"/exposed?action={action}", headers={"Authorization": ""})

    assert (answer.status, answer.text) == (200, "true")


def test_another_action_is_refused(admin: AdminClient) -> None:
    for query in ("", "?action=", "?action=shutdown", "?action=ping&action=ping"):
        assert admin.call("GET", f"/exposed{query}", headers={"Authorization": ""}).status == 400


def test_every_tunnel_is_shown(admin: AdminClient) -> None:
    tunnel = admin.get(OWN).json["tunnel"]
    shape = {
        "regionHost": REGION,
        "subaccount": CONFIGURED,
        "displayName": CONFIGURED,
        "description": "",
        "locationID": "WERK1",
        "tunnel": tunnel,
    }
    body = of_one(shape)

    assert admin.get("/api/monitoring/subaccounts").whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)


def test_open_connections_are_counted_while_they_are_open(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.get(CONNECTIONS).text == of_one({"backendConnections": [], **OF})

    with connection(maco_lab), connection(maco_lab), connection(maco_lab, "mailbox.virtual", 993):
        counted = [
            {
                "virtualBackend": f"{virtual}",
                "internalBackend": f"{MAIL_HOST}:{port}",
                "protocol": protocol,
                "idle": 0,
                "active": active,
            }
            for virtual, port, protocol, active in (
                (f"{MAIL_HOST}:143", 143, "TCP", 2),
                ("mailbox.virtual:993", 993, "TCPS", 1),
            )
        ]
        assert admin.get(CONNECTIONS).text == of_one({"backendConnections": counted, **OF})
        assert admin.get(OWN).json["tunnel"]["connections"] == 3


def test_bytes_are_counted_once_a_connection_has_ended(maco_lab: Lab, admin: AdminClient) -> None:
    with connection(maco_lab) as opened:
        received = len(opened.greeting) + len(opened.says(b"a NOOP"))
    closed = maco_lab.journal.wait_for(StreamClosed, Party.CLOUD_CONNECTOR)

    (shown,) = admin.get(USAGE).json["subaccounts"]
    (counted,) = shown["usageStatistics"]
    assert list(shown) == ["usageStatistics", "serviceChannelUsageStatistics", "sinceTime", *OF]
    assert counted == {
        "virtualHost": MAIL_HOST,
        "virtualPort": "143",
        "protocol": "TCP",
        "bytesReceived": len(b"a NOOP\r\n"),
        "bytesSent": closed.bytes_to_maco,
        "calls": 0,
        "mostRecentAccess": counted["mostRecentAccess"],
        "resources": [],
    }
    assert counted["bytesSent"] >= received
    assert shown["serviceChannelUsageStatistics"] == []
    dt.datetime.strptime(shown["sinceTime"], "%Y-%m-%dT%H:%M:%S.%f %z")


def test_bytes_of_a_connection_that_is_open_are_counted_too(maco_lab: Lab, admin: AdminClient) -> None:
    with connection(maco_lab) as opened:
        received = len(opened.greeting) + len(opened.says(b"a NOOP"))

        ((counted,),) = [each["usageStatistics"] for each in admin.get(USAGE).json["subaccounts"]]
        assert counted["bytesReceived"] == len(b"a NOOP\r\n")
        assert counted["bytesSent"] >= received
    closed = maco_lab.journal.wait_for(StreamClosed, Party.CLOUD_CONNECTOR)
    ((after,),) = [each["usageStatistics"] for each in admin.get(USAGE).json["subaccounts"]]
    assert (after["bytesReceived"], after["bytesSent"]) == (closed.bytes_to_mail_server, closed.bytes_to_maco)


def test_tcp_has_no_calls_whose_performance_could_be_shown(maco_lab: Lab, admin: AdminClient) -> None:
    with connection(maco_lab):
        pass

    (shown,) = admin.get("/api/monitoring/performance/backends").json["subaccounts"]
    assert shown["backendPerformance"] == []

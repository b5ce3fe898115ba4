"""Master and shadow by the API: what they are doing, and the switch between them."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB, administered
from tests.connector_sim.admin.traffic import reply

HA = "/api/v1/configuration/connector/ha"
MASTER, SHADOW = f"{HA}/master", f"{HA}/shadow"
NOT_ON_A_MASTER = (403, "FORBIDDEN_REQUEST", "This is a master")


def pair(data: dict[str, Any]) -> None:
    administered(data)
    times = {"check_interval_s": 0.1, "takeover_delay_s": 30, "missed_checks": 100}
    data["cloud_connectors"][0]["high_availability"] = {"master_port": 0, "shadow_port": 0, **times}


PAIR = pytest.mark.maco_lab(change=pair)


def whole(content: object) -> tuple[int, str, list[tuple[str, str]], str]:
    body = compact(content)
    return 200, "", [*FIRST, NO_STORE, JSON, length(body)], body


@LAB
def test_a_connector_without_a_shadow_is_a_master_that_is_alone(admin: AdminClient) -> None:
    assert admin.get(f"{MASTER}/state").whole == whole({"state": "ALONE", "shadowHost": ""})
    assert admin.get(f"{MASTER}/config").json["haEnabled"] is False
    refusal = (409, "ILLEGAL_STATE", "There is no shadow: this master is ALONE")
    assert admin.call("POST", f"{MASTER}/state", {"op": "SWITCH"}).refusal == refusal
    assert admin.get(f"{SHADOW}/state").refusal == NOT_ON_A_MASTER
    assert admin.get(f"{SHADOW}/config").refusal == NOT_ON_A_MASTER
    assert admin.call("POST", f"{SHADOW}/state", {"op": "CONNECT"}).refusal == NOT_ON_A_MASTER
    assert admin.call("DELETE", f"{MASTER}/state").whole == (204, "", [*FIRST, NO_STORE], "")


@PAIR
def test_a_switch_gives_the_masters_part_to_the_shadow(maco_lab: Lab, admin: AdminClient) -> None:
    node = maco_lab.running.nodes["scc"]
    assert admin.get(f"{MASTER}/config").whole == whole(
        {"haEnabled": True, "haPort": node.address[1], "allowedShadowHost": ""}
    )
    assert admin.get(f"{MASTER}/state").json == {"state": "CONNECTED", "shadowHost": "127.0.0.1"}
    assert admin.call("POST", f"{MASTER}/state", {"op": "JUMP"}).status == 400

    assert admin.call("POST", f"{MASTER}/state", {"op": "SWITCH"}).whole == (204, "", [*FIRST, NO_STORE], "")

    assert maco_lab.cloud_connectors["scc shadow"].role == "master"
    assert reply(maco_lab) == 0
    assert admin.get(f"{MASTER}/state").refusal == (400, "INVALID_REQUEST", "this is a shadow")
    other = maco_lab.running.nodes["scc shadow"]
    assert admin.get(f"{SHADOW}/config").whole == whole(
        {
            "masterHost": "127.0.0.1",
            "masterPort": other.address[1],
            "ownHost": "127.0.0.1",
            "haPort": node.address[1],
            "checkIntervalInSeconds": 0.1,
            "takeoverDelayInSeconds": 30,
            "connectTimeoutInMillis": 1000,
            "requestTimeoutInMillis": 12_000,
        }
    )
    shown = admin.get(f"{SHADOW}/state").json
    assert list(shown) == ["state", "ownHosts", "stateMessage", "masterVersions"]
    assert admin.call("POST", f"{SHADOW}/state", {"op": "DISCONNECT"}).status == 204

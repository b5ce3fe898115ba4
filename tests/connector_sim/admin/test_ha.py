"""Master and shadow by the API: what they are doing, and the switch between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB, administered
from tests.connector_sim.admin.traffic import DEADLINE_S, reply

HA = "/api/v1/configuration/connector/ha"
MASTER, SHADOW = f"{HA}/master", f"{HA}/shadow"
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")
NOT_ON_A_MASTER = (403, "FORBIDDEN_REQUEST", "This is a master")


def pair(data: dict[str, Any]) -> None:
    administered(data)
    times = {"check_interval_s": 0.1, "takeover_delay_s": 30, "missed_checks": 100}
    data["cloud_connectors"][0]["high_availability"] = {"master_port": 0, "shadow_port": 0, **times}


PAIR = pytest.mark.maco_lab(change=pair)


def whole(content: object) -> tuple[int, str, list[tuple[str, str]], str]:
    body = compact(content)
    return 200, "", [*FIRST, NO_STORE, JSON, length(body)], body


def wait_for_state(admin: AdminClient, state: str, of: str = SHADOW) -> None:
    """Ask the shadow, or the master, for its state until it is this one."""
    deadline = time.monotonic() + DEADLINE_S
    while admin.get(f"{of}/state").json["state"] != state:
        assert time.monotonic() < deadline, admin.get(f"{of}/state").text


def wait_for_shadow(admin: AdminClient) -> None:
    """Ask the master for its state until its shadow is bound."""
    wait_for_state(admin, "CONNECTED", MASTER)


@LAB
def test_a_connector_without_a_shadow_is_a_master_that_is_alone(admin: AdminClient) -> None:
    assert admin.get(f"{MASTER}/state").whole == whole({"state": "ALONE", "shadowHost": ""})
    assert admin.get(f"{MASTER}/config").json["haEnabled"] is False
    refusal = (409, "ILLEGAL_STATE", "There is no shadow: this master is ALONE")
    assert admin.call("POST", f"{MASTER}/state", {"op": "SWITCH"}).refusal == refusal
    assert admin.get(f"{SHADOW}/state").refusal == NOT_ON_A_MASTER
    assert admin.get(f"{SHADOW}/config").refusal == NOT_ON_A_MASTER
    assert admin.call("POST", f"{SHADOW}/state", {"op": "CONNECT"}).refusal == NOT_ON_A_MASTER
    assert admin.call("PUT", f"{SHADOW}/config", {}).refusal == NOT_ON_A_MASTER
    assert admin.call("DELETE", f"{SHADOW}/state").refusal == NOT_ON_A_MASTER
    assert admin.call("DELETE", f"{MASTER}/state").whole == NO_CONTENT


@LAB
def test_what_a_connector_without_a_shadow_is_told_about_shadows_is_kept(admin: AdminClient) -> None:
    config = f"{MASTER}/config"
    port = admin.get(config).json["haPort"]
    sent = {"haEnabled": "true", "haPort": str(port), "allowedShadowHost": "shadow.example"}

    assert admin.call("PUT", config, sent).whole == NO_CONTENT
    assert admin.get(config).whole == whole({"haEnabled": True, "haPort": port, "allowedShadowHost": "shadow.example"})
    for wrong, message in (
        ({"haPort": 1}, f"haPort: found 1, allowed: {port}, as the lab file sets it"),
        ({"allowedShadowHost": "a b"}, "allowedShadowHost: found 'a b', allowed: the name or the address of a host"),
        ({"haEnabled": "yes"}, 'haEnabled: found "yes", allowed: true or false'),
    ):
        assert admin.call("PUT", config, {"haEnabled": False, **wrong}).refusal == (400, "INVALID_REQUEST", message)
    assert admin.get(config).json["haEnabled"] is True
    assert admin.call("DELETE", f"{MASTER}/state").status == 204
    assert admin.get(config).json == {"haEnabled": False, "haPort": port, "allowedShadowHost": ""}


@PAIR
def test_a_switch_gives_the_masters_part_to_the_shadow(maco_lab: Lab, admin: AdminClient) -> None:
    node = maco_lab.running.nodes["scc"]
    wait_for_shadow(admin)
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


@PAIR
def test_a_master_forgets_a_shadow_that_has_left(maco_lab: Lab, admin: AdminClient) -> None:
    master, shadow = maco_lab.running.nodes["scc"], maco_lab.running.nodes["scc shadow"]
    wait_for_shadow(admin)

    maco_lab.thread.loop.run(_told(shadow.leave))
    wait_for_state(admin, "ALONE", MASTER)  # it has said goodbye
    assert maco_lab.thread.loop.run(_bind(maco_lab)) == ""
    assert admin.get(f"{MASTER}/state").json["state"] == "BINDING"

    assert admin.call("DELETE", f"{MASTER}/state").whole == NO_CONTENT

    assert admin.get(f"{MASTER}/state").whole == whole({"state": "ALONE", "shadowHost": ""})
    assert str(master.state) == "ALONE"
    maco_lab.thread.loop.run(_told(shadow.bind))
    deadline = time.monotonic() + DEADLINE_S
    while admin.get(f"{MASTER}/state").json["state"] != "CONNECTED":  # one that comes back is known again
        assert time.monotonic() < deadline


async def _told(act: Callable[[], None]) -> None:
    act()


@PAIR
def test_a_shadow_watches_by_the_times_that_it_is_told(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", f"{MASTER}/state", {"op": "SWITCH"})
    first = admin.get(f"{SHADOW}/config").json
    node = maco_lab.running.nodes["scc"]
    times = {
        "checkIntervalInSeconds": 7,
        "takeoverDelayInSeconds": 0,
        "connectTimeoutInMillis": "2000",
        "requestTimeoutInMillis": 9000,
    }

    shown = admin.call("PUT", f"{SHADOW}/config", times)

    assert shown.whole == whole({**first, **times, "connectTimeoutInMillis": 2000})
    assert admin.get(f"{SHADOW}/config").text == shown.text
    assert (node.settings.check_interval_s, node.settings.connect_timeout_ms) == (7, 2000)
    wrong = {"checkIntervalInSeconds": 9, "ownHost": "192.0.2.1"}
    message = "ownHost: found '192.0.2.1', allowed: '127.0.0.1', where the lab file lets it listen"
    assert admin.call("PUT", f"{SHADOW}/config", wrong).refusal == (400, "INVALID_REQUEST", message)
    assert node.settings.check_interval_s == 7


@PAIR
def test_a_shadow_that_left_its_master_forgets_it_and_can_be_told_another(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", f"{MASTER}/state", {"op": "SWITCH"})
    port = admin.get(f"{SHADOW}/config").json["masterPort"]
    wait_for_state(admin, "READY")
    connected = "This shadow is READY: disconnect it first"
    assert admin.call("DELETE", f"{SHADOW}/state").refusal == (409, "ILLEGAL_STATE", connected)
    other = {"masterHost": "127.0.0.1", "masterPort": port + 1 if port < 65_535 else 1}
    refusal = (409, "ILLEGAL_STATE", "masterHost, masterPort: this shadow is READY")
    assert admin.call("PUT", f"{SHADOW}/config", other).refusal == refusal

    admin.call("POST", f"{SHADOW}/state", {"op": "DISCONNECT"})
    wait_for_state(admin, "DISCONNECTED")
    assert admin.call("DELETE", f"{SHADOW}/state").whole == NO_CONTENT

    shown = admin.get(f"{SHADOW}/config").json
    assert (shown["masterHost"], shown["masterPort"], shown["checkIntervalInSeconds"]) == ("", 0, 30)
    assert admin.get(f"{SHADOW}/state").json["state"] == "INITIAL"
    assert admin.call("PUT", f"{SHADOW}/config", {"masterHost": "127.0.0.1", "masterPort": port}).status == 200
    admin.call("POST", f"{SHADOW}/state", {"op": "CONNECT"})
    wait_for_state(admin, "READY")


@PAIR
def test_a_master_binds_no_shadow_that_it_is_told_not_to(maco_lab: Lab, admin: AdminClient) -> None:
    wait_for_shadow(admin)
    for config, why in (
        ({"haEnabled": False}, "this master allows no high availability"),
        (
            {"haEnabled": True, "allowedShadowHost": "192.0.2.1"},
            "this master allows the shadow at '192.0.2.1' alone, not one at '127.0.0.1'",
        ),
    ):
        assert admin.call("PUT", f"{MASTER}/config", config).whole == NO_CONTENT
        assert admin.get(f"{MASTER}/state").json["state"] == "CONNECTED"  # the one that is bound stays
        assert maco_lab.thread.loop.run(_bind(maco_lab)) == why
    assert admin.call("PUT", f"{MASTER}/config", {"allowedShadowHost": "127.0.0.1"}).whole == NO_CONTENT
    assert maco_lab.thread.loop.run(_bind(maco_lab)) == ""


async def _bind(lab: Lab) -> str:
    """Ask the master as its shadow does."""
    return lab.running.nodes["scc"].asked_to_bind("scc shadow", lab.running.nodes["scc shadow"].address)

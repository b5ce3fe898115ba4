"""Service channels: whole answers as recorded, ports, IDs that are given once, and that none is ever opened."""

from __future__ import annotations

import re
from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.good_bodies import CHANNELS
from tests.connector_sim.admin.settings import CONFIGURED, LAB, NEW, OWN, REGION, SUBACCOUNTS, TO_ADD
from tests.connector_sim.admin.test_audit import told
from tests.connector_sim.admin.test_traces import trace

pytestmark = LAB

K8S = f"{OWN}/channels/K8S"
ADDED = f"{SUBACCOUNTS}/{REGION}/{TO_ADD}"
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")

# As SAP's client sends it, numbers as strings (facts, 5.7).
SENT = {
    "comment": "Created",
    "connections": "1",
    "k8sCluster": "cluster.example",
    "k8sService": "service-id",
    "port": "3000",
}
NOT_OPENED = re.compile(  # facts, 5.2
    r"Service channel could not be opened\. See 'Logging and Tracing' and in particular scc_core\.trc for details\. "
    r"Associated entries were logged on or around (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \+0000)\."
)


def links(url: str) -> dict[str, Any]:
    return {"self": {"href": url}, "state": {"href": f"{url}/state"}}


def test_a_channel_is_shown_as_recorded(admin: AdminClient) -> None:
    assert admin.get(K8S).text == "[]"

    created = admin.call("POST", K8S, SENT)

    location = ("Location", f"{admin.url}{K8S}/1")
    assert created.whole == (201, "", [*FIRST, NO_STORE, location, ("Content-Length", "0")], "")
    shown = {  # the key order of facts, 5.7
        "k8sCluster": "cluster.example",
        "k8sService": "service-id",
        "id": 1,
        "type": "K8S",
        "port": 3000,
        "enabled": False,
        "connections": 1,
        "comment": "Created",
        "_links": links(f"{admin.url}{K8S}/1"),
    }
    body = compact(shown)
    assert admin.get(f"{K8S}/1").whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)
    assert admin.get(K8S).text == compact([shown])


@pytest.mark.parametrize(
    ("kind", "ends", "port"),
    [
        ("HANA", {"hanaInstanceName": "hana", "instanceNumber": 7}, 30_715),  # SAP: 3<instance>15
        ("VirtualMachine", {"name": "vm", "endpointId": "0-1"}, 2222),
        ("ABAPCloud", {"abapCloudTenantHost": "tenant.abap.example", "instanceNumber": 20}, 3320),  # facts, 5.7
        ("ABAPCloudSNC", {"abapCloudTenantHost": "tenant.abap.example", "instanceNumber": 20}, 4820),
    ],
)
def test_a_channel_of_each_type_has_its_fields_and_its_port(
    admin: AdminClient, kind: str, ends: dict[str, object], port: int
) -> None:
    path = f"{OWN}/channels/{kind}"
    assert admin.call("POST", path, {**CHANNELS[kind], "comment": ""}).status == 201

    rest = {"id": 1, "type": kind, "port": port, "enabled": False, "connections": 1, "comment": ""}
    assert admin.get(f"{path}/1").text == compact({**ends, **rest, "_links": links(f"{admin.url}{path}/1")})


def test_ids_count_up_over_types_and_subaccounts_and_none_is_given_twice(admin: AdminClient) -> None:
    assert admin.call("POST", SUBACCOUNTS, NEW).status == 201
    paths = [K8S, f"{OWN}/channels/HANA", f"{ADDED}/channels/K8S"]
    given = [admin.call("POST", path, CHANNELS[path.rpartition("/")[2]]).header("Location") for path in paths]
    assert given == [f"{admin.url}{path}/{number}" for number, path in enumerate(paths, start=1)]

    assert admin.call("DELETE", f"{ADDED}/channels/K8S/3").whole == NO_CONTENT
    assert admin.call("DELETE", ADDED).status == 204
    assert admin.call("POST", K8S, SENT).header("Location") == f"{admin.url}{K8S}/4"
    assert [each["id"] for each in admin.get(K8S).json] == [1, 4]


def test_a_channel_is_found_under_its_own_type_and_subaccount_alone(admin: AdminClient) -> None:
    admin.call("POST", K8S, SENT)
    missing = (404, "NOT_FOUND", "Service channel with value '1' does not exist")

    for method, content in (("GET", None), ("PUT", CHANNELS["HANA"]), ("DELETE", None)):
        assert admin.call(method, f"{OWN}/channels/HANA/1", content).refusal == missing
    assert admin.call("PUT", f"{OWN}/channels/HANA/1/state", {"enabled": False}).refusal == missing
    assert admin.get(f"{OWN}/channels/Kyma").status == 404
    assert admin.get(f"{K8S}/1").status == 200


def test_a_channel_is_changed_and_deleted(admin: AdminClient) -> None:
    admin.call("POST", K8S, SENT)
    before = admin.get(f"{K8S}/1").json

    assert admin.call("PUT", f"{K8S}/1", {**SENT, "port": 3001, "connections": "2"}).whole == NO_CONTENT
    assert admin.get(f"{K8S}/1").json == {**before, "port": 3001, "connections": 2}
    assert admin.call("PUT", f"{K8S}/1", {"comment": ""}).whole == NO_CONTENT
    assert admin.get(f"{K8S}/1").json == {**before, "port": 3001, "connections": 2, "comment": ""}
    assert admin.call("DELETE", f"{K8S}/1").whole == NO_CONTENT
    assert admin.get(K8S).text == "[]"


def test_no_channel_is_opened_and_the_trace_says_why(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", K8S, SENT)
    before = admin.get(f"{K8S}/1").json

    status, kind, message = admin.call("PUT", f"{K8S}/1/state", {"enabled": "true"}).refusal

    assert (status, kind) == (500, "RUNTIME_FAILURE")  # recorded
    assert NOT_OPENED.fullmatch(message)
    why = f"Service channel 1 (K8S) of {CONFIGURED} is kept and cannot be opened: maco-lab carries none"
    assert [each["level"] for each in trace(maco_lab) if each["message"] == why] == ["ERROR"]
    assert admin.call("PUT", f"{K8S}/1/state", {"enabled": "false"}).whole == NO_CONTENT
    assert admin.get(f"{K8S}/1").json == before  # recorded: "enabled" is false, and there is no "state"
    assert admin.get(OWN).json["tunnel"]["serviceChannels"] == []  # recorded (facts, 5.3)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("K8S", {"port": 0}),
        ("K8S", {"port": 65_536}),
        ("VirtualMachine", {"connections": 0}),
        ("HANA", {"instanceNumber": 100}),
        ("ABAPCloud", {"instanceNumber": "-1"}),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_its_name(
    admin: AdminClient, kind: str, change: dict[str, object]
) -> None:
    path, (name,) = f"{OWN}/channels/{kind}", change
    refused = [admin.call("POST", path, {**CHANNELS[kind], **change}).refusal]
    admin.call("POST", path, CHANNELS[kind])
    refused.append(admin.call("PUT", f"{path}/1", change).refusal)

    assert [(status, error, text.partition(":")[0]) for status, error, text in refused] == [
        (400, "INVALID_REQUEST", name)
    ] * 2
    assert [each["id"] for each in admin.get(path).json] == [1]  # what was refused took no ID


def test_the_links_of_a_subaccount_lead_to_its_channels(admin: AdminClient) -> None:
    found = admin.get(OWN).json["_links"]
    channels = [each["href"] for name, each in found.items() if name.endswith("-channels")]

    assert len(channels) == 4
    assert [admin.get(each.removeprefix(admin.url)).text for each in channels] == ["[]"] * 4


def test_a_channel_is_told_in_the_audit_log(admin: AdminClient) -> None:
    admin.call("POST", K8S, SENT)
    admin.call("PUT", f"{K8S}/1", {"port": 3001})
    admin.call("DELETE", f"{K8S}/1")

    added, changed, deleted = told(admin)
    kind, subject = "ServiceChannelConfiguration", f"{CONFIGURED}/1"
    assert [(each[0], each[2]) for each in (added, changed, deleted)] == [
        (f"add-{kind}", subject), (f"modify-{kind}", subject), (f"delete-{kind}", subject),
    ]  # fmt: skip
    assert added[4].startswith("{k8sCluster=cluster.example, k8sService=service-id, id=1, type=K8S, port=3000,")
    assert changed[3:] == ("{port=3000}", "{port=3001}")

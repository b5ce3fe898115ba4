"""Reachability checks by the API: on demand and on saving, whole answers, for whoever may read."""

from __future__ import annotations

import pytest

from connector_sim.admin.roles import Role
from maco_lab.testing.lab import Lab
from maco_wire.observation import ConnectionChecked
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB, MAPPINGS, NEW_MAPPING, OWN, REGION, UNKNOWN
from tests.connector_sim.admin.traffic import MAIL_HOST

pytestmark = LAB

TRUST = "/api/v1/configuration/connector/onPremises/truststore/certificates"
OURS = f"/maco-lab{OWN.removeprefix('/api/v1/configuration')}"
CHECKS = f"{OURS}/checks"
TCP_CHECK = f"{OURS}/systemMappings/{MAIL_HOST}:143/check"
TCPS_CHECK = f"{OURS}/systemMappings/mailbox.virtual:993/check"
NOT_YET = "Not checked since the mapping or the Cloud Connector was there."


def test_before_a_check_nothing_is_known(admin: AdminClient) -> None:
    shape = {
        "virtual": f"{MAIL_HOST}:143",
        "internal": f"{MAIL_HOST}:143",
        "protocol": "TCP",
        "result": "Unchecked",
        "message": NOT_YET,
        "checkedTimeStamp": None,
    }
    body = compact({**shape, "portsNotTried": 0, "ports": []})

    assert admin.get(TCP_CHECK).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)
    assert admin.get(CHECKS).json[0] == shape
    assert [each["result"] for each in admin.get(CHECKS).json] == ["Unchecked"] * 4


def test_a_check_answers_with_its_result_and_keeps_it(admin: AdminClient) -> None:
    found = admin.call("POST", TCPS_CHECK)

    (port,) = found.json["ports"]
    tls = port["tls"]
    assert list(found.json) == [
        "virtual", "internal", "protocol", "result", "message", "checkedTimeStamp", "portsNotTried", "ports",
    ]  # fmt: skip
    assert list(port) == ["port", "result", "reason", "message", "durationMillis", "tls"]
    assert list(tls) == [
        "version", "cipher", "serverName", "nameChecked", "trustsAll", "chain", "anchor", "missing",
        "clientCertificate", "error", "verifyCode", "alertSent", "alertReceived",
    ]  # fmt: skip
    assert (found.status, found.json["result"], port["reason"]) == (200, "Reachable", "reachable")
    assert [(each["role"], each["inStore"]) for each in tls["chain"]] == [("server", False), ("intermediate", False)]
    assert tls["clientCertificate"] == {"asked": False, "offered": True}
    assert tls["chain"][0]["notAfterTimeStamp"] > found.json["checkedTimeStamp"]
    assert admin.get(TCPS_CHECK).text == found.text
    assert [each["result"] for each in admin.get(CHECKS).json] == ["Unchecked", "Reachable", "Unchecked", "Unchecked"]


def test_what_the_trust_store_lacks_is_named_and_its_upload_changes_the_next_result(
    maco_lab: Lab, admin: AdminClient
) -> None:
    assert admin.call("DELETE", TRUST).status == 204
    found = admin.call("POST", TCPS_CHECK).json

    (port,) = found["ports"]
    assert (found["result"], port["reason"]) == ("Warning", "untrusted")
    root = port["tls"]["missing"][0]
    assert (root["role"], root["wasSent"], root["issuer"]) == ("issuer", False, "")
    assert root["subjectDN"].startswith("CN=maco-lab Mail Root CA")
    assert admin.upload("POST", TRUST, certificates=maco_lab.root_pem).status == 201
    assert admin.get(TCPS_CHECK).json["result"] == "Warning"  # it is never run again by itself
    assert admin.call("POST", TCPS_CHECK).json["result"] == "Reachable"


def test_a_mapping_that_is_saved_is_checked_in_the_background(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.call("POST", MAPPINGS, NEW_MAPPING).status == 201
    maco_lab.journal.wait_for(ConnectionChecked, reachable=True, internal_port=143)

    assert admin.call("PUT", f"{MAPPINGS}/new.virtual:143", {"localHost": "nowhere.example"}).status == 204
    seen = maco_lab.journal.wait_for(ConnectionChecked, reachable=False)
    assert (seen.internal_host, seen.reason) == ("nowhere.example", "unresolvable")


def test_a_mapping_that_reaches_nothing_is_saved_all_the_same(admin: AdminClient) -> None:
    assert admin.call("POST", MAPPINGS, {**NEW_MAPPING, "localHost": "nowhere.example"}).status == 201
    assert admin.get(f"{MAPPINGS}/new.virtual:143").status == 200


def test_a_result_counts_for_every_mapping_of_the_same_system(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    maco_lab.journal.wait_for(ConnectionChecked)

    assert admin.call("POST", TCP_CHECK).json["result"] == "Reachable"
    shown = {each["virtual"]: each["result"] for each in admin.get(CHECKS).json}
    assert (shown[f"{MAIL_HOST}:143"], shown["new.virtual:143"]) == ("Reachable", "Reachable")


def test_a_range_shows_each_port_that_was_tried(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, {**NEW_MAPPING, "virtualPort": "140-149", "localPort": "140-149"})
    found = admin.call("POST", f"{OURS}/systemMappings/new.virtual:140-149/check").json

    assert (found["internal"], found["result"], found["portsNotTried"]) == (f"{MAIL_HOST}:140-149", "Warning", 5)
    assert [each["port"] for each in found["ports"]] == [140, 142, 144, 146, 149]


def test_what_carries_no_traffic_cannot_be_checked(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, {**NEW_MAPPING, "protocol": "HTTP", "virtualPort": "80", "localPort": "80"})

    answer = admin.call("POST", f"{OURS}/systemMappings/new.virtual:80/check")

    message = "protocol: HTTP is kept and carries no traffic; allowed for a check: TCP, TCPS"
    assert answer.refusal == (400, "INVALID_REQUEST", message)


def test_what_is_not_there_is_not_found(admin: AdminClient) -> None:
    assert admin.call("POST", f"{OURS}/systemMappings/no:1/check").refusal == (
        404, "NOT_FOUND", "System mapping with value 'no:1' does not exist",
    )  # fmt: skip
    assert admin.get(f"/maco-lab/subaccounts/{REGION}/{UNKNOWN}/checks").status == 404


@pytest.mark.parametrize("role", Role)
def test_whoever_may_read_may_check(admin: AdminClient, role: Role) -> None:
    assert admin.as_user(role.value).call("POST", TCP_CHECK).json["result"] == "Reachable"


def test_a_check_by_a_session_needs_its_token(admin: AdminClient) -> None:
    cookie = admin.get(CHECKS).header("Set-Cookie")
    assert cookie

    answer = admin.call("POST", TCP_CHECK, headers={"Authorization": "", "Cookie": cookie.partition(";")[0]})

    assert answer.refusal == (403, "FORBIDDEN", "X-CSRF-Token of the session is missing or wrong")


def test_a_restored_lab_knows_of_no_check(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", TCP_CHECK)
    maco_lab.reset()

    assert admin.get(TCP_CHECK).json["result"] == "Unchecked"

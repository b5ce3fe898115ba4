"""Resources and domain mappings: whole answers as recorded, and counted in their mapping."""

from __future__ import annotations

import pytest

from connector_sim.admin.stored_lists import decoded, encoded
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB, MAPPINGS, OWN
from tests.connector_sim.admin.test_system_mappings import HTTP

pytestmark = LAB

MAPPING = f"{MAPPINGS}/testterraform:900"
RESOURCES = f"{MAPPING}/resources"
DOMAINS = f"{OWN}/domainMappings"
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")

# As SAP's client sent it, booleans as strings (facts, 5.4 and 5.9).
SENT = {
    "description": "create resource",
    "enabled": "true",
    "exactMatchOnly": "false",
    "id": "/",
    "websocketUpgradeAllowed": "false",
}


@pytest.mark.parametrize(
    ("plain", "written"), [("/", "-"), ("/a/b", "-a-b"), ("/a-b", "-a+2Db"), ("/a+b", "-a+2Bb"), ("+2D", "+2B2D")]
)
def test_an_id_is_written_as_sap_has_it(plain: str, written: str) -> None:
    assert (encoded(plain), decoded(written)) == (written, plain)


def test_a_resource_is_shown_as_recorded(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, HTTP)

    created = admin.call("POST", RESOURCES, SENT)

    location = ("Location", f"{admin.url}{RESOURCES}/-")
    assert created.whole == (201, "", [*FIRST, NO_STORE, location, ("Content-Length", "0")], "")
    answer = admin.get(f"{RESOURCES}/-")
    shown = {
        "id": "/",
        "enabled": True,
        "exactMatchOnly": False,
        "websocketUpgradeAllowed": False,
        "creationDate": answer.json["creationDate"],
        "description": "create resource",
    }
    body = compact({**shown, "_links": {"self": {"href": f"{admin.url}{RESOURCES}/-"}}})
    assert answer.whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)
    assert answer.json["creationDate"].isdigit()
    assert admin.get(RESOURCES).text == compact([{**shown, "_links": {}}])
    counted = admin.get(MAPPING).json
    assert (counted["totalResourcesCount"], counted["enabledResourcesCount"]) == (1, 1)


def test_a_resource_is_changed_and_deleted(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, HTTP)
    admin.call("POST", RESOURCES, SENT)
    before = admin.get(f"{RESOURCES}/-").json

    changed = {"description": "updated resource", "enabled": "false"}
    assert admin.call("PUT", f"{RESOURCES}/-", changed).whole == NO_CONTENT
    assert admin.get(f"{RESOURCES}/-").json == {**before, "description": "updated resource", "enabled": False}
    assert admin.get(MAPPING).json["enabledResourcesCount"] == 0
    assert admin.call("DELETE", f"{RESOURCES}/-").whole == NO_CONTENT
    assert admin.get(f"{RESOURCES}/-").refusal == (404, "NOT_FOUND", "Resource with value '/' does not exist")
    assert admin.get(MAPPING).json["totalResourcesCount"] == 0


def test_a_resource_that_cannot_be_is_refused(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, HTTP)
    admin.call("POST", RESOURCES, SENT)

    refusal = (409, "INVALID_CONFIGURATION", "Resource '/' already exists")
    assert admin.call("POST", RESOURCES, SENT).refusal == refusal
    tcp = f"{MAPPINGS}/mail.stadtwerke.example:143/resources"
    message = "protocol: TCP and TCPS mappings have no resources"
    assert admin.call("POST", tcp, SENT).refusal == (400, "INVALID_REQUEST", message)


def test_domain_mappings_are_kept(admin: AdminClient) -> None:
    assert admin.get(DOMAINS).text == "[]"
    sent = {"virtualDomain": "v.example", "internalDomain": "i.example"}

    created = admin.call("POST", DOMAINS, sent)

    location = ("Location", f"{admin.url}{DOMAINS}/i.example")
    assert created.whole == (201, "", [*FIRST, NO_STORE, location, ("Content-Length", "0")], "")
    links = {"self": {"href": f"{admin.url}{DOMAINS}/i.example"}}
    assert admin.get(DOMAINS).text == compact([{**sent, "_links": links}])
    assert admin.call("POST", DOMAINS, sent).status == 409
    assert admin.call("PUT", f"{DOMAINS}/i.example", {**sent, "internalDomain": "j.example"}).whole == NO_CONTENT
    assert [each["internalDomain"] for each in admin.get(DOMAINS).json] == ["j.example"]
    refusal = (404, "NOT_FOUND", "Domain mapping with value 'i.example' does not exist")
    assert admin.call("DELETE", f"{DOMAINS}/i.example").refusal == refusal
    assert admin.call("DELETE", f"{DOMAINS}/j.example").whole == NO_CONTENT

"""Subaccounts by the API: whole answers as recorded, and what each change does to the tunnel that runs."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography import x509

from connector_sim.cloud.authentication_data import LIFETIME_S, AuthenticationDataDesk
from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, TlsSession, TunnelState
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, Answer, basic, compact, length
from tests.connector_sim.admin.settings import (
    CLOUD_PASSWORD,
    CLOUD_USER,
    CONFIGURED,
    LAB,
    NEW,
    OTHER_CLOUD_USER,
    OWN,
    REGION,
    SUBACCOUNTS,
    TO_ADD,
    UNKNOWN,
)
from tests.connector_sim.admin.traffic import connection

pytestmark = [LAB, pytest.mark.usefixtures("mail_waits")]

ADDED = f"{SUBACCOUNTS}/{REGION}/{TO_ADD}"
VARY = ("Vary", "accept-encoding")
WAY_A = "way-a"


def links(url: str) -> dict[str, Any]:
    """Return ``_links`` in the order of the recorded entity (facts, 5.3)."""
    paths = {
        "ABAPCloud-channels": "/channels/ABAPCloud",
        "HANA-channels": "/channels/HANA",
        "systemMappings": "/systemMappings",
        "self": "",
        "K8S-channels": "/channels/K8S",
        "validity": "/validity",
        "state": "/state",
        "VirtualMachine-channels": "/channels/VirtualMachine",
        "domainMappings": "/domainMappings",
    }
    return {name: {"href": url + path} for name, path in paths.items()}


def entity(admin: AdminClient, found: Answer, subaccount: str, **changes: Any) -> dict[str, Any]:
    """Return the entity in the recorded key order; its certificate and the time of connecting are taken as found."""
    expected: dict[str, Any] = {
        "displayName": subaccount,
        "autoCertRenewal": False,
        "tunnel": {
            "state": "Connected",
            "connectedSinceTimeStamp": found.json["tunnel"]["connectedSinceTimeStamp"],
            "connections": 0,
            "applicationConnections": [],
            "serviceChannels": [],
            "subaccountCertificate": found.json["tunnel"]["subaccountCertificate"],
            "user": "",
        },
        "isManaged": False,
        "_links": links(f"{admin.url}{SUBACCOUNTS}/{REGION}/{subaccount}"),
        "regionHost": REGION,
        "subaccount": subaccount,
        "locationID": "WERK1",
    }
    tunnel = {**expected["tunnel"], **changes.pop("tunnel", {})}
    first: dict[str, Any] = {"description": changes.pop("description")} if "description" in changes else {}
    return {**first, **expected, "tunnel": tunnel, **changes}


def certificate(subaccount: str, der: x509.Certificate) -> dict[str, Any]:
    return {
        "notAfterTimeStamp": int(der.not_valid_after_utc.timestamp()) * 1000,
        "notBeforeTimeStamp": int(der.not_valid_before_utc.timestamp()) * 1000,
        "subjectDN": f"CN={subaccount},OU=maco-lab Cloud Clients,O=maco-lab",
        "issuer": "CN=maco-lab Cloud Clients CA,O=maco-lab",
        "serialNumber": ":".join(f"{byte:02x}" for byte in _bytes(der.serial_number)),
    }


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def shown_to_the_cloud(lab: Lab) -> str:
    """Return the fingerprint of the certificate that the tunnel endpoint saw last."""
    seen = lab.journal.of(Handshake, Party.CONNECTIVITY, session=TlsSession.TUNNEL)[-1]
    return seen.peer_chain[0].fingerprint


def test_the_list_has_what_was_recorded_and_nothing_else(admin: AdminClient) -> None:
    expected = [
        {"_links": links(admin.url + OWN), "regionHost": REGION, "subaccount": CONFIGURED, "locationID": "WERK1"}
    ]
    body = compact(expected)

    assert admin.get(SUBACCOUNTS).whole == (200, "", [*FIRST, NO_STORE, JSON, VARY, length(body)], body)


def test_a_subaccount_is_shown_as_recorded(maco_lab: Lab, admin: AdminClient) -> None:
    answer = admin.get(OWN)

    own = maco_lab.authority.subaccount_certificate(CONFIGURED).certificate
    expected = entity(admin, answer, CONFIGURED, tunnel={"subaccountCertificate": certificate(CONFIGURED, own)})
    body = compact(expected)
    assert answer.whole == (200, "", [*FIRST, NO_STORE, JSON, VARY, length(body)], body)
    since = answer.json["tunnel"]["connectedSinceTimeStamp"]
    assert abs(since / 1000 - dt.datetime.now(dt.UTC).timestamp()) < 3600


def test_a_subaccount_is_found_by_both_its_parts_only(admin: AdminClient) -> None:
    for region, subaccount in ((REGION, UNKNOWN), ("cf.eu12.hana.ondemand.com", CONFIGURED)):
        message = f"Subaccount with value '{subaccount}@{region}' does not exist"  # recorded (facts, 5.2)
        body = compact({"type": "NOT_FOUND", "message": message})
        for more in ("", "/systemMappings"):
            answer = admin.get(f"{SUBACCOUNTS}/{region}/{subaccount}{more}")
            assert answer.whole == (404, "", [*FIRST, NO_STORE, JSON, length(body)], body)


def test_a_subaccount_that_is_added_connects_with_a_certificate_that_the_cloud_signed(
    maco_lab: Lab, admin: AdminClient
) -> None:
    sent = {**NEW, "displayName": "", "description": "for the network", "locationID": "", "autoCertRenewal": "true"}
    answer = admin.call("POST", SUBACCOUNTS, sent)

    expected = entity(
        admin,
        answer,
        TO_ADD,
        description="for the network",
        autoCertRenewal=True,
        locationID="",
        tunnel={"user": CLOUD_USER},
    )
    body = compact(expected)
    location = ("Location", admin.url + ADDED)
    assert answer.whole == (201, "", [*FIRST, NO_STORE, location, JSON, VARY, length(body)], body)
    shown = answer.json["tunnel"]["subaccountCertificate"]
    assert shown["notAfterTimeStamp"] - shown["notBeforeTimeStamp"] == 31_539_600_000  # recorded (facts, 2.2)
    assert shown["subjectDN"] == f"CN={TO_ADD},OU=maco-lab Cloud Clients,O=maco-lab"
    assert admin.get(ADDED).text == body
    assert maco_lab.running.cloud.registry.location_ids(TO_ADD) == [""]


def test_a_subaccount_that_is_added_carries_traffic(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", SUBACCOUNTS, {**NEW, "locationID": "WERK1"})
    sent = {
        "virtualHost": "mail.stadtwerke.example",
        "virtualPort": "143",
        "localHost": "mail.stadtwerke.example",
        "localPort": "143",
        "protocol": "TCP",
        "backendType": "nonSAPsys",
    }
    assert admin.call("POST", f"{ADDED}/systemMappings", sent).status == 201

    with connection(maco_lab, client_id="other") as opened:
        assert opened.greeting.startswith(b"* OK")


# The product's words (facts, 2.3), with the name that the trace file has since 2.17.
UNREACHABLE = (
    '417 Could not download configuration file. See "Log And Trace Files" and in particular scc_core.trc for details.'
)
NO_DATA = (
    "authenticationData: found none, allowed: what the lab's cloud handed out at /maco-lab/authentication_data "
    "of its token service"
)
REFUSED: list[tuple[dict[str, str], tuple[int, str, str]]] = [
    ({"cloudPassword": "wrong"}, (400, "INVALID_REQUEST", "SCC handshake failed: 401 — Unauthorized")),
    ({"cloudUser": "nobody"}, (400, "INVALID_REQUEST", "SCC handshake failed: 401 — Unauthorized")),
    (
        {"cloudUser": OTHER_CLOUD_USER, "cloudPassword": "Cloud4711Other"},
        (400, "INVALID_REQUEST", "SCC handshake failed: 403 — Forbidden"),
    ),
    ({"subaccount": UNKNOWN}, (400, "INVALID_REQUEST", "SCC handshake failed: 403 — Forbidden")),
    (
        {"subaccount": "Netzbetreiber"},
        (
            400,
            "INVALID_REQUEST",
            "Invalid subaccount (use permitted characters only; obey syntactic rules and length restrictions)",
        ),
    ),
    (
        {"subaccount": CONFIGURED},
        (409, "INVALID_CONFIGURATION", f"Subaccount '{CONFIGURED}@{REGION}' already exists"),
    ),
    (
        {"regionHost": "cf.eu10.hana.ondemand.com"},
        (
            500,
            "RUNTIME_FAILURE",
            UNREACHABLE,
        ),
    ),
    ({"cloudUser": ""}, (400, "INVALID_REQUEST", 'cloudUser: found "", allowed: a string with text')),
    (
        {"autoCertRenewal": "yes"},
        (400, "INVALID_REQUEST", 'autoCertRenewal: found "yes", allowed: true or false'),
    ),
    (
        {"locationID": "x" * 190},
        (400, "INVALID_REQUEST", "locationID: allowed: printable characters, at most 189 bytes in UTF-8"),
    ),
    (
        {"authenticationData": "x"},
        (
            400,
            "INVALID_REQUEST",
            NO_DATA,
        ),
    ),
]


def test_a_subaccount_that_cannot_be_added_is_refused_in_the_products_words(admin: AdminClient) -> None:
    found = [admin.call("POST", SUBACCOUNTS, {**NEW, **sent}).refusal for sent, _ in REFUSED]

    assert found == [refusal for _, refusal in REFUSED]
    assert [each["subaccount"] for each in admin.get(SUBACCOUNTS).json] == [CONFIGURED]


def test_a_cloud_that_is_gone_is_a_runtime_failure(maco_lab: Lab, admin: AdminClient) -> None:
    book = maco_lab.running.administrations["scc"].installation.subaccounts
    book._certificates._address, listening = ("127.0.0.1", 1), book._certificates._address
    try:
        assert admin.call("POST", SUBACCOUNTS, NEW).refusal[:2] == (500, "RUNTIME_FAILURE")
    finally:
        book._certificates._address = listening


def test_an_update_changes_what_was_sent_and_answers_the_entity(admin: AdminClient) -> None:
    first = admin.call("PUT", OWN, {"displayName": "Stadtwerke", "description": "the works", "autoCertRenewal": True})
    body = compact(
        entity(admin, first, CONFIGURED, displayName="Stadtwerke", description="the works", autoCertRenewal=True)
    )
    assert first.whole == (200, "", [*FIRST, NO_STORE, JSON, VARY, length(body)], body)

    second = admin.call("PUT", OWN, {"displayName": ""})

    assert second.json == {**first.json, "displayName": CONFIGURED}  # recorded: "" is the subaccount's ID
    assert admin.get(OWN).text == second.text


def test_another_location_id_moves_the_tunnel(maco_lab: Lab, admin: AdminClient) -> None:
    before = admin.get(OWN).json["tunnel"]
    answer = admin.call("PUT", OWN, {"locationID": "WERK2"})

    assert (answer.status, answer.json["locationID"], answer.json["tunnel"]["state"]) == (200, "WERK2", "Connected")
    assert answer.json["tunnel"]["connectedSinceTimeStamp"] > before["connectedSinceTimeStamp"]
    assert maco_lab.running.cloud.registry.location_ids(CONFIGURED) == ["WERK2"]
    assert maco_lab.maco.poll(WAY_A).socks_reply == 0x03
    assert admin.call("PUT", OWN, {"locationID": "WERK1"}).status == 200
    assert maco_lab.maco.poll(WAY_A).succeeded


def test_a_disconnected_tunnel_keeps_certificate_and_user_and_refuses_connections(
    maco_lab: Lab, admin: AdminClient
) -> None:
    before = admin.get(OWN).json["tunnel"]

    assert admin.call("PUT", f"{OWN}/state", {"connected": False}).whole == (204, "", [*FIRST, NO_STORE], "")

    expected = {**before, "state": "Disconnected", "connectedSinceTimeStamp": 0}  # recorded (facts, 5.3)
    assert admin.get(OWN).json["tunnel"] == expected
    assert maco_lab.maco.poll(WAY_A).socks_reply == 0x03


@pytest.mark.parametrize("connected", [True, "true"])
def test_a_tunnel_that_is_connected_again_carries_traffic(maco_lab: Lab, admin: AdminClient, connected: object) -> None:
    admin.call("PUT", f"{OWN}/state", {"connected": "false"})

    assert admin.call("PUT", f"{OWN}/state", {"connected": connected}).status == 204
    assert admin.get(OWN).json["tunnel"]["state"] == "Connected"
    assert maco_lab.maco.poll(WAY_A).succeeded


def test_a_deleted_subaccount_is_gone_with_its_tunnel(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.call("DELETE", OWN).whole == (204, "", [*FIRST, NO_STORE], "")

    assert (admin.get(OWN).status, admin.get(SUBACCOUNTS).json) == (404, [])
    assert admin.call("DELETE", OWN).status == 404
    assert maco_lab.journal.of(TunnelState, Party.CLOUD_CONNECTOR)[-1].reason == "the subaccount was removed"
    assert maco_lab.maco.poll(WAY_A).socks_reply == 0x03


def test_a_subaccount_may_be_deleted_and_added_again(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("DELETE", OWN)

    added = admin.call("POST", SUBACCOUNTS, {**NEW, "subaccount": CONFIGURED, "locationID": "WERK1"})
    assert (added.status, added.json["tunnel"]["state"]) == (201, "Connected")
    assert admin.get(f"{OWN}/systemMappings").json == []  # "fresh connection exposes nothing" (facts, section 2)
    maco_lab.reset()
    maco_lab.mail_server.deliver("strom@stadtwerke.example")
    assert maco_lab.maco.poll(WAY_A).stored == 1


@pytest.mark.parametrize("names", [("user", "password"), ("cloudUser", "cloudPassword")])
def test_a_renewed_certificate_is_shown_at_the_next_handshake(
    maco_lab: Lab, admin: AdminClient, names: tuple[str, str]
) -> None:
    old, old_shown = admin.get(OWN).json["tunnel"], shown_to_the_cloud(maco_lab)

    answer = admin.call("POST", f"{OWN}/validity", dict(zip(names, (CLOUD_USER, CLOUD_PASSWORD), strict=True)))

    new = answer.json["tunnel"]
    assert (answer.status, new["state"], new["user"]) == (200, "Connected", CLOUD_USER)
    assert new["connectedSinceTimeStamp"] == old["connectedSinceTimeStamp"]  # what is up stays up
    assert new["subaccountCertificate"]["serialNumber"] != old["subaccountCertificate"]["serialNumber"]
    admin.call("PUT", f"{OWN}/state", {"connected": False})
    admin.call("PUT", f"{OWN}/state", {"connected": True})
    assert admin.get(OWN).json["tunnel"]["state"] == "Connected"
    assert shown_to_the_cloud(maco_lab) != old_shown


def test_a_certificate_is_not_renewed_with_wrong_credentials(admin: AdminClient) -> None:
    old = admin.get(OWN).text

    refused = admin.call("POST", f"{OWN}/validity", {"user": CLOUD_USER, "password": "wrong"})
    assert refused.refusal == (400, "INVALID_REQUEST", "SCC handshake failed: 401 — Unauthorized")
    assert admin.get(OWN).text == old


# Authentication data: SAP's "instead of" user, password and region (facts, 2.2: it overrides them)


def handed_out(lab: Lab, subaccount: str) -> dict[str, Any]:
    """Return what the cloud answers a user who asks for authentication data."""
    request = urllib.request.Request(
        f"{lab.running.cloud.token_url}/maco-lab/authentication_data",
        urllib.parse.urlencode({"subaccount": subaccount}).encode(),
        {"Authorization": basic(CLOUD_USER, CLOUD_PASSWORD)},
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def other_desk(lab: Lab, **changes: Any) -> AuthenticationDataDesk:
    """Return one that signs as the lab's cloud does."""
    own = lab.running.cloud.desk
    return AuthenticationDataDesk(own._users, own._key, changes.pop("region", REGION), **changes)


def test_what_the_cloud_hands_out_adds_a_subaccount_as_it_is(maco_lab: Lab, admin: AdminClient) -> None:
    sent = handed_out(maco_lab, TO_ADD)

    answer = admin.call("POST", SUBACCOUNTS, {**sent, "locationID": "WERK1"})

    assert (answer.status, answer.header("Location")) == (201, admin.url + ADDED)
    assert answer.json == entity(admin, answer, TO_ADD, tunnel={"user": CLOUD_USER})
    assert sent["authenticationData"] not in admin.get(ADDED).text
    assert maco_lab.running.cloud.registry.location_ids(TO_ADD) == ["WERK1"]


def test_authentication_data_overrides_what_comes_with_it(maco_lab: Lab, admin: AdminClient) -> None:
    data = maco_lab.running.cloud.desk.issue(CLOUD_USER, TO_ADD)
    wrong = {"regionHost": "x", "subaccount": UNKNOWN, "cloudUser": "nobody", "cloudPassword": "wrong"}

    answer = admin.call("POST", SUBACCOUNTS, {**wrong, "authenticationData": f" {data}\n"})

    assert (answer.status, answer.json["subaccount"], answer.json["regionHost"]) == (201, TO_ADD, REGION)
    assert answer.json["tunnel"]["user"] == CLOUD_USER


def tampered(data: str, **changes: str) -> str:
    head, payload, signature = data.split(".")
    claims = {**json.loads(base64.urlsafe_b64decode(payload + "==")), **changes}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def test_authentication_data_that_does_not_count_adds_nothing(maco_lab: Lab, admin: AdminClient) -> None:
    desk, late = maco_lab.running.cloud.desk, other_desk(maco_lab, clock=lambda: time.time() - LIFETIME_S)
    elsewhere = other_desk(maco_lab, region="cf.eu10.hana.ondemand.com")
    unauthorized = (400, "INVALID_REQUEST", "SCC handshake failed: 401 — Unauthorized")
    forbidden = (400, "INVALID_REQUEST", "SCC handshake failed: 403 — Forbidden")
    expected = {
        late.issue(CLOUD_USER, TO_ADD): unauthorized,
        tampered(desk.issue(OTHER_CLOUD_USER, CONFIGURED), subaccount=TO_ADD): unauthorized,
        tampered(elsewhere.issue(CLOUD_USER, TO_ADD), region_host=REGION): unauthorized,
        desk.issue(OTHER_CLOUD_USER, TO_ADD): forbidden,
        desk.issue(CLOUD_USER, UNKNOWN): forbidden,
        elsewhere.issue(CLOUD_USER, TO_ADD): (500, "RUNTIME_FAILURE", UNREACHABLE),
        desk.issue(CLOUD_USER, CONFIGURED): (
            409,
            "INVALID_CONFIGURATION",
            f"Subaccount '{CONFIGURED}@{REGION}' already exists",
        ),
    }

    found = {each: admin.call("POST", SUBACCOUNTS, {"authenticationData": each}).refusal for each in expected}

    assert found == expected
    assert [each["subaccount"] for each in admin.get(SUBACCOUNTS).json] == [CONFIGURED]


def test_a_certificate_is_renewed_by_authentication_data(maco_lab: Lab, admin: AdminClient) -> None:
    old = admin.get(OWN).json["tunnel"]["subaccountCertificate"]["serialNumber"]

    answer = admin.call("POST", f"{OWN}/validity", handed_out(maco_lab, CONFIGURED))

    assert (answer.status, answer.json["tunnel"]["user"]) == (200, CLOUD_USER)
    assert answer.json["tunnel"]["subaccountCertificate"]["serialNumber"] != old


def test_a_certificate_is_not_renewed_by_authentication_data_that_does_not_count(
    maco_lab: Lab, admin: AdminClient
) -> None:
    old, desk = admin.get(OWN).text, maco_lab.running.cloud.desk
    late = other_desk(maco_lab, clock=lambda: time.time() - LIFETIME_S)
    elsewhere = other_desk(maco_lab, region="cf.eu10.hana.ondemand.com")
    expected = {
        "x": (400, "INVALID_REQUEST", NO_DATA),
        # SAP, "Subaccount": "the region in authentication data does not match the region of the subaccount"
        elsewhere.issue(CLOUD_USER, CONFIGURED): (
            400,
            "BAD_REQUEST",
            f"The authentication data is for another region than {REGION}",
        ),
        desk.issue(CLOUD_USER, TO_ADD): (
            400,
            "INVALID_REQUEST",
            f"authenticationData: is for another subaccount than {CONFIGURED}",
        ),
        late.issue(CLOUD_USER, CONFIGURED): (400, "INVALID_REQUEST", "SCC handshake failed: 401 — Unauthorized"),
    }

    found = {each: admin.call("POST", f"{OWN}/validity", {"authenticationData": each}).refusal for each in expected}

    assert found == expected
    assert admin.get(OWN).text == old


def test_a_managed_subaccount_is_changed_by_an_administrator_only(admin: AdminClient) -> None:
    assert admin.call("POST", SUBACCOUNTS, {**NEW, "isManaged": True}).json["isManaged"] is True

    message = "A managed subaccount may be changed by an Administrator only"
    for method, path in (("PUT", ADDED), ("DELETE", ADDED), ("POST", f"{ADDED}/systemMappings")):
        assert admin.as_user("sccsubadmin").call(method, path, {}).refusal == (403, "FORBIDDEN", message)
    assert admin.as_user("sccsubadmin").call("PUT", OWN, {}).status == 200
    assert admin.call("DELETE", ADDED).status == 204


def test_trust_is_synchronized_as_recorded_and_its_switch_is_kept(admin: AdminClient) -> None:
    assert admin.call("POST", f"{OWN}/trust").whole == (204, "", [*FIRST, NO_STORE], "")
    assert admin.get(f"{OWN}/trust").text == '{"autoSyncTrustEnabled":false}'
    assert admin.call("PUT", f"{OWN}/trust", {"autoSyncTrustEnabled": "true"}).status == 204
    assert admin.get(f"{OWN}/trust").text == '{"autoSyncTrustEnabled":true}'


def test_no_subaccount_is_corrupted(admin: AdminClient) -> None:
    assert admin.get(f"{SUBACCOUNTS}/corrupted").whole == (
        200,
        "",
        [*FIRST, NO_STORE, JSON, ("Content-Length", "2")],
        "[]",
    )


def test_two_changes_at_a_time_come_one_after_the_other(maco_lab: Lab, admin: AdminClient) -> None:
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: admin.call("POST", SUBACCOUNTS, NEW), range(2)))

    assert sorted(each.status for each in answers) == [201, 409]
    assert maco_lab.running.cloud.registry.location_ids(TO_ADD) == [""]

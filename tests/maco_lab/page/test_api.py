"""The API over a real lab: what it says is so, and what it refuses it names."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.on_premise.settings import SubaccountSettings
from maco_http.requests import MAX_BODY_BYTES
from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient

STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"
JSON = {"Content_Type": "application/json"}


def test_every_listener_is_shown_where_it_is(maco_lab: Lab, page: PageClient) -> None:
    systems = page.get("/api/landscape").data["systems"]

    shown = {listener["address"] for system in systems for listener in system["listeners"]}
    assert shown == {f"{host}:{port}" for host, port in maco_lab.addresses.values()}


def test_the_systems_stand_in_the_order_of_the_path(page: PageClient) -> None:
    names = [system["name"] for system in page.get("/api/landscape").data["systems"]]

    assert names == ["MaCo", "Connectivity service", "Cloud Connector scc", "Mail server"]


def test_the_e_mail_connections_are_shown_with_their_servers(page: PageClient) -> None:
    way_a, way_b = page.get("/api/landscape").data["email_connections"]

    assert (way_a["name"], way_a["virtual"]) == ("way-a", "mail.stadtwerke.example:143")
    assert (way_a["protection"], way_b["protection"]) == ("STARTTLS Mandatory", "Off")


def test_the_trust_stores_are_shown_side_by_side(maco_lab: Lab, page: PageClient) -> None:
    stores = {(each["system"], each["store"]): each for each in page.get("/api/trust").data["stores"]}

    (trusted,) = stores["MaCo", "key store"]["certificates"]
    assert (trusted["name"], trusted["certificate"]["subject"]) == ("mail-root", "CN=maco-lab Mail Root CA,O=maco-lab")
    assert trusted["certificate"]["not_after"] > trusted["certificate"]["not_before"]
    assert [each["name"] for each in stores["Cloud Connector scc", "back-end trust store"]["certificates"]] == ["root"]


def presented(page: PageClient) -> dict[str, Any]:
    found: dict[str, Any] = page.get("/api/trust").data["presented"][0]
    return found


def test_who_knows_the_mail_server_is_told(page: PageClient) -> None:
    mail = presented(page)

    assert mail["path_ends_in"] == ["key store of MaCo", "back-end trust store of Cloud Connector scc"]
    assert mail["path_ends_not_in"] == []


def distrust(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {"other": "unknown_root_ca"}
    data["cloud_connectors"][0]["back_end_trust_store"] = {"trust_all_backends": True}


@pytest.mark.maco_lab(change=distrust)
def test_a_store_that_does_not_know_the_mail_server_is_told_and_so_is_the_switch(page: PageClient) -> None:
    mail = presented(page)

    assert mail["path_ends_not_in"] == ["key store of MaCo"]
    assert mail["path_ends_in"] == ["back-end trust store of Cloud Connector scc"]


def own_leaf(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {"leaf": "mail_server", "middle": "intermediate"}


@pytest.mark.maco_lab(change=own_leaf)
def test_a_leaf_in_a_store_ends_the_path(page: PageClient) -> None:
    assert "key store of MaCo" in presented(page)["path_ends_in"]


def test_a_tunnel_is_shown_with_its_state_and_its_mappings(page: PageClient) -> None:
    (tunnel,) = page.get("/api/tunnels").data["tunnels"]

    assert (tunnel["cloud_connector"], tunnel["location_id"], tunnel["state"]) == ("scc", "WERK1", "Connected")
    assert [each["protocol"] for each in tunnel["mappings"]] == ["TCP", "TCPS", "TCP", "TCP"]


def test_a_tunnel_that_was_disconnected_is_told(maco_lab: Lab, page: PageClient) -> None:
    maco_lab.thread.run(maco_lab.running.connectors["scc"].disconnect())

    (tunnel,) = page.get("/api/tunnels").data["tunnels"]
    assert tunnel["state"] == "Disconnected"


@pytest.mark.usefixtures("mail_waits")
def test_a_poll_fetches_the_mail_and_its_sight_says_where_tls_ended(page: PageClient) -> None:
    polled = page.post("/api/poll", {}).data["results"]
    sights = page.get("/api/sights").data["sights"]

    assert [(each["connection"], each["stored"]) for each in polled] == [("way-a", 1), ("way-b", 1)]
    assert [each["where_tls_ended"] for each in sights] == [
        "TLS from MaCo to the mail server, end to end",
        "TLS from the Cloud Connector to the mail server; in clear before it",
    ]
    assert sights[0]["sessions"][1]["hops"] == ["cloud network", "tunnel", "customer LAN"]
    assert sights[1]["sessions"][1]["hops"] == ["customer LAN"]


def test_one_connection_alone_can_be_polled(page: PageClient) -> None:
    polled = page.post("/api/poll", {"connections": ["way-b", "way-b"]}).data["results"]

    assert [each["connection"] for each in polled] == ["way-b"]
    assert page.get("/api/sights/way-b").data["succeeded"]
    assert page.get("/api/sights/way-a").status == 404


def test_a_mail_is_sent_and_fetched(page: PageClient) -> None:
    sent = page.post("/api/mails", {"to": GAS}).data
    (polled,) = page.post("/api/poll", {"connections": ["way-b"]}).data["results"]

    assert sent["to"] == GAS
    assert [each["subject"] for each in polled["mails"]] == [sent["subject"]]


@pytest.mark.usefixtures("mail_waits")
def test_every_poll_is_a_connection_with_the_timeline_of_all_parties(page: PageClient) -> None:
    page.post("/api/poll", {})
    listed = page.get("/api/connections").data["connections"]

    assert {each["email_connection"] for each in listed} == {"way-a", "way-b"}
    for each in listed:
        told = page.get(f"/api/connections/{each['id']}").data
        assert told["connection"] == each
        assert {entry["party"] for entry in told["timeline"]} == {
            *("MaCo", "Connectivity service", "Cloud Connector", "Mail server")
        }
        assert len(told["timeline"]) == each["entries"]


def test_the_newest_connection_comes_first_and_the_limit_holds(page: PageClient) -> None:
    for name in ("way-a", "way-b"):
        page.post("/api/poll", {"connections": [name]})

    (only,) = page.get("/api/connections?limit=1").data["connections"]
    assert only["email_connection"] == "way-b"


def test_the_journal_is_read_in_parts(page: PageClient) -> None:
    page.post("/api/poll", {})
    first = page.get("/api/journal?limit=5").data
    second = page.get("/api/journal?after=5&limit=5").data

    assert [entry["n"] for entry in first["entries"] + second["entries"]] == list(range(1, 11))
    assert first["last"] > 10


@pytest.mark.usefixtures("mail_waits")
def test_no_answer_holds_a_secret(maco_lab: Lab, page: PageClient) -> None:
    page.post("/api/mails", {"to": STROM})
    page.post("/api/poll", {})
    ids = [each["id"] for each in page.get("/api/connections").data["connections"]]
    paths = ["/", "/api/landscape", "/api/trust", "/api/tunnels", "/api/sights", "/api/journal?limit=1000"]
    told = {path: page.get(path).content.decode() for path in [*paths, *(f"/api/connections/{each}" for each in ids)]}

    assert len(told) == 8
    assert all(len(text) > 500 for text in told.values())
    lines = [account.mail_line.value for account in maco_lab.running.canaries]
    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ", "PRIVATE KEY", *lines):
        assert [path for path, text in told.items() if secret in text] == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"", JSON, 422, "Invalid JSON"),
        (b"[]", JSON, 422, "an object"),
        (b'{"connections": [1]}', JSON, 422, "connections.0"),
        (b'{"connection": "way-a"}', JSON, 422, "connection"),
        (b'{"connections": ["way-c"]}', JSON, 404, "allowed: 'way-a', 'way-b'"),
        (b"{}", {}, 415, "application/json"),
        (b" " * (MAX_BODY_BYTES + 1), JSON, 413, "larger than"),
    ],
)
def test_a_request_to_poll_that_is_wrong_is_told_what_is_wrong(
    page: PageClient, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answer = page.ask("POST", "/api/poll", body, **headers)

    assert answer.status == status
    assert error in answer.data["error"]


def test_a_mail_that_the_mail_server_does_not_take_is_told(page: PageClient) -> None:
    answer = page.post("/api/mails", {"to": "nobody@stadtwerke.example"})

    assert answer.status == 409
    assert "refused by the mail server: 550" in answer.data["error"]


@pytest.mark.parametrize("to", ["", "no address", "a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example\n"])
def test_a_recipient_that_is_no_address_is_refused(page: PageClient, to: str) -> None:
    assert page.post("/api/mails", {"to": to}).status == 422


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=201", "limit=1e3", "limit=05", "limt=5", "limit="])
def test_a_query_that_is_wrong_is_refused(page: PageClient, query: str) -> None:
    assert page.get(f"/api/connections?{query}").status == 400


@pytest.mark.parametrize("path", ["/api/nothing", "/api/sights/way-c", "/api/connections/0", "/..%2fapi.py", "/x.js"])
def test_what_is_not_there_is_404(page: PageClient, path: str) -> None:
    answer = page.get(path)

    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")


def test_a_method_that_an_operation_has_not_is_405(page: PageClient) -> None:
    assert page.ask("DELETE", "/api/poll").status == 405
    assert page.get("/api/poll").status == 405


def test_the_landscape_leads_to_the_pages_that_administer_its_systems(maco_lab: Lab, page: PageClient) -> None:
    pages = {each["name"]: each["pages"] for each in page.get("/api/landscape").data["systems"]}
    maco = maco_lab.running.maco_api

    assert maco
    assert pages["MaCo"] == f"http://{maco[0]}:{maco[1]}/"
    assert pages["Cloud Connector scc"] == f"{maco_lab.cloud_connector.administration_url}/"
    assert pages["Mail server"] == ""


def test_tunnels_are_those_of_the_subaccounts_that_there_are_now(maco_lab: Lab, page: PageClient) -> None:
    connector, added = maco_lab.running.connectors["scc"], SubaccountSettings("netzbetreiber", "NETZ")

    async def change() -> None:
        await connector.remove("stadtwerke")
        context = next(iter(maco_lab.running.administrations.values())).installation.subaccounts
        await connector.add(added, context.certificate("stadtwerke").context, connects=False)

    maco_lab.thread.run(change())
    (tunnel,) = page.get("/api/tunnels").data["tunnels"]

    assert (tunnel["subaccount"], tunnel["state"], tunnel["mappings"]) == ("netzbetreiber", "", [])


def test_a_back_end_trust_store_is_shown_as_it_is_now(maco_lab: Lab, page: PageClient) -> None:
    store = maco_lab.running.connectors["scc"].trust_store
    other = ssl.PEM_cert_to_DER_cert(maco_lab.authority.unknown_root_certificate.public_bytes(Encoding.PEM).decode())

    async def change() -> None:
        store.replace([*store.certificates, other], trust_all=True)

    maco_lab.thread.run(change())
    stores = {(each["system"], each["store"]): each for each in page.get("/api/trust").data["stores"]}

    shown = stores["Cloud Connector scc", "back-end trust store"]
    assert shown["trusts_all"] is True
    assert [each["name"] for each in shown["certificates"]] == ["root", "unknown_root_ca"]

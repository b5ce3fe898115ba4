"""The switches of the scenarios over the API, and what the page shows of a lab that was changed."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.page.serving import PageSocket
from maco_lab.scenarios.table import SCENARIOS
from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient


def switch(page: PageClient, name: str, to: str) -> dict[str, dict[str, Any]]:
    answer = page.post(f"/api/scenarios/{name}/{to}", {})
    assert answer.status == 200
    return {each["name"]: each for each in answer.data["scenarios"]}


def test_every_scenario_says_which_setting_of_which_system_and_what_to_expect(page: PageClient) -> None:
    listed = page.get("/api/scenarios").data

    assert [each["name"] for each in listed["scenarios"]] == [each.name for each in SCENARIOS]
    assert listed["since"] is None
    for each in listed["scenarios"]:
        assert each["system"] in {"MaCo", "Cloud Connector", "Mail server"}
        assert (each["is_on"], each["why_not"]) == (False, "")
        assert each["expect"].endswith(".")


def test_a_switch_changes_the_outcome_of_a_poll_and_back(page: PageClient) -> None:
    assert switch(page, "certificate-expired", "on")["certificate-expired"]["is_on"]
    failed = page.post("/api/poll", {}).data["results"]
    switch(page, "certificate-expired", "off")
    again = page.post("/api/poll", {}).data["results"]

    assert [each["stage"] for each in failed] == ["starttls", "socks"]
    assert [each["succeeded"] for each in again] == [True, True]


def test_settings_are_shown_as_they_are_while_a_scenario_is_on(page: PageClient) -> None:
    switch(page, "starttls-stripped", "on")
    way_a = page.get("/api/landscape").data["email_connections"][0]
    switch(page, "starttls-stripped", "off")

    assert way_a["protection"] == "STARTTLS Optional"
    assert page.get("/api/landscape").data["email_connections"][0]["protection"] == "STARTTLS Mandatory"


def test_trust_stores_are_shown_as_they_are_while_a_scenario_is_on(page: PageClient) -> None:
    switch(page, "ca-only-at-maco", "on")
    presented = page.get("/api/trust").data["presented"][0]
    switch(page, "ca-only-at-maco", "off")

    assert presented["path_ends_not_in"] == ["back-end trust store of Cloud Connector scc"]


IN_ITS_PLACE = "TLS from the Cloud Connector to an impostor in the mail server's place; in clear before it"


@pytest.mark.usefixtures("mail_waits")
def test_an_impostor_is_named_in_the_mail_servers_place_with_what_it_read(page: PageClient) -> None:
    switch(page, "trust-all-impostor", "on")
    refused, _ = page.post("/api/poll", {}).data["results"]
    way_a, way_b = page.get("/api/sights").data["sights"]
    systems, presented = page.get("/api/landscape").data["systems"], page.get("/api/trust").data["presented"]
    switch(page, "trust-all-impostor", "off")

    assert (way_b["impostor"], way_b["where_tls_ended"]) == (True, IN_ITS_PLACE)
    read = [each["name"].partition(" of ")[0] for each in way_b["secrets"] if "Mail server" in each["held_by"]]
    assert read == ["mailbox password", "line in a mail"]
    assert (way_a["impostor"], way_a["succeeded"], way_a["secrets"]) == (True, False, [])
    assert refused["seen_by"]["Mail server"].startswith("an impostor is in its place; ")
    assert (systems[-1]["name"], presented[0]["system"]) == ("Impostor", "Impostor")
    assert systems[-1]["role"].startswith("in the place of mail.stadtwerke.example")


def test_a_mail_server_that_is_back_is_no_impostor(page: PageClient) -> None:
    switch(page, "trust-all-impostor", "on")
    page.post("/api/poll", {})
    switch(page, "trust-all-impostor", "off")
    page.post("/api/poll", {})

    assert [each["impostor"] for each in page.get("/api/sights").data["sights"]] == [False, False]
    assert page.get("/api/landscape").data["systems"][-1]["name"] == "Mail server"


@pytest.mark.parametrize("name", ["certificate-self-signed", "certificate-expired"])
def test_a_mail_server_with_a_bad_certificate_is_itself(page: PageClient, name: str) -> None:
    switch(page, name, "on")
    page.post("/api/poll", {})
    found = [each["impostor"] for each in page.get("/api/sights").data["sights"]]
    switch(page, name, "off")

    assert found == [False, False]


def test_mappings_are_shown_as_they_are_at_run_time(maco_lab: Lab, page: PageClient) -> None:
    maco_lab.cloud_connector.withdraw("mailbox.virtual:993")
    switch(page, "no-mapping", "on")
    (tunnel,) = page.get("/api/tunnels").data["tunnels"]

    assert [each["virtual"] for each in tunnel["mappings"]] == [
        *("mail.stadtwerke.example:993", "mail.stadtwerke.example:587")
    ]
    switch(page, "no-mapping", "off")
    (tunnel,) = page.get("/api/tunnels").data["tunnels"]
    assert "mailbox.virtual:993" not in {each["virtual"] for each in tunnel["mappings"]}


def test_the_end_of_the_page_restores_the_lab(maco_lab: Lab) -> None:
    taken = PageSocket(0)
    with maco_lab.thread.loop.enter(taken.served_now(maco_lab.running)):
        switch(PageClient(taken.address), "certificate-expired", "on")

    assert maco_lab.maco.poll("way-a").succeeded


@pytest.mark.parametrize("to", ["on", "off"])
def test_an_unknown_scenario_is_404(page: PageClient, to: str) -> None:
    answer = page.post(f"/api/scenarios/nothing/{to}", {})

    assert (answer.status, "allowed: starttls-stripped" in answer.data["error"]) == (404, True)


def no_way_b(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"].pop()


@pytest.mark.maco_lab(change=no_way_b)
def test_a_scenario_that_the_lab_file_has_no_way_for_is_refused_and_says_so(page: PageClient) -> None:
    listed = {each["name"]: each["why_not"] for each in page.get("/api/scenarios").data["scenarios"]}
    answer = page.post("/api/scenarios/tcp-to-993/on", {})

    assert (
        listed["tcp-to-993"]
        == "the lab file has no e-mail connection by way B: Protection Off over a mapping of TCP TLS"
    )
    assert listed["starttls-stripped"] == ""
    assert (answer.status, answer.data["error"]) == (409, listed["tcp-to-993"])


def test_the_page_of_another_site_cannot_switch(page: PageClient) -> None:
    answer = page.post("/api/scenarios/certificate-expired/on", {}, Origin="http://evil.example")

    assert answer.status == 403
    assert not any(each["is_on"] for each in page.get("/api/scenarios").data["scenarios"])


def pair(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["high_availability"] = {"check_interval_s": 0.2, "takeover_delay_s": 0.1}


@pytest.mark.maco_lab(change=pair)
def test_a_shadow_is_shown_beside_its_master(maco_lab: Lab, page: PageClient) -> None:
    maco_lab.cloud_connectors["scc shadow"].wait_for_role("shadow")
    master, shadow = page.get("/api/tunnels").data["tunnels"]

    assert [(each["cloud_connector"], each["role"]) for each in (master, shadow)] == [
        ("scc", "master"),
        ("scc shadow", "shadow"),
    ]
    assert (master["state"], shadow["state"]) == ("Connected", "")
    assert shadow["mappings"] == master["mappings"]


@pytest.mark.maco_lab(change=pair)
def test_a_scenario_holds_at_a_shadow_that_has_taken_over(maco_lab: Lab, page: PageClient) -> None:
    switch(page, "ca-only-at-maco", "on")
    maco_lab.cloud_connector.switch_roles(force=True)
    maco_lab.cloud_connectors["scc shadow"].wait_for_role("master")
    failed = maco_lab.maco.poll("way-b")
    tunnels = page.get("/api/tunnels").data["tunnels"]

    assert (failed.stage, failed.socks_reply) == ("socks", 0x04)
    assert [(each["role"], each["state"]) for each in tunnels] == [("shadow", "Disconnected"), ("master", "Connected")]

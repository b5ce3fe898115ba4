from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import Answer, PageClient

SECRETS = ("Strom4711Postfach", "Gas0815Postfach", "sesame")


def changed(api: PageClient, path: str, **values: Any) -> Answer:
    import json

    return api.ask("PATCH", f"/api/{path}", json.dumps(values).encode(), Content_Type="application/json")


def test_no_answer_holds_a_secret(api: PageClient) -> None:
    api.post("/api/credentials", {"name": "x", "user": "u", "access_token": "sesame"})

    for path in ("credentials", "servers", "connections", "connections/way-a", "keystore", "inbox", "polls"):
        answer = api.get(f"/api/{path}")
        assert answer.status == 200
        assert not [secret for secret in SECRETS if secret.encode() in answer.content]


def test_security_material_tells_its_kind_and_who_refers_to_it(api: PageClient) -> None:
    api.post("/api/credentials", {"name": "T", "user": "u", "access_token": "sesame"})

    listed = api.get("/api/credentials").data["credentials"]

    assert listed[0] == {
        "name": "STROM", "user": "strom@stadtwerke.example", "kind": "password", "used_by": ["way-a", "to-partners"]
    }  # fmt: skip
    assert listed[2] == {"name": "T", "user": "u", "kind": "access token", "used_by": []}


def test_a_new_password_counts_from_the_next_poll_on(maco_lab: Lab, api: PageClient) -> None:
    assert changed(api, "credentials/STROM", password="wrong").status == 200
    assert not maco_lab.maco.poll("way-a").succeeded

    changed(api, "credentials/STROM", password="Strom4711Postfach")
    assert maco_lab.maco.poll("way-a").succeeded


def test_a_secret_of_the_other_kind_is_refused_while_a_connection_logs_in_by_password(api: PageClient) -> None:
    answer = changed(api, "credentials/STROM", access_token="sesame")

    assert answer.status == 422
    assert "authentication: found 'Plain User Name/Password' with credential 'STROM'" in answer.data["error"]


def test_a_changed_server_is_dialled_by_the_connections_that_refer_to_it(maco_lab: Lab, api: PageClient) -> None:
    assert changed(api, "servers/mail-starttls", location_id="WERK9").data["location_id"] == "WERK9"

    assert maco_lab.maco.poll("way-a").socks_reply == 0x03


def test_what_a_change_leaves_out_stays(api: PageClient) -> None:
    before = api.get("/api/connections/way-a").data

    after = changed(api, "connections/way-a", folder="Marktnachrichten").data

    assert after == {**before, "folder": "Marktnachrichten"}


def test_a_connection_has_its_traps_and_its_newest_poll(maco_lab: Lab, api: PageClient) -> None:
    maco_lab.mail_server.deliver("strom@stadtwerke.example")
    api.post("/api/poll", {"connections": ["way-a"]})

    found = changed(api, "connections/way-a", selection="All Mails").data

    assert found["warnings"] == [
        "Selection 'All Mails' with Post-Processing 'Mark as Read' meets every mail at every poll"
    ]
    assert (found["last_poll"]["succeeded"], found["last_poll"]["stored"], found["polling"]) == (True, 1, False)


def test_a_schedule_is_replaced_as_a_whole(api: PageClient) -> None:
    changed(api, "connections/way-a", scheduler={"every_s": 90, "not_before": "06:00"})

    found = changed(api, "connections/way-a", scheduler={"at": "07:30", "weekdays": ["Mon"]}).data["scheduler"]

    assert (found["every_s"], found["at"], found["not_before"], found["weekdays"]) == (None, "07:30", "00:00", ["Mon"])


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        (
            "connections",
            {"protection": "SSL"},
            422,
            "protection: found 'SSL', allowed are 'Off', 'STARTTLS Mandatory', ",
        ),
        ("connections", {"protection": "IMAPS"}, 422, "protection: found 'IMAPS' with Proxy Type On-Premise"),
        ("connections", {"server": "x"}, 422, "server: found 'x', allowed: 'mail-starttls', 'mail-tcp-tls'"),
        ("connections", {"credential": "x"}, 422, "credential: found 'x', allowed: 'GAS', 'STROM'"),
        ("connections", {"name": "way-a"}, 409, "e-mail connection 'way-a' is there already"),
        ("connections", {"name": "a/b"}, 422, "name: found 'a/b', allowed is printable text"),
        ("connections", {"lock_timeout_min": 0}, 422, "lock_timeout_min: found 0, allowed is 1 to 1440"),
        ("connections", {"lock_timeout_min": "1"}, 422, "lock_timeout_min: Input should be a valid integer"),
        ("connections", {"scheduler": {"at": "7"}}, 422, "at: found '7', allowed is 'HH:MM'"),
        ("connections", {"scheduler": {"at": "07:00", "on_date": "x"}}, 422, "on_date: found 'x', allowed is a date"),
        ("connections", {"colour": "red"}, 422, "colour: Extra inputs are not permitted"),
        ("servers", {"address": "imap://x"}, 422, "address: found port '//x'"),
        ("servers", {"name": "mail-starttls"}, 409, "e-mail server 'mail-starttls' is there already"),
        ("servers", {"timeout_ms": 0}, 422, "timeout_ms: found 0, allowed is 1 to 3600000"),
        ("credentials", {"password": ""}, 422, "password: allowed are 1 to 255 characters"),
        ("credentials", {"access_token": "x"}, 422, "access_token: found a password too"),
        ("credentials", {"name": "STROM"}, 409, "credential 'STROM' is there already"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    api: PageClient, path: str, body: dict[str, Any], status: int, error: str
) -> None:
    good: dict[str, dict[str, Any]] = {
        "connections": {"name": "n", "server": "mail-starttls", "protection": "Off", "credential": "STROM"},
        "servers": {"name": "n", "address": "mail"},
        "credentials": {"name": "n", "user": "u", "password": "p"},
    }
    before = api.get(f"/api/{path}").content

    answer = api.post(f"/api/{path}", {**good[path], **body})

    assert (answer.status, answer.data["error"][: len(error)]) == (status, error)
    assert api.get(f"/api/{path}").content == before


@pytest.mark.parametrize(("path", "users"), [("credentials/GAS", "way-b"), ("servers/mail-tcp-tls", "way-b")])
def test_what_a_connection_refers_to_is_not_deleted(api: PageClient, path: str, users: str) -> None:
    answer = api.ask("DELETE", f"/api/{path}")

    assert (answer.status, answer.data["error"].endswith(f"is used by '{users}'")) == (409, True)


def test_a_deleted_connection_is_polled_no_more(maco_lab: Lab, api: PageClient) -> None:
    assert api.ask("DELETE", "/api/connections/way-a").status == 200

    assert maco_lab.maco.connections == ("way-b",)
    assert api.post("/api/poll", {"connections": ["way-a"]}).data == {
        "error": "found e-mail connection 'way-a', allowed: 'way-b'"
    }


@pytest.mark.parametrize("path", ["credentials/x", "servers/x", "connections/x"])
def test_a_name_that_is_none_is_not_found(api: PageClient, path: str) -> None:
    assert changed(api, path).status == 404
    assert api.ask("DELETE", f"/api/{path}").status == 404

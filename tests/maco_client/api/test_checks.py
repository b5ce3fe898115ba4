"""The connectivity tests, and the locks, in a running lab."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from maco_client.inbox_tables.locks import LockPlace
from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient

WAY_A = {
    "host": "mail.stadtwerke.example", "port": 143, "location_id": "WERK1",
    "protection": "STARTTLS Mandatory", "credential": "STROM",
}  # fmt: skip
WAY_B = {
    "host": "mailbox.virtual", "port": 993, "location_id": "WERK1", "protection": "Off", "credential": "GAS"
}  # fmt: skip

NO_PATH = (  # facts, section 2.5
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed: "
    "sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)


def with_certificate(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["mail_server"].update(certificate=name)


def test_the_imap_test_shows_the_chain_and_what_the_mailbox_holds(maco_lab: Lab, api: PageClient) -> None:
    maco_lab.mail_server.deliver("strom@stadtwerke.example")
    maco_lab.maco.poll("way-a")
    maco_lab.mail_server.deliver("strom@stadtwerke.example")

    found = api.post("/api/tests/imap", {**WAY_A, "list_folders": True, "folder": "INBOX"}).data

    assert (found["succeeded"], found["stage"], found["vouched_by"]) == (True, "done", "mail-root")
    assert found["content"] == {"folder": "INBOX", "total": 2, "unread": 1}
    assert "INBOX" in found["folders"]
    sent = x509.load_pem_x509_certificates(found["chain_pem"].encode())
    assert sent[0] == maco_lab.authority.mail_server.certificate
    assert [each["subject"] for each in found["chain"]] == [each.subject.rfc4514_string() for each in sent]


def test_the_imap_test_fetches_nothing_and_changes_no_flag(maco_lab: Lab, api: PageClient) -> None:
    maco_lab.mail_server.deliver("gas@stadtwerke.example")

    assert api.post("/api/tests/imap", {**WAY_B, "folder": "INBOX"}).data["content"]["unread"] == 1

    (mail,) = maco_lab.mail_server.mails("gas@stadtwerke.example")
    assert "\\Seen" not in mail.flags
    assert maco_lab.maco.mails() == []


def test_by_way_b_maco_sees_no_certificate(api: PageClient) -> None:
    found = api.post("/api/tests/imap", WAY_B).data

    assert (found["succeeded"], found["chain"], found["chain_pem"], found["tls_version"]) == (True, [], "", "")


@pytest.mark.maco_lab(change=with_certificate("unknown_root"))
def test_a_chain_that_is_not_trusted_is_refused_and_shown_all_the_same(api: PageClient) -> None:
    refused = api.post("/api/tests/imap", WAY_A).data
    looked_at = api.post("/api/tests/imap", {**WAY_A, "validate_certificate": False}).data

    assert (refused["succeeded"], refused["stage"]) == (False, "starttls")
    assert "PKIX path building failed" in refused["error"]
    assert refused["java_text"] == NO_PATH
    assert (looked_at["succeeded"], looked_at["vouched_by"]) == (True, "")
    assert looked_at["chain"] == refused["chain"] != []


def test_a_wrong_location_id_is_told_as_by_a_poll(api: PageClient) -> None:
    found = api.post("/api/tests/imap", {**WAY_A, "location_id": "WERK9"}).data

    assert (found["succeeded"], found["stage"], bool(found["hint"])) == (False, "socks", True)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"credential": "x"}, 404, "found credential 'x', allowed: 'GAS', 'STROM'"),
        ({"protection": "IMAPS"}, 422, "protection: found 'IMAPS' with Proxy Type On-Premise"),
        ({"port": 0}, 422, "port: Input should be greater than or equal to 1"),
        ({"host": "a b"}, 422, "address: found host 'a b'"),
    ],
)
def test_what_cannot_be_tested_is_refused(api: PageClient, change: dict[str, Any], status: int, error: str) -> None:
    answer = api.post("/api/tests/imap", {**WAY_A, **change})

    assert (answer.status, answer.data["error"][: len(error)]) == (status, error)


def test_the_connector_test_knows_who_is_there(api: PageClient) -> None:
    there = api.post("/api/tests/connector", {"location_id": "WERK1"}).data
    nowhere = api.post("/api/tests/connector", {"location_id": "WERK9"}).data

    assert (there["succeeded"], there["socks_reply"]) == (True, 2)
    assert (nowhere["succeeded"], nowhere["socks_reply"]) == (False, 3)
    assert "whether a Cloud Connector with location ID 'WERK9' is connected" in nowhere["hint"]


TLS = {"host": "mail.stadtwerke.example", "port": 993, "location_id": "WERK1", "proxy_type": "On-Premise"}


def test_the_tls_test_shakes_hands(maco_lab: Lab, api: PageClient) -> None:
    found = api.post("/api/tests/tls", TLS).data

    assert (found["succeeded"], found["tls_version"], found["vouched_by"]) == (True, "TLSv1.3", "mail-root")
    assert found["root_pem"] == ""


def test_a_folder_that_cannot_be_opened_is_no_warning_of_a_poll(maco_lab: Lab, api: PageClient) -> None:
    maco_lab.mail_server.break_at("mailbox.locked")

    found = api.post("/api/tests/imap", {**WAY_A, "folder": "INBOX"}).data

    assert (found["succeeded"], found["stage"], found["java_text"]) == (False, "select", "")


@pytest.mark.maco_lab(change=with_certificate("self_signed"))
def test_the_tls_test_offers_a_root_that_was_sent(api: PageClient) -> None:
    found = api.post("/api/tests/tls", TLS).data

    assert (found["succeeded"], found["java_text"]) == (False, NO_PATH)
    assert found["root_pem"] == found["chain_pem"] != ""


def test_a_server_that_greets_first_is_no_tls_server(api: PageClient) -> None:
    found = api.post("/api/tests/tls", {**TLS, "port": 143}).data

    assert (found["succeeded"], bool(found["error"])) == (False, True)


def test_no_lock_is_held_between_polls_and_none_can_be_released(api: PageClient) -> None:
    assert api.get("/api/locks").data == {"locks": []}

    answer = api.ask("DELETE", "/api/locks?host=mail&user=u&folder=INBOX")

    assert (answer.status, answer.data["error"]) == (404, "found no lock on 'INBOX' of 'u' at 'mail'")


def test_a_mail_is_read_by_the_settings_of_its_connection(maco_lab: Lab, api: PageClient) -> None:
    maco_lab.mail_server.deliver(
        "strom@stadtwerke.example", b"Subject: =?utf-8?q?Z=C3=A4hler?=\r\nFrom: a@example.com\r\n\r\ntext\r\n"
    )
    maco_lab.maco.poll("way-a")
    number = api.get("/api/inbox").data["mails"][0]["id"]

    found = api.get(f"/api/inbox/{number}").data

    assert {"name": "Subject", "value": "Z\u00e4hler"} in found["headers"]
    assert (found["text"].strip(), found["attachments"], found["problems"]) == ("text", [], [])
    assert api.get("/api/inbox/999").status == 404


def test_a_poll_that_waits_for_a_lock_is_shown_and_a_released_lock_is_gone(maco_lab: Lab, api: PageClient) -> None:
    place = LockPlace("mail.stadtwerke.example", "strom@stadtwerke.example", "INBOX")
    query = urllib.parse.urlencode(dataclasses.asdict(place))
    with (
        concurrent.futures.ThreadPoolExecutor(1) as threads,
        maco_lab.thread.loop.enter(maco_lab.running.inbox.poll_lock(place, 60)),
    ):
        polled = threads.submit(api.post, "/api/poll", {"connections": ["way-a"]})
        while not (running := api.get("/api/polls").data["polls"]):
            pass
        (lock,) = api.get("/api/locks").data["locks"]
        assert api.ask("DELETE", f"/api/locks?{query}").status == 200
        assert api.get("/api/locks").data == {"locks": []}

    assert [(each["connection"], each["stage"]) for each in running] == [("way-a", "lock")]
    assert (lock["host"], lock["user"], lock["folder"]) == (place.host, place.user, place.folder)
    assert polled.result().data["results"][0]["succeeded"]

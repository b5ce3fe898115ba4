"""The article's second half by the API alone: an empty MaCo, two e-mail connections, two fetched mails."""

from __future__ import annotations

import pytest

from maco_lab.testing.lab import Lab
from tests.maco_client.api.empty import CONNECTIONS, CREDENTIALS, SERVERS, unconfigured
from tests.maco_lab.page.client import PageClient


@pytest.mark.maco_lab(change=unconfigured)
def test_macos_half_of_the_article_by_the_api_alone(maco_lab: Lab, api: PageClient) -> None:
    for user, _ in CREDENTIALS.values():
        maco_lab.mail_server.deliver(user)

    api.ask("POST", "/api/keystore?alias=mail-root", maco_lab.root_pem, Content_Type="application/x-pem-file")
    for name, (user, password) in CREDENTIALS.items():
        api.post("/api/credentials", {"name": name, "user": user, "password": password})
    for name, address in SERVERS.items():
        api.post("/api/servers", {"name": name, "address": address, "location_id": "WERK1"})
    for name, settings in CONNECTIONS.items():
        api.post("/api/connections", {"name": name, **settings})
    polled = api.post("/api/poll", {}).data["results"]

    assert [(each["connection"], each["error"]) for each in polled] == [
        ("way-a", ""),
        ("way-b", ""),
    ]
    fetched = api.get("/api/inbox").data["mails"]
    assert sorted(each["connection"] for each in fetched) == ["way-a", "way-b"]
    assert all(b"Subject: " in api.get(f"/api/inbox/{each['id']}/raw").content for each in fetched)


@pytest.mark.maco_lab(change=unconfigured)
def test_without_the_root_way_a_fails_and_the_import_counts_from_the_next_poll_on(
    maco_lab: Lab, api: PageClient
) -> None:
    user, password = CREDENTIALS["STROM"]
    api.post("/api/credentials", {"name": "STROM", "user": user, "password": password})
    address = SERVERS["mail-starttls"]
    api.post("/api/servers", {"name": "mail-starttls", "address": address, "location_id": "WERK1"})
    api.post("/api/connections", {"name": "way-a", **CONNECTIONS["way-a"]})

    def succeeded() -> bool:
        (polled,) = api.post("/api/poll", {"connections": ["way-a"]}).data["results"]
        return bool(polled["succeeded"])

    assert not succeeded()
    api.ask("POST", "/api/keystore?alias=mail-root", maco_lab.root_pem, Content_Type="application/x-pem-file")
    assert succeeded()
    api.ask("DELETE", "/api/keystore/mail-root")
    assert not succeeded()

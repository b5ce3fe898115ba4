"""What every endpoint answers to a request that is right: status and headers whole, in their order (facts, 5.1 to 5.8).

Bodies are compared whole by the tests of each family; here no endpoint is left out.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TypeAlias

import pytest

from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.openapi import operation_id
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.catalogue import AUDIT_LOGS, CHECK
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, Answer
from tests.connector_sim.admin.good_bodies import PATHS, good, path_of, prepare
from tests.connector_sim.admin.permissions import named
from tests.connector_sim.admin.settings import LAB, NEW, SUBACCOUNTS
from tests.connector_sim.admin.whole_state import asked, refusal, whole_state

pytestmark = LAB

Headers: TypeAlias = list[tuple[str, str]]

LENGTH, EMPTY = ("Content-Length", "…"), ("Content-Length", "0")
LOCATION = ("Location", "…")
VARY = ("Vary", "accept-encoding")
CONNECTOR = "/api/v1/configuration/connector"
SUBACCOUNT = f"{SUBACCOUNTS}/{{region_host}}/{{subaccount}}"
TRUST = f"{CONNECTOR}/onPremises/truststore"
BACKUP = "/api/v1/configuration/backup"
BACKUP_FILE = ("Content-Disposition", 'attachment;filename="scc_backup.zip"')

SHOWN: tuple[int, Headers] = (200, [NO_STORE, JSON, LENGTH])
CREATED: tuple[int, Headers] = (201, [NO_STORE, LOCATION, EMPTY])  # facts, 5.1: "201, Content-Length: 0, Location"
DONE: tuple[int, Headers] = (204, [NO_STORE])
WITH_VARY: tuple[int, Headers] = (200, [NO_STORE, JSON, VARY, LENGTH])  # facts, 5.1: on subaccount entities and list
NO_SHADOW: tuple[int, Headers] = (403, [NO_STORE, JSON, LENGTH])
USUAL: Mapping[str, tuple[int, Headers]] = {
    "GET": SHOWN,
    "POST": CREATED,
    "PUT": DONE,
    "PATCH": DONE,
    "DELETE": DONE,
}


def audit_file(scope: str) -> tuple[str, str]:
    return "Content-Disposition", f'attachment;filename="audit-log_{scope}.tar.gz"'


OTHERS: Mapping[tuple[str, str], tuple[int, Headers]] = {
    ("GET", "/api/v1/connector/version"): (200, [("Cache-Control", "max-age=3600"), JSON, LENGTH]),
    ("GET", SUBACCOUNTS): WITH_VARY,
    ("POST", SUBACCOUNTS): (201, [NO_STORE, LOCATION, JSON, VARY, LENGTH]),
    ("GET", SUBACCOUNT): WITH_VARY,
    ("PUT", SUBACCOUNT): WITH_VARY,
    ("POST", f"{SUBACCOUNT}/validity"): WITH_VARY,
    ("POST", f"{SUBACCOUNT}/trust"): DONE,
    ("POST", f"{CONNECTOR}/haRole"): DONE,
    ("POST", CHECK): SHOWN,
    ("POST", BACKUP): (200, [NO_STORE, BACKUP_FILE, ("Content-Type", "application/zip"), LENGTH]),
    **{("POST", f"{each}/check"): SHOWN for each in AUDIT_LOGS},
    **{
        ("GET", f"{each}/download"): (200, [NO_STORE, audit_file(scope), ("Content-Type", "application/gzip"), LENGTH])
        for each, scope in zip(AUDIT_LOGS, ("_crossaccount", "stadtwerke"), strict=True)
    },
    ("GET", "/maco-lab/logFiles/{file}"): (404, [NO_STORE, JSON, LENGTH]),  # there is none of this name
    ("POST", f"{CONNECTOR}/ha/master/state"): (409, [NO_STORE, JSON, LENGTH]),  # it has no shadow
    **{
        (method, f"{CONNECTOR}/ha/shadow/{name}"): NO_SHADOW
        for method in ("GET", "PUT", "POST", "DELETE")
        for name in ("config", "state")
    },
    ("GET", f"{TRUST}/certificates"): (200, [NO_STORE, ("Content-Type", "application/x-pem-file"), LENGTH]),
    ("GET", f"{TRUST}/certificates/{{alias}}"): (200, [NO_STORE, ("Content-Type", "application/pkix-cert"), LENGTH]),
    ("GET", f"{CONNECTOR}/onPremises/ppCaCertificate"): (404, [NO_STORE, JSON, LENGTH]),  # there is none at first
    ("DELETE", f"{CONNECTOR}/onPremises/ppCaCertificate"): (404, [NO_STORE, JSON, LENGTH]),
}
NO_TOKEN = (403, "FORBIDDEN", "X-CSRF-Token of the session is missing or wrong")
UPLOADS = [each for each in ENDPOINTS if each.body == "multipart"]
ASKED = [each for each in ENDPOINTS if each not in UPLOADS and each.roles is not None]


def shown(answer: Answer) -> tuple[int, str, Headers]:
    """Return an answer without its body, with what changes from answer to answer as an ellipsis."""
    status, reason, headers, _ = dataclasses.replace(answer, body=b"").whole
    changing = {"Content-Length", "Location"}
    return status, reason, [(name, "…" if name in changing and value != "0" else value) for name, value in headers]


@pytest.mark.parametrize("endpoint", ASKED, ids=operation_id)
def test_an_endpoint_answers_as_the_facts_have_it(maco_lab: Lab, admin: AdminClient, endpoint: Endpoint) -> None:
    prepare(maco_lab)

    answer = admin.call(endpoint.method, path_of(endpoint), good(endpoint) if endpoint.body != "none" else None)

    status, headers = OTHERS.get((endpoint.method, endpoint.path), USUAL[endpoint.method])
    assert shown(answer) == (status, "", [*FIRST, *headers])  # facts, 5.1: an empty reason phrase
    assert answer.header("Content-Length") in {None, str(len(answer.body))}
    if location := answer.header("Location"):  # facts, 5.1: absolute, of the host that was called
        path = location.removeprefix(admin.url)
        assert path.startswith(f"{path_of(endpoint).rpartition('/')[0]}/")
        has_no_get = "/domainMappings/" in path or "/subjectPatternRules/" in path  # facts, 5.4 and 5.6
        assert asked(maco_lab, "GET", path).status == (405 if has_no_get else 200)
    if answer.header("Content-Type") == "application/json":  # without blanks, as recorded
        assert answer.text == json.dumps(answer.json, separators=(",", ":"), ensure_ascii=False)


def test_connection_close_begins_no_session_anywhere(maco_lab: Lab) -> None:
    prepare(maco_lab)

    with_a_session = [
        operation_id(each)
        for each in ENDPOINTS
        if {"Set-Cookie", "X-Csrf-Token"} & {name for name, _ in asked(maco_lab, each.method, path_of(each)).headers}
    ]

    assert with_a_session == []


def test_a_change_by_a_cookie_needs_the_sessions_token_everywhere(maco_lab: Lab, admin: AdminClient) -> None:
    cookie = (admin.get("/api/v1/connector/version").header("Set-Cookie") or "").partition(";")[0]
    by_cookie = {"authorization": "", "cookie": cookie, "connection": "keep-alive"}
    before = whole_state(maco_lab)

    refused = [
        operation_id(each)
        for each in ENDPOINTS
        if each.changes and refusal(asked(maco_lab, each.method, path_of(each), b"{}", by_cookie)) == NO_TOKEN
    ]

    assert refused == [operation_id(each) for each in ENDPOINTS if each.changes]
    assert whole_state(maco_lab) == before


@pytest.mark.parametrize("endpoint", [each for each in ASKED if "{subaccount}" in each.path], ids=operation_id)
def test_a_subaccount_that_is_not_there_is_not_found_as_recorded(admin: AdminClient, endpoint: Endpoint) -> None:
    content = good(endpoint) if endpoint.body != "none" else None
    for region_host, subaccount in (("lab.example", NEW["subaccount"]), ("elsewhere.example", "stadtwerke")):
        path = named(endpoint.path, {**PATHS, "region_host": region_host, "subaccount": subaccount})

        message = f"Subaccount with value '{subaccount}@{region_host}' does not exist"  # facts, 5.2
        assert admin.call(endpoint.method, path, content).refusal == (404, "NOT_FOUND", message)

"""The OpenAPI document is true: every operation answers as it says, whatever it is asked."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from maco_client.api.openapi import document
from maco_client.api.operations import OPERATIONS
from maco_lab.testing.lab import Lab
from tests.faults.seeds import ASKED_EXAMPLES
from tests.maco_lab.page.client import PageClient

for media_type in ("application/x-pem-file", "application/pkix-cert"):
    schemathesis.openapi.media_type(media_type, st.binary(max_size=100))
DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
TEXTS = ("mail", "mailbox", "certificate", "text")
BODIES: dict[str, bytes] = {
    "add_credential": b'{"name": "n", "user": "u", "password": "p"}',
    "test_imap": b'{"host": "mailbox.virtual", "port": 993, "location_id": "WERK1", "protection": "Off", '
    b'"credential": "GAS", "list_folders": true, "folder": "INBOX"}',
    "test_tls": b'{"host": "mail.stadtwerke.example", "port": 993, "location_id": "WERK1", "proxy_type": "On-Premise"}',
    "test_connector": b'{"location_id": "WERK1"}',
    "add_server": b'{"name": "n", "address": "mail.example"}',
    "add_sending_connection": b'{"name": "n", "address": "mail.example", "protection": "Off", "sender": "a@b.example"}',
    "send": b"UNB",
    "add_connection": b'{"name": "n", "server": "mail-starttls", "protection": "Off", "credential": "STROM"}',
}
NAMES = {
    "/api/keystore/{alias}": "mail-root",
    "/api/credentials/{name}": "STROM",
    "/api/servers/{name}": "mail-starttls",
    "/api/connections/{name}": "way-a",
    "/api/sending-connections/{name}": "to-partners",
}
NEEDS_SOMETHING = {"delete_credential", "delete_server", "release_lock", "mail"}
"""What there must be first, or must not be: other tests do it."""


def test_maco_serves_the_document(api: PageClient) -> None:
    assert api.get("/api/openapi.json").data == DOCUMENT


def test_the_document_has_every_operation() -> None:
    names = {operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()}
    assert names == {each.name for each in OPERATIONS}


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.answer not in TEXTS and each.name not in NEEDS_SOMETHING],
    ids=lambda each: each.name,
)
def test_an_answer_has_the_shape_that_the_document_says(maco_lab: Lab, api: PageClient, operation: Any) -> None:
    path = operation.path.replace("{alias}", "mail-root").replace("{name}", NAMES.get(operation.path, ""))
    headers, body = {"Content_Type": "application/json"}, BODIES.get(operation.name, b"{}")
    if operation.request == "certificate":
        path, headers, body = f"{path}?alias=a", {"Content_Type": "application/x-pem-file"}, maco_lab.root_pem
    if operation.request == "payload":
        path, headers = f"{path}?connection=to-partners", {"Content_Type": "application/octet-stream"}
    answer = api.ask(operation.method, path, None if operation.method in ("GET", "DELETE") else body, **headers)

    assert answer.status == 200, answer.content
    schema = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]["200"]
    schema = schema["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}).validate(answer.data)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_nothing_that_is_asked_gets_an_answer_that_the_document_has_not(
    maco_lab: Lab, api: PageClient, operation: Any
) -> None:
    maco_lab.mail_server.deliver("strom@stadtwerke.example")
    api.post("/api/poll", {"connections": ["way-a"]})
    described = SCHEMA[operation.path][operation.method]

    @given(case=described.as_strategy())
    @settings(max_examples=ASKED_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def asked(case: Any) -> None:
        if operation.name.startswith("test_") and isinstance(case.body, dict):
            case.body |= {"proxy_type": "On-Premise", "timeout_ms": 200}  # not to a host of the internet
        # A setting that is of the right type may contradict another one, or be no name: 422 is an answer then too.
        case.call_and_validate(base_url=api.url, excluded_checks=[positive_data_acceptance])

    asked()

"""The OpenAPI document is true: every operation answers as it says, whatever it is asked."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailserver_sim.api.openapi import document
from mailserver_sim.api.operations import OPERATIONS
from tests.faults.seeds import ASKED_EXAMPLES
from tests.maco_lab.page.client import PageClient
from tests.mailserver_sim.running import USER, RunningServer, mail

schemathesis.openapi.media_type("message/rfc822", st.binary(max_size=100))
DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
JSON_ANSWERED = [each for each in OPERATIONS if each.answer != "mail"]


def test_the_server_serves_the_document(api: PageClient) -> None:
    assert api.get("/api/openapi.json").data == DOCUMENT


def test_the_document_has_every_operation() -> None:
    names = {operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()}
    assert names == {each.name for each in OPERATIONS}


@pytest.mark.parametrize("operation", JSON_ANSWERED, ids=lambda each: each.name)
def test_an_answer_has_the_shape_that_the_document_says(api: PageClient, server: RunningServer, operation: Any) -> None:
    server.deliver(mail())
    path = operation.path.replace("{uid}", "1")
    path += f"?user={USER}" if any(each.name == "user" for each in operation.queries) else ""
    content_type = "message/rfc822" if operation.request == "mail" else "application/json"
    body = {"break_at": b'{"step": "greeting.bye"}'}.get(operation.name, b"{}") if operation.method == "POST" else None
    answer = api.ask(operation.method, path, body, Content_Type=content_type)

    assert answer.status == 200, answer.content
    schema = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]["200"]
    schema = schema["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}).validate(answer.data)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_nothing_that_is_asked_gets_an_answer_that_the_document_has_not(
    api: PageClient, server: RunningServer, operation: Any
) -> None:
    server.deliver(mail())
    described = SCHEMA[operation.path][operation.method]

    @given(case=described.as_strategy())
    @settings(max_examples=ASKED_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def asked(case: Any) -> None:
        if operation.name == "wait":
            case.query = {**(case.query or {}), "timeout_s": 0}
        case.call_and_validate(base_url=api.url)

    asked()

"""The OpenAPI document is true: every operation answers as it says, whatever it is asked."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from maco_lab.page.openapi import document
from maco_lab.page.operations import OPERATIONS
from maco_lab.testing.lab import Lab
from tests.faults.seeds import ASKED_EXAMPLES
from tests.maco_lab.page.client import PageClient

DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
ANSWERED = [each for each in OPERATIONS if each.answer != "events"]  # a stream has no end to wait for


def test_the_lab_serves_the_document(page: PageClient) -> None:
    assert page.get("/api/openapi.json").data == DOCUMENT


def test_the_document_is_openapi_3_1_and_has_every_operation() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    names = {operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()}
    assert names == {each.name for each in OPERATIONS}


@pytest.mark.parametrize("operation", ANSWERED, ids=lambda each: each.name)
def test_an_answer_has_the_shape_that_the_document_says(maco_lab: Lab, page: PageClient, operation: Any) -> None:
    page.post("/api/poll", {})
    trace = page.get("/api/connections").data["connections"][0]["id"]
    path = operation.path.replace("{id}", trace).replace("{email_connection}", "way-a")
    path = path.replace("{scenario}", "no-mapping")
    body: dict[str, Any] = {"to": "gas@stadtwerke.example"} if operation.name == "send_mail" else {}
    answer = page.get(path) if operation.method == "GET" else page.post(path, body)

    assert answer.status == 200
    schema = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]["200"]
    schema = schema["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}).validate(answer.data)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ANSWERED, ids=lambda each: each.name)
def test_nothing_that_is_asked_gets_an_answer_that_the_document_has_not(page: PageClient, operation: Any) -> None:
    described = SCHEMA[operation.path][operation.method]

    @given(case=described.as_strategy())
    @settings(max_examples=ASKED_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def asked(case: Any) -> None:
        case.call_and_validate(base_url=page.url)

    asked()


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT

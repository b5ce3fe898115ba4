"""The API's description of itself is true: every endpoint answers as it says, whatever it is asked."""

from __future__ import annotations

import urllib.parse
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connector_sim.admin.described import DESCRIBED
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.openapi import document, operation_id
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.permissions import KNOWN, named
from tests.connector_sim.admin.settings import LAB
from tests.connector_sim.admin.whole_state import asked
from tests.faults.seeds import ASKED_EXAMPLES

pytestmark = LAB

DOCUMENT = document(ENDPOINTS)
PATH = "/maco-lab/openapi.json"
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
READABLE = [each for each in ENDPOINTS if each.method == "GET" and not each.path.startswith("/exposed")]
NOT_HERE = 403, 404
"""What a master is refused that only a shadow has, and what the lab has none of."""


def test_the_connector_serves_the_document_to_everybody(admin: AdminClient) -> None:
    answer = admin.call("GET", PATH, headers={"Authorization": ""})

    assert (answer.status, answer.json) == (200, DOCUMENT)


def test_the_document_has_every_endpoint_and_says_what_it_takes_and_gives() -> None:
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert names == [operation_id(each) for each in ENDPOINTS]
    assert len(set(names)) == len(names)
    assert set(DESCRIBED) <= {(each.method, each.path) for each in ENDPOINTS}
    for each in ENDPOINTS:
        operation = DOCUMENT["paths"][each.path][each.method.lower()]
        assert ("requestBody" in operation) == (each.body != "none"), each
        assert each not in READABLE or operation["responses"]["200"]["content"], each


@pytest.mark.parametrize("endpoint", READABLE, ids=operation_id)
def test_an_answer_has_the_shape_that_the_document_says(admin: AdminClient, endpoint: Endpoint) -> None:
    answer = admin.get(named(endpoint.path, KNOWN))

    if answer.status in NOT_HERE:
        assert answer.json["type"] in {"FORBIDDEN_REQUEST", "NOT_FOUND"}
        return
    assert answer.status == 200, answer.text
    content = DOCUMENT["paths"][endpoint.path]["get"]["responses"]["200"]["content"]
    kind = answer.header("Content-Type")
    assert kind in content
    if kind == "application/json":
        schema = content[kind]["schema"] | {"components": DOCUMENT["components"]}
        jsonschema_rs.validator_for(schema).validate(answer.json)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Others ask on their own by a socket. That nobody is let in without signing in, test_permissions sees to."""


def answer_to(case: Any, lab: Lab) -> Response:
    """Ask what a case says in the lab's own loop: there is no socket, and each case takes a millisecond."""
    request = requests.Request(**case.as_transport_kwargs(base_url="https://scc")).prepare()
    parts = urllib.parse.urlsplit(request.url or "")
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    headers = {name.lower(): each if isinstance(each, str) else each.decode() for name, each in request.headers.items()}
    answer = asked(lab, request.method or "", parts.path, body, headers, parts.query)
    shown = {name.lower(): [value] for name, value in answer.headers}
    return Response(answer.status, shown, answer.body, request, elapsed=0.0, verify=False)


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=operation_id)
def test_nothing_that_is_asked_gets_an_answer_that_the_document_has_not(maco_lab: Lab, endpoint: Endpoint) -> None:
    """What is refused although it has the right shape is another matter: a schema does not know every rule."""
    described = SCHEMA[endpoint.path][endpoint.method]

    @given(case=described.as_strategy(), is_known=st.booleans())
    @settings(max_examples=ASKED_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: KNOWN.get(name, value) for name, value in case.path_parameters.items()}
        if isinstance(case.body, dict) and "keySize" in case.body:
            case.body = {**case.body, "keySize": 2048}  # 4096 bits take a second
        case.validate_response(answer_to(case, maco_lab), checks=CHECKS)

    ask()

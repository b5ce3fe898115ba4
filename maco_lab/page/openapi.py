"""The OpenAPI 3.1 document of the API, made from the table of operations and the shapes. Pure."""

from __future__ import annotations

import http
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from maco_lab.page import shapes
from maco_lab.page.operations import OPERATIONS, Operation, Query

ALWAYS = (400, 403, 503)
"""A malformed request, one from another site, and one too many at a time."""

_DESCRIPTION = (
    "What a running lab is made of and what it shows. It answers this machine only, under the names 127.0.0.1 and "
    "localhost, and refuses requests that the page of another web site makes. No answer holds a password, a client "
    "secret, a token or a private key."
)

_EVENTS = (
    "Each `entry` event has an entry of the journal as its data, and an ID. A client that comes back with its "
    "Last-Event-ID gets what it has missed: 500 entries at most, behind a `gap` event with the number of those left "
    "out. A stream without it begins with the newest entries. A `run` event at the start tells which run of the lab "
    "this is; "
    "after a restart of the lab the ID of an earlier run counts for nothing."
)


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "maco-lab", "version": version("maco-lab"), "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _schemas() -> dict[str, Any]:
    used: list[type[BaseModel]] = [shapes.Refusal]
    for operation in OPERATIONS:
        used += [each for each in (operation.answer, operation.request) if each and not isinstance(each, str)]
    reference = "#/components/schemas/{model}"
    _, schemas = models_json_schema([(each, "serialization") for each in used], ref_template=reference)
    found: dict[str, Any] = schemas["$defs"]
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.answer == "events":
        described["description"] = _EVENTS
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.request:
        content = {"application/json": {"schema": _reference(operation.request)}}
        described["requestBody"] = {"required": True, "content": content}
    refusals = {str(status): _refusal(status) for status in sorted({*ALWAYS, *operation.refusals})}
    described["responses"] = {"200": _answer(operation)} | refusals
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = [_query(each) for each in operation.queries]
    if operation.path_parameter:
        text = {"type": "string", "minLength": 1}
        parameters.append({"name": operation.path_parameter, "in": "path", "required": True, "schema": text})
    if operation.answer == "events":
        text = {"type": "string"}
        parameters.append({"name": "Last-Event-ID", "in": "header", "required": False, "schema": text})
    return parameters


def _query(query: Query) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0, "maximum": query.most, "default": query.default}
    return {"name": query.name, "in": "query", "description": query.meaning, "required": False, "schema": schema}


def _answer(operation: Operation) -> dict[str, Any]:
    match operation.answer:
        case "events":
            return {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
        case "document":
            return {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
        case shape:
            content = {"application/json": {"schema": _reference(shape)}}
            return {"description": (shape.__doc__ or "").splitlines()[0], "content": content}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(shapes.Refusal)}}
    return {"description": http.HTTPStatus(status).phrase, "content": content}


def _reference(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}

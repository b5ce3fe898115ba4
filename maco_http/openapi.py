"""The OpenAPI 3.1 document of an API, made from its table of operations and their shapes. Pure."""

from __future__ import annotations

import http
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from maco_http.operations import MAX_TEXT, Operation, Query, TextQuery
from maco_http.shapes import Refusal, Shape

ALWAYS = (400, 403, 503)
"""A malformed request, one from another site, and one too many at a time."""

MAIL_TYPE = "message/rfc822"


def document(title: str, description: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document."""
    table = tuple(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("maco-lab"), "description": description},
        "paths": paths,
        "components": {"schemas": _schemas(table)},
    }


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    used: list[type[BaseModel]] = [Refusal]
    for operation in operations:
        used += [each for each in (operation.answer, operation.request) if each and not isinstance(each, str)]
    reference = "#/components/schemas/{model}"
    _, schemas = models_json_schema([(each, "serialization") for each in used], ref_template=reference)
    found: dict[str, Any] = schemas["$defs"]
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.request:
        described["requestBody"] = {"required": True, "content": _request(operation.request)}
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


def _query(query: Query | TextQuery) -> dict[str, Any]:
    described = {"name": query.name, "in": "query", "description": query.meaning}
    return described | {"required": query.default is None, "schema": _query_schema(query)}


def _query_schema(query: Query | TextQuery) -> dict[str, Any]:
    if isinstance(query, Query):
        return {"type": "integer", "minimum": query.least, "maximum": query.most, "default": query.default}
    if query.default is None:
        return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return {"type": "string", "maxLength": MAX_TEXT, "default": query.default}


def _request(request: type[Shape] | Literal["mail"]) -> dict[str, Any]:
    if request == "mail":
        return {MAIL_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _reference(request)}}


def _answer(operation: Operation) -> dict[str, Any]:
    match operation.answer:
        case "events":
            return {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
        case "document":
            return {"description": operation.summary, "content": {"application/json": {"schema": {"type": "object"}}}}
        case "mail":
            return {"description": "The mail as it is.", "content": {MAIL_TYPE: {"schema": {"type": "string"}}}}
        case shape:
            content = {"application/json": {"schema": _reference(shape)}}
            return {"description": (shape.__doc__ or "").splitlines()[0], "content": content}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(Refusal)}}
    return {"description": http.HTTPStatus(status).phrase, "content": content}


def _reference(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}

"""The OpenAPI 3.1 document of an API, made from its table of operations and their shapes. Pure."""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from maco_http.operations import MAX_TEXT, Content, Operation, Query, TextQuery, Upload
from maco_http.shapes import Refusal, Shape

ALWAYS = (400, 403, 503)
"""A malformed request, one from another site, and one too many at a time."""

MAIL_TYPE = "message/rfc822"
MAILBOX_TYPE = "application/mbox"
PEM_TYPE = "application/x-pem-file"
DER_TYPE = "application/pkix-cert"
PAYLOAD_TYPE = "application/octet-stream"
TEXT_TYPE = "text/plain"

_TEXTS: Mapping[Content, tuple[str, str]] = {
    "events": ("text/event-stream", "The stream."),
    "mail": (MAIL_TYPE, "The mail as it is."),
    "mailbox": (MAILBOX_TYPE, "The mails as they are, one after the other (RFC 4155)."),
    "certificate": (PEM_TYPE, "The certificates as PEM."),
    "text": (TEXT_TYPE, "The text."),
}
"""Media type and description of what is answered as text."""


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


def _request(request: type[Shape] | Upload) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    if request == "mail":
        return {MAIL_TYPE: binary}
    if request == "certificate":
        return {PEM_TYPE: binary, DER_TYPE: binary}
    if request == "payload":
        return {PAYLOAD_TYPE: binary}
    return {"application/json": {"schema": _reference(request)}}


def _answer(operation: Operation) -> dict[str, Any]:
    answer = operation.answer
    if answer == "document":
        return {"description": operation.summary, "content": {"application/json": {"schema": {"type": "object"}}}}
    if isinstance(answer, str):
        media_type, description = _TEXTS[answer]
        return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}
    content = {"application/json": {"schema": _reference(answer)}}
    return {"description": (answer.__doc__ or "").splitlines()[0], "content": content}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(Refusal)}}
    return {"description": http.HTTPStatus(status).phrase, "content": content}


def _reference(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}

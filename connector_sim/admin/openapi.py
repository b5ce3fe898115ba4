"""The API's description of itself: an OpenAPI 3.1 document, made from the endpoints that are served. Pure.

The product has no such document. Its path is ours, and whoever has no user may read it: there is nothing secret in it.
"""

from __future__ import annotations

import functools
import http
import re
from collections.abc import Iterable, Mapping
from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.described import OPENAPI_PATH, Content, Described, described
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.shapes import REFUSAL, TEXT, Schema
from connector_sim.on_premise.tunnel_client import CONNECTOR_VERSION

_DESCRIPTION = (
    "The REST API of a simulated SAP Cloud Connector, part of maco-lab and not a product of SAP. Booleans and numbers "
    "may be sent as strings; fields that are not known are ignored. An answer to a session that is over is the login "
    "page, with 200 and text/html."
)
_ALWAYS = (http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_SIGNED_IN = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN, http.HTTPStatus.NOT_FOUND)
_CHANGES = (
    http.HTTPStatus.CONFLICT,
    http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    http.HTTPStatus.INTERNAL_SERVER_ERROR,
)
_BODIES = {"json": "application/json", "lenient": "application/json", "multipart": "multipart/form-data"}


def with_description(served: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the endpoints with one more, which describes them all."""

    @functools.cache
    def everything() -> dict[str, Any]:
        return document((*served, own))

    def answer(_: Call) -> Reply:
        return ok(everything())

    own = Endpoint("GET", OPENAPI_PATH, None, answer)
    return (*served, own)


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cloud Connector", "version": CONNECTOR_VERSION, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {"Refusal": REFUSAL},
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    said = described(endpoint)
    operation: dict[str, Any] = {"operationId": operation_id(endpoint), "tags": [endpoint.state]}
    if endpoint.roles is not None:
        operation["security"] = [{"basic": []}]
        operation["x-roles"] = sorted(endpoint.roles)
    if parameters := _parameters(endpoint, said):
        operation["parameters"] = parameters
    if said.request is not None:
        content = {_BODIES[endpoint.body]: {"schema": said.request}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {**_answers(said), **_refusals(endpoint)}
    return operation


def operation_id(endpoint: Endpoint) -> str:
    """Return a name that no other endpoint has: method and path as words."""
    return "_".join([endpoint.method.lower(), *re.findall(r"\w+", endpoint.path)])


def _parameters(endpoint: Endpoint, said: Described) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    in_path = [{"name": name, "in": "path", "required": True, "schema": {**TEXT, "minLength": 1}} for name in names]
    queries = (said.query or {}).items()
    return in_path + [{"name": name, "in": "query", "required": True, "schema": each} for name, each in queries]


def _answers(said: Described) -> dict[str, Any]:
    return {str(status): _answer(status, content) for status, content in (said.answers or {}).items()}


def _answer(status: int, content: Content) -> dict[str, Any]:
    described_as = {"description": http.HTTPStatus(status).phrase}
    return described_as | ({"content": _content(content)} if content else {})


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    statuses = [*_ALWAYS]
    if endpoint.roles is not None:
        statuses += _SIGNED_IN
    if endpoint.method != "GET":
        statuses += _CHANGES
    refusal: Mapping[str, Schema] = {"application/json": {"$ref": "#/components/schemas/Refusal"}}
    return {str(int(each)): _answer(each, refusal) for each in sorted(statuses)}


def _content(content: Content) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type, schema in content.items()}

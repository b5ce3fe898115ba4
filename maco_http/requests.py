"""Read what a request says: its query and its body, both bounded and checked against the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, assert_never

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from maco_http.operations import MAX_TEXT, Operation, Query, TextQuery
from maco_http.shapes import Shape

MAX_BODY_BYTES = 16 * 1024

_S = TypeVar("_S", bound=Shape)


def numbers(request: Request, operation: Operation) -> dict[str, int]:
    """Return the whole numbers of the query. Raises HTTPException 400, naming what is wrong."""
    return {name: value for name, value in _query(request, operation).items() if isinstance(value, int)}


def texts(request: Request, operation: Operation) -> dict[str, str]:
    """Return the texts of the query. Raises HTTPException 400, naming what is wrong."""
    return {name: value for name, value in _query(request, operation).items() if isinstance(value, str)}


def _query(request: Request, operation: Operation) -> dict[str, int | str | None]:
    allowed = {query.name: query for query in operation.queries}
    found: dict[str, int | str | None] = {name: query.default for name, query in allowed.items()}
    for name, text in request.query_params.multi_items():
        if name not in allowed:
            raise HTTPException(400, f"found parameter {name!r}, allowed: {', '.join(allowed) or 'none'}")
        found[name] = _value(allowed[name], text)
    if missing := [name for name, value in found.items() if value is None]:
        raise HTTPException(400, f"parameter {missing[0]!r} is missing")
    return found


def _value(query: Query | TextQuery, text: str) -> int | str:
    match query:
        case Query():
            return _number(query, text)
        case TextQuery():
            return _text(query, text)
    assert_never(query)


def _text(query: TextQuery, text: str) -> str:
    least = 1 if query.default is None else 0
    if not least <= len(text) <= MAX_TEXT:
        raise HTTPException(400, f"{query.name} must have {least} to {MAX_TEXT} characters")
    return text


def _number(query: Query, text: str) -> int:
    """Return a number between the bounds; leading zeros and signs are none of a JSON number's."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(query.most)) and str(int(text)) == text
    if not plain or not query.least <= int(text) <= query.most:
        raise HTTPException(400, f"{query.name} must be a whole number from {query.least} to {query.most}")
    return int(text)


async def body(request: Request, shape: type[_S]) -> _S:
    """Return the request's body. Raises HTTPException 413, 415 or 422."""
    received = await content(request, ["application/json"], MAX_BODY_BYTES)
    try:
        return shape.model_validate_json(received)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(422, f"{where}: {first['msg']}" if where else first["msg"]) from error


async def content(request: Request, media_types: Sequence[str], most_bytes: int) -> bytes:
    """Return the request's body as it is. Raises HTTPException 413 or 415.

    A form of another site's page cannot send such a type without asking first, and it would not be allowed to.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in media_types:
        raise HTTPException(415, f"Content-Type must be {' or '.join(media_types)}")
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > most_bytes:
            raise HTTPException(413, f"the body is larger than {most_bytes} bytes")
    return bytes(received)

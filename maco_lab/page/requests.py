"""Read what a request says: its query and its body, both bounded and checked against the shapes."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from maco_lab.page.operations import Operation
from maco_lab.page.shapes import Shape

MAX_BODY_BYTES = 16 * 1024

_S = TypeVar("_S", bound=Shape)


def numbers(request: Request, operation: Operation) -> dict[str, int]:
    """Return the query as whole numbers. Raises HTTPException 400, naming what is wrong."""
    allowed = {query.name: query for query in operation.queries}
    found = {name: query.default for name, query in allowed.items()}
    for name, text in request.query_params.multi_items():
        if name not in allowed:
            raise HTTPException(400, f"found parameter {name!r}, allowed: {', '.join(allowed) or 'none'}")
        found[name] = _number(name, text, allowed[name].most)
    return found


def _number(name: str, text: str, most: int) -> int:
    """Return a number between 0 and ``most``; leading zeros and signs are none of a JSON number's."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(most)) and str(int(text)) == text
    if not plain or int(text) > most:
        raise HTTPException(400, f"{name} must be a whole number from 0 to {most}")
    return int(text)


async def body(request: Request, shape: type[_S]) -> _S:
    """Return the request's body. Raises HTTPException 413, 415 or 422.

    A form of another site's page cannot send application/json without asking first, and it would not be allowed to.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Content-Type must be application/json")
    received = b""
    async for part in request.stream():
        received += part
        if len(received) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        return shape.model_validate_json(received)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(422, f"{where}: {first['msg']}" if where else first["msg"]) from error

"""A Starlette application with one way to say no."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def application(routes: Sequence[Route]) -> Starlette:
    """Return an application with these routes."""
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _broken})


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "Starlette calls a handler for the class it was given for"
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _broken(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "this could not be answered; the log says why"}, 500)

"""The Starlette application: the API, the page's own files, and one way to say no."""

from __future__ import annotations

from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maco_lab.page.api import Api

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def application(api: Api) -> Starlette:
    """Return the application."""
    return Starlette(
        routes=[*api.routes(), *_page_files()],
        exception_handlers={HTTPException: _refused, Exception: _broken},
    )


def _page_files() -> list[Route]:
    """Return a route for each file of the page; all are read now, so that no path of a request reaches the disk."""
    folder = resources.files("maco_lab.page") / "assets"
    files = [each for each in folder.iterdir() if _suffix(each.name) in _TYPES]
    return [_page_file(each.name, each.read_bytes()) for each in files]


def _page_file(name: str, content: bytes) -> Route:
    async def endpoint(_request: Request) -> Response:
        return Response(content, media_type=_TYPES[_suffix(name)])

    return Route("/" if name == "index.html" else f"/{name}", endpoint)


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "Starlette calls a handler for the class it was given for"
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _broken(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "the lab could not answer; its log says why"}, 500)

"""The Starlette application: the API and the page's own files."""

from __future__ import annotations

from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from maco_http.application import application as with_routes
from maco_lab.page.api import Api

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def application(api: Api) -> Starlette:
    """Return the application."""
    return with_routes([*api.routes(), *_page_files()])


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

"""Routes to the files of a page, for Starlette."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from maco_http.page_files import PageFile, page_files


def page_routes(package: str) -> list[Route]:
    """Return a route to each file of a package's page and to each shared one; the page itself is at ``/``."""
    return [_route(each) for each in page_files(package)]


def _route(file: PageFile) -> Route:
    async def endpoint(_request: Request) -> Response:
        return Response(file.content, headers={"Content-Type": file.content_type})

    return Route("/" if file.name == "index.html" else f"/{file.name}", endpoint)

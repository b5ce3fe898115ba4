"""The Starlette application: the API and the page's own files."""

from __future__ import annotations

from starlette.applications import Starlette

from maco_http.application import application as with_routes
from maco_http.page_routes import page_routes
from maco_lab.page.api import Api


def application(api: Api) -> Starlette:
    """Return the application."""
    return with_routes([*api.routes(), *page_routes("maco_lab.page")])

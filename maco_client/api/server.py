"""Serve the API, and the pages that use it, beside a running MaCo."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator

from maco_client.api.api import routes
from maco_client.api.office import Office
from maco_client.api.operations import DEADLINES
from maco_http import server as http_server
from maco_http.application import application
from maco_http.guard import Guard
from maco_http.page_routes import page_routes


@contextlib.asynccontextmanager
async def served(office: Office, listening: socket.socket) -> AsyncIterator[None]:
    """Serve them on a socket that listens, while the block runs."""
    served_here = application([*routes(office), *page_routes("maco_client.api.pages")])
    guard = Guard(served_here, listening.getsockname()[1], DEADLINES)
    async with http_server.served(guard, listening):
        yield

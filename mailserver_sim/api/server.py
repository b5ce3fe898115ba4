"""Serve the API beside a running mail server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator

from maco_http import server as http_server
from maco_http.application import application
from maco_http.guard import Guard
from mailserver_sim.api.api import Api
from mailserver_sim.api.operations import DEADLINES
from mailserver_sim.server import MailServer


@contextlib.asynccontextmanager
async def served(server: MailServer, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the API on a socket that listens, while the block runs."""
    guard = Guard(application(Api(server).routes()), listening.getsockname()[1], DEADLINES)
    async with http_server.served(guard, listening):
        yield

"""The HTTP server of the page."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator

from maco_http import server
from maco_http.guard import Guard
from maco_lab.page.api import Api
from maco_lab.page.application import application
from maco_lab.page.events import Events
from maco_lab.page.landscape import Lab
from maco_lab.page.operations import DEADLINES
from maco_lab.page.tunnels import TunnelBook
from maco_lab.scenarios.switchboard import Switchboard
from maco_lab.topology import RunningLab


@contextlib.asynccontextmanager
async def served(lab: Lab, listening: socket.socket) -> AsyncIterator[None]:
    """Serve page and API on a socket that listens, while the block runs."""
    with TunnelBook(lab.journal) as tunnels:
        board = Switchboard(lab.file, lab if isinstance(lab, RunningLab) else None)
        api = Api(lab, board, tunnels, Events(lab.journal))
        guard = Guard(application(api), listening.getsockname()[1], DEADLINES)
        try:
            async with server.served(guard, listening):
                yield
        finally:
            await board.close()

"""The HTTPS server of the administration: it listens where the product's pages and API are, and has both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from connector_sim.admin.application import Application, unreadable
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.installation import Installation
from connector_sim.admin.log_settings import StoredLogSettings
from connector_sim.admin.pages import files, sign_in
from connector_sim.http_server import Limits, serve_http
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.observation import Address

MAX_CONNECTIONS = 64
MAX_BODY_BYTES = 1024 * 1024
"""Enough for some hundred certificates; a backup may be larger."""


class Administration:
    """Bind at construction (so that the port is known), serve inside ``running``."""

    def __init__(self, installation: Installation) -> None:
        """Bind the address of the settings. Raises OSError naming it if it cannot be bound."""
        settings = installation.settings
        self.installation = installation
        self._application = Application(installation, (*ENDPOINTS, *sign_in.ENDPOINTS, *files.ENDPOINTS))
        self._limits = Limits(
            settings.request_s, settings.answer_s, MAX_BODY_BYTES, unreadable, self._application.larger_body_bytes
        )
        try:
            self._listener = Listener(settings.host, settings.port)
        except OSError as error:
            error.filename = f"{settings.host}:{settings.port}"
            raise
        self.address: Address = self._listener.address
        installation.port = self.address[1]

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self.address
        return f"https://{f'[{host}]' if ':' in host else host}:{port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while the block runs; the address is given up behind it."""
        self.installation.connector.logs.take(StoredLogSettings(self.installation.stored))
        try:
            async with in_background(self._listener.serve(self._serve, max_connections=MAX_CONNECTIONS)):
                yield
        finally:
            self.close()

    def close(self) -> None:
        """Give up the address; needed only where ``running`` was never entered."""
        self._listener.close()

    async def restore(self) -> None:
        """Make everything as it was at the start."""
        await self.installation.restore()

    async def _serve(self, stream: TcpStream) -> None:
        request_s = self._limits.timeout_s
        tls = await start_tls(stream, self.installation.ui_context, server_side=True, timeout_s=request_s)
        try:
            await serve_http(tls, self._application.handle, limits=self._limits)
        finally:
            await tls.aclose()

"""Listen for SMTP connections on the running loop; no thread of aiosmtpd's controllers is used."""

from __future__ import annotations

import asyncio

from maco_wire.observation import Address
from mailserver_sim.settings import Listener
from mailserver_sim.smtp.connection import SmtpConnection, SmtpServices

BACKLOG = 256


class SmtpPort:
    """One bound port."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.address: Address = server.sockets[0].getsockname()[:2]

    @classmethod
    async def open(cls, services: SmtpServices, listener: Listener) -> SmtpPort:
        """Bind and listen. Raises OSError."""

        def connection() -> asyncio.BaseProtocol:
            if listener.protocol == "smtps":
                return SmtpConnection.over_tls(services)
            return SmtpConnection(services, listener.protocol)

        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection, listener.host, listener.port, backlog=BACKLOG)
        return cls(server)

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

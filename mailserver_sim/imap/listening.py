"""Listen for IMAP connections with Twisted on the running loop."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory

from maco_wire.observation import Address
from mailserver_sim.imap.connection import ImapConnection, ImapServices

BACKLOG = 256


class ImapFactory(ServerFactory):
    """Make a connection object for every client; ``implicit_tls`` is port 993."""

    noisy = False

    def __init__(self, services: ImapServices, *, implicit_tls: bool) -> None:
        self._services = services
        self._implicit_tls = implicit_tls

    def buildProtocol(self, addr: IAddress | None) -> Protocol:  # noqa: ARG002, N802 - Twisted's signature
        """Return the protocol of one connection."""
        return ImapConnection(self._services, implicit_tls=self._implicit_tls)


class ImapPort:
    """One bound port."""

    def __init__(self, services: ImapServices, host: str, port: int, *, implicit_tls: bool) -> None:
        """Bind and listen. Raises OSError."""
        from twisted.internet import reactor
        from twisted.internet.error import CannotListenError

        factory = ImapFactory(services, implicit_tls=implicit_tls)
        try:
            self._port = cast("Any", reactor).listenTCP(port, factory, BACKLOG, host)
        except CannotListenError as error:
            raise error.socketError from error
        bound = self._port.getHost()
        self.address: Address = (bound.host, bound.port)

    def close(self) -> None:
        """Stop listening."""
        self._port.stopListening()

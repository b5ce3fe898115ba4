"""Connections of Twisted that count the bytes of their socket: what passes below TLS, both ways."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Port, Server
from twisted.protocols.tls import BufferingTLSTransport
from zope.interface.declarations import Provides, implementedBy

from maco_net.socket_bytes import SocketBytes


class CountedServer(Server):
    """The server's end of a connection. TLS and plaintext alike pass through these two methods of Twisted's."""

    bytes_sent = 0
    bytes_received = 0
    peer_ended = False

    def _dataReceived(self, data: bytes | None) -> Any:  # noqa: N802 - Twisted's name
        if data:
            self.bytes_received += len(data)
        else:
            self.peer_ended = True
        return super()._dataReceived(data)

    def writeSomeData(self, data: bytes) -> Any:  # noqa: N802 - Twisted's name
        """Send what the kernel takes now; Twisted returns an exception for a connection that is lost."""
        sent = super().writeSomeData(data)
        if isinstance(sent, int):
            self.bytes_sent += sent
        return sent


class CountedPort(Port):
    """A listening port whose connections count."""

    transport = CountedServer


def carried_by(transport: object) -> SocketBytes:
    """Return what a connection has carried, also when it is closed; nothing is known of one that does not count."""
    if isinstance(transport, CountedServer):
        return SocketBytes(transport.bytes_sent, transport.bytes_received, transport.peer_ended)
    return SocketBytes()


DECLARED = (
    Provides(CountedServer, ISSLTransport),
    *(Provides(BufferingTLSTransport, each) for each in (*implementedBy(CountedServer), ISSLTransport)),
)
"""What Twisted declares of each connection that begins TLS. zope.interface remembers a declaration as long as somebody
holds it; working it out anew takes as long as a short command."""

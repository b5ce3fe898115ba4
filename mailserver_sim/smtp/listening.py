"""Listen for SMTP connections on the running loop; no thread of aiosmtpd's controllers is used."""

from __future__ import annotations

import asyncio
import socket
from asyncio import sslproto
from typing import Any, cast

from maco_net.asyncio_server import stop_accepting
from maco_wire.observation import Address
from mailserver_sim.admission import REFUSAL_S, Admission, ListeningSocket
from mailserver_sim.faults.smtp import SmtpFaults
from mailserver_sim.settings import Listener
from mailserver_sim.smtp.connection import SmtpConnection, SmtpServices

BACKLOG = 256
# RFC 5321, section 3.8: 421 is the answer of a server that must close; RFC 3463: X.3.2 is "System not accepting network
# messages".
_TOO_MANY = b"421 4.3.2 Too many connections\r\n"


class SmtpPort:
    """One bound port."""

    def __init__(self, services: SmtpServices, listener: Listener) -> None:
        """Bind; nothing is accepted yet. Raises OSError."""
        self._services = services
        self._protocol = listener.protocol
        self._socket = _bound(listener.host, listener.port)
        self._server: asyncio.Server | None = None
        self.address: Address = self._socket.getsockname()[:2]
        self._admission = Admission(
            services.settings.max_connections_per_port,
            lambda text: services.reporting.problem(text, local=self.address),
        )

    @classmethod
    async def open(cls, services: SmtpServices, listener: Listener) -> SmtpPort:
        """Bind and listen. Raises OSError."""
        port = cls(services, listener)
        try:
            port._server = await asyncio.get_running_loop().create_server(
                port._connection, sock=port._socket, backlog=BACKLOG
            )
        except BaseException:
            port._socket.close()
            raise
        return port

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await stop_accepting(self._server, self._socket)

    def _connection(self) -> asyncio.BaseProtocol:
        """Return the protocol of one connection."""
        if self._admission.is_full:
            return self._refusal()
        if self._protocol == "smtps":
            services = self._services
            broken = SmtpFaults(services.faults, "smtps").broken_handshake(services.reporting, services.connections)
            if broken is not None:
                return broken
            return SmtpConnection.over_tls(self._services, self._admission)
        return SmtpConnection(self._services, self._protocol, self._admission)

    def _refusal(self) -> asyncio.BaseProtocol:
        if not self._admission.may_refuse_in_words:
            return _Closing()
        refusal = _Refusal(self._services, self._admission)
        if self._protocol != "smtps":
            return refusal
        return sslproto.SSLProtocol(
            asyncio.get_running_loop(),
            refusal,
            self._services.tls,
            cast("Any", None),
            server_side=True,
            ssl_handshake_timeout=cast("Any", REFUSAL_S),
            ssl_shutdown_timeout=REFUSAL_S,
        )


def _bound(host: str, port: int) -> ListeningSocket:
    listening = ListeningSocket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listening.family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
    except BaseException:
        listening.close()
        raise
    return listening


class _Closing(asyncio.Protocol):
    """Close a connection without a word."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close."""
        transport.close()


class _Refusal(asyncio.Protocol):
    """Tell a client that there are too many connections, and close."""

    def __init__(self, services: SmtpServices, admission: Admission) -> None:
        self._connections = services.connections
        self._admission = admission
        self._transport: asyncio.Transport | None = None
        admission.refuse(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it; whoever does not read it is let go all the same."""
        assert isinstance(transport, asyncio.Transport)  # of TCP, or of TLS over it
        self._transport = transport
        self._connections.add(self)
        transport.write(_TOO_MANY)
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of everything."""
        self._connections.discard(self)
        self._admission.leave(self)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    stop = abort

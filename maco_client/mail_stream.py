"""MaCo's connection to a mail server, in clear or in TLS, whatever is spoken on it.

One rule: TLS begins once, and on a connection of which nothing was read ahead.
"""

from __future__ import annotations

import ssl
from typing import Protocol

from maco_client.failures import ConnectionDropped
from maco_net.errors import HandshakeFacts
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Address


class Tap(Protocol):
    """Sees what passes above TLS, both ways."""

    def sent(self, data: bytes) -> None:
        """See bytes that leave MaCo."""

    def received(self, data: bytes) -> None:
        """See bytes that reach MaCo."""


class MailStream:
    """A connected stream, and the TLS session that it may become.

    ``early`` is what the layer below has read already: a greeting may be glued to the SOCKS5 reply.
    """

    def __init__(self, stream: TcpStream, *, timeout_s: float, tap: Tap, early: bytes = b"") -> None:
        self._tcp: TcpStream | None = stream
        self._stream: ByteStream | None = stream
        self._timeout_s = timeout_s
        self.tap = tap
        self._early = early
        self.secret_written = False
        """Whether the writing of bytes that carry the password or the token has begun, in whatever form."""
        self.addresses: tuple[Address, Address] = (stream.local_address, stream.peer_address)
        """(local, peer) of the TCP socket."""

    @property
    def is_encrypted(self) -> bool:
        """Tell whether TLS is established on MaCo's own connection."""
        return self._tcp is None

    async def begin_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """Shake hands with the mail server; ``server_name`` is sent as SNI and checked. Raises HandshakeError."""
        assert self._tcp is not None  # the callers are implicit TLS and STARTTLS, each once, before anything else
        if self._early:
            raise RemoteProtocolError("TLS", "nothing before the ClientHello", f"{len(self._early)} bytes")
        stream, self._tcp, self._stream = self._tcp, None, None  # start_tls uses the stream up, whatever comes of it
        tls = await start_tls(stream, context, timeout_s=self._timeout_s, server_name=server_name)
        self._stream = tls
        return tls.facts

    async def aclose(self) -> None:
        """Close the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    def abort(self) -> None:
        """Cut the connection, so that nobody on the way waits for what the mail server might still say."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()

    def _open_stream(self) -> ByteStream:
        if self._stream is None:
            raise ConnectionDropped("the connection is closed")
        return self._stream

"""Two ends of one connection on the loop-back interface, plain or TLS."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from certs.cast import Cast
from certs.trust import client_context, server_context
from maco_net.errors import HandshakeError, HandshakeFacts
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream, start_tls

DEADLINE_S = 10.0
MAIL_HOST = "mail.stadtwerke.example"
CAST = Cast(dt.datetime.now(dt.UTC), mail_host=MAIL_HOST)
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@contextlib.contextmanager
def connected_sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield a connected client and server socket; whoever takes one over may close it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
    with client, server:
        yield client, server


@contextlib.asynccontextmanager
async def tcp_pair() -> AsyncIterator[tuple[TcpStream, TcpStream]]:
    """Yield both ends of a TCP connection: client, server."""
    with connected_sockets() as (client_sock, server_sock):
        client, server = TcpStream(client_sock), TcpStream(server_sock)
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield client, server
        finally:
            await client.aclose()
            await server.aclose()


@dataclass
class Shaken:
    """What each end says after a handshake; a stream only where the handshake succeeded there."""

    client: HandshakeFacts
    server: HandshakeFacts
    client_stream: TlsStream | None
    server_stream: TlsStream | None


async def _begin(
    stream: TcpStream, context: ssl.SSLContext, *, server_side: bool, server_name: str | None
) -> tuple[HandshakeFacts, TlsStream | None]:
    try:
        tls = await start_tls(stream, context, timeout_s=DEADLINE_S, server_side=server_side, server_name=server_name)
    except HandshakeError as error:
        return error.facts, None
    return tls.facts, tls


@contextlib.asynccontextmanager
async def shaken(
    client: ssl.SSLContext, server: ssl.SSLContext, *, server_name: str | None = MAIL_HOST
) -> AsyncIterator[Shaken]:
    """Shake hands over TCP and yield what came of it at both ends."""
    async with tcp_pair() as (client_tcp, server_tcp):
        ours, theirs = await asyncio.gather(
            _begin(client_tcp, client, server_side=False, server_name=server_name),
            _begin(server_tcp, server, server_side=True, server_name=None),
        )
        outcome = Shaken(ours[0], theirs[0], ours[1], theirs[1])
        try:
            yield outcome
        finally:
            for stream in (outcome.client_stream, outcome.server_stream):
                if stream is not None:
                    stream.abort()


@contextlib.asynccontextmanager
async def tls_pair(version: str = "TLSv1.3") -> AsyncIterator[tuple[TlsStream, TlsStream]]:
    """Yield both ends of an established TLS session: client, server."""
    async with shaken(trusting_client(version=version), serving()) as outcome:
        assert outcome.client_stream is not None, outcome.client.error
        assert outcome.server_stream is not None, outcome.server.error
        yield outcome.client_stream, outcome.server_stream


def trusting_client(*anchors: str, version: str = "TLSv1.3") -> ssl.SSLContext:
    """Return the context of a client that trusts the named authorities (the mail root by default)."""
    trusted = [CAST.authority(name).certificate for name in anchors or ("root",)]
    context = client_context(trusted, check_hostname=True)
    context.maximum_version = VERSIONS[version]
    return context


def serving(certificate: str = "mail_server") -> ssl.SSLContext:
    """Return the context of a server that presents a member of the cast."""
    return server_context(CAST.by_name(certificate))


async def read_all(stream: TcpStream | TlsStream, max_bytes: int = 65536) -> bytes:
    """Read to the orderly end."""
    received = bytearray()
    while data := await stream.receive(max_bytes):
        received += data
    return bytes(received)

"""Open the way to a mail server: directly (Internet), or through the Connectivity service's SOCKS5 proxy (On-Premise).

What the proxy sends behind its reply is the mail server speaking: it is handed on, never lost. MaCo's "Timeout (in
ms)" is the deadline of the connect, and of the SOCKS5 handshake as a whole, as in Java.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from maco_client import wording
from maco_client.mail_stream import Tap
from maco_client.settings import EmailServer, ProxyType, SocksProxy
from maco_client.token import TokenSource
from maco_net.errors import ConnectError, NetError
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.observation import Address
from maco_wire.socks5 import (
    Authenticated,
    AuthenticationRefused,
    ClientEvent,
    Connected,
    ConnectRefused,
    MethodAccepted,
    MethodRefused,
    Reply,
    Socks5Client,
)

SOCKS_READ_BYTES = 4096

OnSocket = Callable[[TcpStream], None]
"""Told of the connection as soon as there is one."""

Resolve = Callable[[str, int], Address]
"""Where a host of the internet really is; a lab may answer with another socket address."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """An open way to the mail server, and the bytes that have come along it already."""

    stream: TcpStream
    early: bytes = field(default=b"", repr=False)


def _unheard(_: TcpStream) -> None:
    """Take the connection where nobody wants to know."""


def as_named(host: str, port: int) -> Address:
    """Leave resolving to the operating system."""
    return host, port


async def dial(
    server: EmailServer,
    *,
    proxy: SocksProxy | None,
    tokens: TokenSource | None,
    tap: Tap,
    resolve: Resolve = as_named,
    on_socket: OnSocket = _unheard,
) -> Dialled:
    """Open the way to a mail server; raises DialFailed, TokenFailed or SocksRefused."""
    match server.proxy_type:
        case ProxyType.INTERNET:
            return Dialled(await _connect(*resolve(server.host, server.port), server, on_socket))
        case ProxyType.ON_PREMISE:
            if proxy is None or tokens is None:
                raise wording.socks_broken("no SOCKS5 proxy is configured", server)
            return await dial_on_premise(server, proxy, tokens, tap=tap, on_socket=on_socket)
        case _:
            assert_never(server.proxy_type)


async def _connect(host: str, port: int, server: EmailServer, on_socket: OnSocket) -> TcpStream:
    try:
        stream = await connect_tcp(host, port, timeout_s=server.timeout_s)
    except ConnectError as error:
        raise wording.connect_failed(error, server) from error
    on_socket(stream)
    return stream


async def dial_on_premise(
    server: EmailServer,
    proxy: SocksProxy,
    tokens: TokenSource,
    *,
    tap: Tap | None = None,
    on_socket: OnSocket = _unheard,
) -> Dialled:
    """Open the way to the virtual host and port of ``server``; raises DialFailed, TokenFailed or SocksRefused."""
    token = await tokens.token()
    try:
        socks = Socks5Client(token=token, location_id=server.location_id, host=server.host, port=server.port)
    except LocalProtocolError as error:
        raise wording.socks_broken(str(error), server) from error
    stream = await _connect(proxy.host, proxy.port, server, on_socket)
    try:
        await _shake_hands(stream, socks, server, tokens, tap)
    except asyncio.CancelledError:
        stream.abort()
        raise
    except BaseException:
        await stream.aclose()
        raise
    return Dialled(stream, socks.trailing_data)


async def _shake_hands(
    stream: TcpStream, socks: Socks5Client, server: EmailServer, tokens: TokenSource, tap: Tap | None
) -> None:
    """Feed, collect, send until the proxy has connected; raises SocksRefused."""
    try:
        async with asyncio.timeout(server.timeout_s):
            await _negotiate(stream, socks, server, tokens, tap)
    except TimeoutError as error:
        raise wording.socks_broken(wording.READ_TIMED_OUT, server) from error
    except NetError as error:
        raise wording.socks_broken(wording.CONNECTION_DROPPED, server) from error
    except RemoteProtocolError as error:
        raise wording.socks_broken(str(error), server) from error


async def _negotiate(
    stream: TcpStream, socks: Socks5Client, server: EmailServer, tokens: TokenSource, tap: Tap | None
) -> None:
    await _send(stream, socks, tap)
    while True:
        data = await stream.receive(SOCKS_READ_BYTES)
        if not data:
            raise wording.socks_broken(wording.CONNECTION_DROPPED, server)
        for event in socks.receive_data(data):
            if _is_connected(event, server, tokens):
                return
        await _send(stream, socks, tap)


async def _send(stream: TcpStream, socks: Socks5Client, tap: Tap | None) -> None:
    data = socks.data_to_send()
    if tap:
        tap.sent(data)
    await stream.send(data)


def _is_connected(event: ClientEvent, server: EmailServer, tokens: TokenSource) -> bool:
    match event:
        case MethodAccepted() | Authenticated():
            return False
        case Connected():
            return True
        case MethodRefused(method=method):
            raise wording.socks_broken(f"the proxy does not speak method 0x80 (its answer: 0x{method:02X})", server)
        case AuthenticationRefused(status=status):
            tokens.forget()
            raise wording.token_refused(status, server)
        case ConnectRefused(reply=reply):
            if reply == Reply.CONNECTION_REFUSED:  # SAP's own meaning: authentication failure
                tokens.forget()
            raise wording.socks_refused(reply, server)
        case _:
            assert_never(event)

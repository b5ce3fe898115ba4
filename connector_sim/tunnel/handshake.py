"""The HTTP/1.1 Upgrade that opens a tunnel, both roles (RFC 9110, section 7.8).

The real connector opens its tunnel by a WebSocket handshake; that is why its users see an HTTP status such as
"SCC handshake failed: 401 — Unauthorized". Ours upgrades to yamux: the cloud side plays yamux's *client*, because it
opens the streams, although it accepted the TCP connection; the header ``Yamux-Role`` says so on both sides.

A tunnel may have several TLS connections. Each asks for itself: ``Tunnel-Id`` is the same for all of them and new at
each start of the tunnel, ``Tunnel-Connection: 2/3`` is the second of three.
"""

from __future__ import annotations

import asyncio
import http
import re
import urllib.parse
from dataclasses import dataclass

import h11

from maco_net.errors import DeadlineExceeded, NetError
from maco_net.streams import ByteStream

UPGRADE_TOKEN = "maco-lab-tunnel/1"  # noqa: S105 - the name of a protocol
PATH = "/tunnel"
MAX_HEAD_BYTES = 16 * 1024
MAX_VALUE_BYTES = 189
"""The longest location ID that fits through SOCKS5; nothing else a connector says of itself is longer."""

MAX_CONNECTIONS = 64
"""How many TLS connections one tunnel may have; SAP names no upper limit."""

_HELLO_HEADERS = ("subaccount", "location-id", "installation-id", "connector-version", "tunnel-id")
_CONNECTION = re.compile(r"([1-9][0-9]?)/([1-9][0-9]?)")


class HandshakeRefused(NetError):
    """The cloud side answered the Upgrade with ``status`` instead of 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"SCC handshake failed: {status} — {_phrase(status)}")
        self.status = status


class HandshakeBroken(NetError):
    """The peer did not speak the Upgrade handshake."""


@dataclass(frozen=True, slots=True)
class TunnelHello:
    """What a connector says of itself when it opens a tunnel."""

    subaccount: str
    location_id: str
    installation_id: str
    connector_version: str
    tunnel_id: str = ""
    """Made by the connector at each start of a tunnel; what belongs together has the same one."""
    connection: int = 1
    connections: int = 1
    """Which of how many TLS connections of the tunnel this is; the first is 1."""


async def request_upgrade(stream: ByteStream, hello: TunnelHello, *, host: str, timeout_s: float) -> bytes:
    """Ask for the tunnel, as the connector; return the bytes that were glued behind the answer.

    Raises HandshakeRefused, HandshakeBroken, DeadlineExceeded, or what the stream raises.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    request = h11.Request(method="GET", target=PATH, headers=[("Host", host), *_headers(hello)])
    head = (connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b"")
    try:
        async with asyncio.timeout(timeout_s):
            await stream.send(head)
            answer = await _next_event(connection, stream)
    except TimeoutError:
        raise DeadlineExceeded("tunnel handshake", timeout_s) from None
    except h11.RemoteProtocolError as error:
        raise HandshakeBroken(f"the tunnel endpoint does not speak HTTP: {error}") from error
    if isinstance(answer, h11.InformationalResponse) and answer.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
        if (b"upgrade", UPGRADE_TOKEN.encode()) not in list(answer.headers):
            raise HandshakeBroken(f"the tunnel endpoint does not speak {UPGRADE_TOKEN}")
        return connection.trailing_data[0]
    if isinstance(answer, h11.Response):
        raise HandshakeRefused(answer.status_code)
    raise HandshakeBroken("the tunnel endpoint did not answer the HTTP Upgrade")


class UpgradeRequest:
    """The cloud side of one handshake: read it, then accept or refuse it."""

    def __init__(self, stream: ByteStream, timeout_s: float) -> None:
        self._stream = stream
        self._timeout_s = timeout_s
        self.head: h11.Request | None = None
        """The head of the request once it was read, whatever it asks for."""
        self.connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)

    async def read(self) -> TunnelHello | None:
        """Return what the connector says of itself; None if it is not a request for a tunnel (answer 400).

        Raises HandshakeBroken if it says nothing, DeadlineExceeded, or what the stream raises.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                request = await _next_event(self.connection, self._stream)
        except TimeoutError:
            raise DeadlineExceeded("tunnel handshake", self._timeout_s) from None
        except h11.RemoteProtocolError:
            return None
        if not isinstance(request, h11.Request):
            raise HandshakeBroken("the peer closed before it asked for a tunnel")
        self.head = request
        return _hello(request)

    async def accept(self) -> bytes:
        """Answer 101; return the bytes that were glued behind the request."""
        self.connection.next_event()  # the end of the request, which has no body
        headers = [("Upgrade", UPGRADE_TOKEN), ("Connection", "Upgrade"), ("Yamux-Role", "client")]
        answer = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        await self._stream.send(self.connection.send(answer) or b"")
        return self.connection.trailing_data[0]

    async def refuse(self, status: int) -> None:
        """Answer ``status``; the caller closes."""
        headers = [("Content-Length", "0"), ("Connection", "close")]
        answer = h11.Response(status_code=status, headers=headers, reason=_phrase(status).encode())
        head = (self.connection.send(answer) or b"") + (self.connection.send(h11.EndOfMessage()) or b"")
        await self._stream.send(head)


async def _next_event(connection: h11.Connection, stream: ByteStream) -> object:
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event
        connection.receive_data(await stream.receive())


def _headers(hello: TunnelHello) -> list[tuple[str, str]]:
    return [
        ("Upgrade", UPGRADE_TOKEN),
        ("Connection", "Upgrade"),
        ("Yamux-Role", "server"),
        ("Subaccount", urllib.parse.quote(hello.subaccount, safe="")),
        ("Location-Id", urllib.parse.quote(hello.location_id, safe="")),
        ("Installation-Id", urllib.parse.quote(hello.installation_id, safe="")),
        ("Connector-Version", urllib.parse.quote(hello.connector_version, safe="")),
        ("Tunnel-Id", urllib.parse.quote(hello.tunnel_id, safe="")),
        ("Tunnel-Connection", f"{hello.connection}/{hello.connections}"),
    ]


def _hello(request: h11.Request) -> TunnelHello | None:
    headers = {name: value.decode("latin-1") for name, value in request.headers}
    if not _asks_for_tunnel(request, headers) or b"subaccount" not in headers:
        return None
    named = [urllib.parse.unquote(headers.get(name.encode(), "")) for name in _HELLO_HEADERS]
    if not all(value.isprintable() and len(value.encode()) <= MAX_VALUE_BYTES for value in named):
        return None
    number = _CONNECTION.fullmatch(headers.get(b"tunnel-connection", "1/1"))
    if number is None or not int(number[1]) <= int(number[2]) <= MAX_CONNECTIONS:
        return None
    subaccount, location_id, installation_id, version, tunnel_id = named
    return TunnelHello(subaccount, location_id, installation_id, version, tunnel_id, int(number[1]), int(number[2]))


def _asks_for_tunnel(request: h11.Request, headers: dict[bytes, str]) -> bool:
    """Tell whether it is our Upgrade; behind a body no protocol could begin.

    RFC 9110, section 7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
    """
    has_body = headers.get(b"content-length", "0") != "0" or b"transfer-encoding" in headers
    asked = (request.method, request.target, request.http_version, headers.get(b"upgrade"))
    return not has_body and asked == (b"GET", PATH.encode(), b"1.1", UPGRADE_TOKEN)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

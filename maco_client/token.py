"""The token for the Connectivity service's SOCKS5 proxy: client_credentials (RFC 6749, section 4.4), cached.

The token and the client secret never appear in a repr, a log line or an error.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import h11

from maco_client.failures import TokenFailed
from maco_client.imap import printable
from maco_client.settings import TokenService
from maco_client.wording import SERVICE_BINDING_HINT
from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_net.tls import start_tls

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path. SAP: <token_service_url>/oauth/token
RENEW_BEFORE_EXPIRY_S = 60.0  # what a known client of the Connectivity service does
MAX_ANSWER_BYTES = 64 * 1024
DEFAULT_TIMEOUT_S = 30.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHOWN_CHARACTERS = 200

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float


class TokenSource:
    """Gives the token of one service binding, fetched when it is needed and renewed a minute before it expires.

    ``context`` is the TLS context for an https:// token service; ``server_name`` the name in its certificate where the
    URL has only an address. ``clock`` counts seconds and never goes back.
    """

    def __init__(
        self,
        service: TokenService,
        *,
        context: ssl.SSLContext | None = None,
        server_name: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Clock = time.monotonic,
    ) -> None:
        self._service = service
        self._context = context
        self._server_name = server_name
        self._timeout_s = timeout_s
        self._clock = clock
        self._cached: _Token | None = None
        self._fetching = asyncio.Lock()

    def __repr__(self) -> str:
        return f"TokenSource({self._service!r})"

    async def token(self) -> str:
        """Return a token that is good for another minute at least; raises TokenFailed."""
        async with self._fetching:  # whoever comes second takes what the first one fetched
            if self._cached is None or self._clock() >= self._cached.renew_at:
                self._cached = None
                self._cached = await self._fetch()
            return self._cached.value

    def forget(self) -> None:
        """Drop the cached token: the proxy refused it."""
        self._cached = None

    async def _fetch(self) -> _Token:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._ask()
        except TimeoutError as error:
            raise self._failed(f"no answer within {self._timeout_s:g} s") from error
        except (NetError, h11.RemoteProtocolError) as error:
            raise self._failed(str(error)) from error
        if status != HTTPStatus.OK:
            raise self._failed(self._refusal(status, body))
        value, lifetime_s = self._read(body)
        return _Token(value, asked_at + max(0.0, lifetime_s - RENEW_BEFORE_EXPIRY_S))

    async def _ask(self) -> tuple[int, bytes]:
        stream = await self._connect()
        try:
            return await _post(stream, self._request(), self._form())
        finally:
            await stream.aclose()

    async def _connect(self) -> ByteStream:
        parts = urlsplit(self._service.url)
        host = parts.hostname or ""
        tcp = await connect_tcp(host, parts.port or _DEFAULT_PORTS[parts.scheme], timeout_s=self._timeout_s)
        if parts.scheme == "http":
            return tcp
        if self._context is None:
            await tcp.aclose()
            raise self._failed("an https:// token service needs a TLS context")
        name = self._server_name or host
        return await start_tls(tcp, self._context, timeout_s=self._timeout_s, server_name=name)

    def _form(self) -> bytes:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._service.client_id,
            "client_secret": self._service.client_secret,
        }
        return urlencode(form).encode("ascii")

    def _request(self) -> h11.Request:
        parts = urlsplit(self._service.url)
        headers = [
            ("Host", parts.netloc),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(self._form()))),
            ("Accept", "application/json"),
            ("Connection", "close"),
        ]
        target = parts.path.rstrip("/") or TOKEN_PATH
        return h11.Request(method="POST", target=target, headers=headers)

    def _read(self, body: bytes) -> tuple[str, float]:
        """Return token and lifetime in seconds (RFC 6749, section 5.1)."""
        match _json(body):
            case {"access_token": str(token), "expires_in": int(lifetime_s)} if token and lifetime_s > 0:
                return token, float(min(lifetime_s, 2**31))
            case {"access_token": str(token)} if token:
                return token, 0.0  # expires_in is only RECOMMENDED: without it the token is not kept
        raise self._failed("the answer holds no access_token")

    def _refusal(self, status: int, body: bytes) -> str:
        """Return the status with what RFC 6749, section 5.2, calls error and error_description."""
        words = [str(status)]
        match _json(body):
            case {"error": str(error), **rest}:
                words += [error, str(rest.get("error_description", ""))]
        return " ".join(words)

    def _failed(self, text: str) -> TokenFailed:
        masked = text.replace(self._service.client_secret, "***")
        shown = printable(masked.encode("utf-8", "replace"))[:_SHOWN_CHARACTERS].rstrip()
        return TokenFailed(f"Token request failed: {shown}", SERVICE_BINDING_HINT)


def _json(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


async def _post(stream: ByteStream, request: h11.Request, body: bytes) -> tuple[int, bytes]:
    """Send one request and return status and body of its answer; raises h11.RemoteProtocolError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_BYTES)
    for event in (request, h11.Data(data=body), h11.EndOfMessage()):
        await stream.send(connection.send(event) or b"")
    status, answer = 0, bytearray()
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive())
            case h11.Response(status_code=int(code)):
                status = code
            case h11.Data(data=data):
                answer += data
                if len(answer) > MAX_ANSWER_BYTES:
                    raise h11.RemoteProtocolError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            case h11.EndOfMessage():
                return status, bytes(answer)
            case h11.ConnectionClosed() | h11.PAUSED:
                raise h11.RemoteProtocolError("the token service closed the connection")

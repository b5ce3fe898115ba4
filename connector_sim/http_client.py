"""Ask one small HTTP/1.1 request on a TLS connection of its own, by h11: everything the peer may say is bounded."""

from __future__ import annotations

import asyncio
import http
import json
import ssl
from dataclasses import dataclass

import h11

from maco_net.errors import DeadlineExceeded, NetError
from maco_net.streams import ByteStream
from maco_net.tcp import connect_tcp
from maco_net.tls import start_tls
from maco_wire.observation import Address

MAX_HEAD_BYTES = 16 * 1024
READ_BYTES = 64 * 1024


class HttpBroken(NetError):
    """The peer did not answer in HTTP, or not in JSON, or said too much."""


@dataclass(frozen=True, slots=True)
class JsonClient:
    """Whom to ask, and how long it may take; ``request_s`` is for TLS, the request and its answer together."""

    context: ssl.SSLContext
    server_name: str
    connect_s: float
    request_s: float
    max_body_bytes: int = 64 * 1024 * 1024

    async def post(self, address: Address, path: str, content: object) -> tuple[int, object]:
        """Return the status and the content of the answer. Raises NetError."""
        stream = await connect_tcp(*address, timeout_s=self.connect_s)
        try:
            async with asyncio.timeout(self.request_s):
                tls = await start_tls(stream, self.context, server_name=self.server_name, timeout_s=self.request_s)
                try:
                    return await self._exchange(tls, path, content)
                finally:
                    await tls.aclose()
        except TimeoutError:
            raise DeadlineExceeded(f"answer to {path}", self.request_s) from None

    async def _exchange(self, stream: ByteStream, path: str, content: object) -> tuple[int, object]:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        body = json.dumps(content).encode()
        headers = [("Host", self.server_name), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        request = h11.Request(method="POST", target=path, headers=[*headers, ("Connection", "close")])
        parts = [connection.send(event) for event in (request, h11.Data(data=body), h11.EndOfMessage())]
        await stream.send(b"".join(part or b"" for part in parts))
        try:
            return await self._read(connection, stream)
        except h11.RemoteProtocolError as error:
            raise HttpBroken(f"no HTTP: {error}") from error
        except (ValueError, RecursionError) as error:
            raise HttpBroken("an answer that is not JSON") from error

    async def _read(self, connection: h11.Connection, stream: ByteStream) -> tuple[int, object]:
        status = http.HTTPStatus.INTERNAL_SERVER_ERROR.value
        body = bytearray()
        while True:
            match event := connection.next_event():
                case h11.NEED_DATA:
                    connection.receive_data(await stream.receive(READ_BYTES))
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    body += event.data
                    if len(body) > self.max_body_bytes:
                        raise HttpBroken(f"more than {self.max_body_bytes} bytes")
                case h11.EndOfMessage():
                    return status, json.loads(body)
                case _:
                    raise HttpBroken("no answer")

"""Serve small HTTP/1.1 requests on a byte stream, by h11: bounded heads and bodies, a deadline for each request."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import h11

from maco_net.errors import NetError
from maco_net.streams import ByteStream, close_gently

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024
READ_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; ``content`` is written as JSON."""

    status: int
    content: object = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


Handle: TypeAlias = Callable[[HttpRequest], HttpAnswer | Awaitable[HttpAnswer]]


async def serve_http(stream: ByteStream, handle: Handle, *, timeout_s: float) -> None:
    """Answer requests on one connection until the client ends it or lets ``timeout_s`` pass, then close it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        async with asyncio.timeout(timeout_s) as deadline:
            while await _serve_one(connection, stream, handle):
                deadline.reschedule(asyncio.get_running_loop().time() + timeout_s)
    except (TimeoutError, NetError):
        pass
    await close_gently(stream)  # an answer to a request that was not read to its end must still arrive


async def _serve_one(connection: h11.Connection, stream: ByteStream, handle: Handle) -> bool:
    """Answer one request; tell whether another may follow on this connection."""
    request = await _read_request(connection, stream)
    if request is None:
        return False
    if isinstance(request, HttpAnswer):
        await _answer(connection, stream, request, is_last=True)
        return False
    answer = handle(request)
    if not isinstance(answer, HttpAnswer):
        answer = await answer
    await _answer(connection, stream, answer, without_body=request.method == "HEAD")
    if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return True


async def _read_request(connection: h11.Connection, stream: ByteStream) -> HttpRequest | HttpAnswer | None:
    """Return a request, the answer to one that cannot be read, or None if the client has left."""
    head: h11.Request | None = None
    body = bytearray()
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                await _ask_for_body(connection, stream)
                connection.receive_data(await stream.receive(READ_BYTES))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    return _problem(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            elif isinstance(event, h11.EndOfMessage) and head:
                return _request(head, bytes(body))
            else:
                return None
    except h11.RemoteProtocolError as error:
        return _problem(http.HTTPStatus(error.error_status_hint))


async def _ask_for_body(connection: h11.Connection, stream: ByteStream) -> None:
    """Send 100 to a client that waits for it (RFC 9110, section 10.1.1)."""
    if connection.they_are_waiting_for_100_continue:
        proceed = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
        await stream.send(connection.send(proceed) or b"")


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path = head.target.decode("latin-1").partition("?")[0]
    return HttpRequest(head.method.decode("latin-1"), path, headers, body)


def _problem(status: http.HTTPStatus) -> HttpAnswer:
    return HttpAnswer(status, {"error": "invalid_request", "error_description": status.phrase})


async def _answer(
    connection: h11.Connection,
    stream: ByteStream,
    answer: HttpAnswer,
    *,
    is_last: bool = False,
    without_body: bool = False,
) -> None:
    """Write one answer; h11 adds ``Connection: close`` where the client asked for it."""
    body = json.dumps(answer.content).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),  # RFC 6749, section 5.1
        *([("Connection", "close")] if is_last else []),
        *answer.headers,
    ]
    phrase = http.HTTPStatus(answer.status).phrase.encode()
    head = connection.send(h11.Response(status_code=answer.status, headers=headers, reason=phrase)) or b""
    payload = b"" if without_body else connection.send(h11.Data(data=body)) or b""
    await stream.send(head + payload + (connection.send(h11.EndOfMessage()) or b""))

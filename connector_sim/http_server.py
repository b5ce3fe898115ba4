"""Serve small HTTP/1.1 requests on a byte stream, by h11: bounded heads and bodies, a deadline for each request.

A ``HttpAnswer`` is JSON with the headers that all of ours have; a ``RawAnswer`` is written exactly as it is.
"""

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
    query: str = field(default="", repr=False)
    """What follows the question mark, as it was sent."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; ``content`` is written as JSON."""

    status: int
    content: object = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer whose headers say it all; its reason phrase is empty, which RFC 9112, section 4, allows."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


Answer: TypeAlias = HttpAnswer | RawAnswer
Handle: TypeAlias = Callable[[HttpRequest], Answer | Awaitable[Answer]]


def _problem(status: http.HTTPStatus) -> Answer:
    return HttpAnswer(status, {"error": "invalid_request", "error_description": status.phrase})


@dataclass(frozen=True, slots=True)
class Limits:
    """How large and how slow a request may be, and what is answered to one that cannot be read."""

    timeout_s: float
    """How long a client may take for a request, from the end of the one before."""
    answer_s: float | None = None
    """How long the answer may take beyond that; None: no longer."""
    max_body_bytes: int = MAX_BODY_BYTES
    problem: Callable[[http.HTTPStatus], Answer] = _problem
    larger_body_bytes: Callable[[HttpRequest], int] | None = None
    """What a request may have instead, as far as is known of it before its body; never less than all others may."""

    def most_body_bytes(self, head: HttpRequest) -> int:
        """Return how large the body of a request may be."""
        larger = self.larger_body_bytes(head) if self.larger_body_bytes else 0
        return max(self.max_body_bytes, larger)


async def serve_http(
    stream: ByteStream, handle: Handle, *, timeout_s: float = 10.0, limits: Limits | None = None
) -> None:
    """Answer requests on one connection until the client ends it or lets ``timeout_s`` pass, then close it.

    ``limits`` say more than ``timeout_s``, and count instead of it.
    """
    limits = limits or Limits(timeout_s)
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        async with asyncio.timeout(limits.timeout_s) as deadline:
            while await _serve_one(connection, stream, handle, limits, deadline):
                deadline.reschedule(asyncio.get_running_loop().time() + limits.timeout_s)
    except (TimeoutError, NetError):
        pass
    await close_gently(stream)  # an answer to a request that was not read to its end must still arrive


async def serve_begun(
    stream: ByteStream, connection: h11.Connection, head: h11.Request, handle: Handle, *, timeout_s: float
) -> None:
    """Answer the one request whose head was read already, then close the connection."""
    try:
        async with asyncio.timeout(timeout_s) as deadline:
            await _serve_one(connection, stream, handle, Limits(timeout_s), deadline, head)
    except (TimeoutError, NetError):
        pass
    await close_gently(stream)


async def _serve_one(
    connection: h11.Connection,
    stream: ByteStream,
    handle: Handle,
    limits: Limits,
    deadline: asyncio.Timeout,
    head: h11.Request | None = None,
) -> bool:
    """Answer one request; tell whether another may follow on this connection."""
    request = await _read_request(connection, stream, limits, head)
    if request is None:
        return False
    if isinstance(request, HttpAnswer | RawAnswer):
        await _answer(connection, stream, request, is_last=True)
        return False
    if limits.answer_s is not None:
        deadline.reschedule(asyncio.get_running_loop().time() + limits.answer_s)
    answer = handle(request)
    if not isinstance(answer, HttpAnswer | RawAnswer):
        answer = await answer
    await _answer(connection, stream, answer, without_body=request.method == "HEAD")
    if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return True


async def _read_request(
    connection: h11.Connection, stream: ByteStream, limits: Limits, head: h11.Request | None
) -> HttpRequest | Answer | None:
    """Return a request, the answer to one that cannot be read, or None if the client has left."""
    body = bytearray()
    most_bytes = limits.max_body_bytes
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                await _ask_for_body(connection, stream)
                connection.receive_data(await stream.receive(READ_BYTES))
            elif isinstance(event, h11.Request):
                head = event
                most_bytes = limits.most_body_bytes(_request(head, b""))
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > most_bytes:
                    return limits.problem(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            elif isinstance(event, h11.EndOfMessage) and head:
                return _request(head, bytes(body))
            else:
                return None
    except h11.RemoteProtocolError as error:
        return limits.problem(http.HTTPStatus(error.error_status_hint))


async def _ask_for_body(connection: h11.Connection, stream: ByteStream) -> None:
    """Send 100 to a client that waits for it (RFC 9110, section 10.1.1)."""
    if connection.they_are_waiting_for_100_continue:
        proceed = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
        await stream.send(connection.send(proceed) or b"")


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path, _, query = head.target.decode("latin-1").partition("?")
    return HttpRequest(head.method.decode("latin-1"), path, headers, body, query)


async def _answer(
    connection: h11.Connection,
    stream: ByteStream,
    answer: Answer,
    *,
    is_last: bool = False,
    without_body: bool = False,
) -> None:
    """Write one answer; h11 adds ``Connection: close`` where the client asked for it."""
    written = answer if isinstance(answer, RawAnswer) else _written(answer)
    headers = [*written.headers, *([("Connection", "close")] if is_last else [])]
    phrase = http.HTTPStatus(answer.status).phrase.encode() if isinstance(answer, HttpAnswer) else b""
    head = connection.send(h11.Response(status_code=answer.status, headers=headers, reason=phrase)) or b""
    payload = b"" if without_body else connection.send(h11.Data(data=written.body)) or b""
    await stream.send(head + payload + (connection.send(h11.EndOfMessage()) or b""))


def _written(answer: HttpAnswer) -> RawAnswer:
    body = json.dumps(answer.content).encode()
    headers = (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),  # RFC 6749, section 5.1
        *answer.headers,
    )
    return RawAnswer(answer.status, headers, body)

"""What every request passes first: whose it is, how long it may take, and what a browser may do with the answer.

A page of another web site reaches a server on loopback too, by its address or by a name of its own that leads there
(DNS rebinding). So Host must be a name of this machine's loopback with our port, and Origin, if there is one, the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from maco_http.operations import REQUEST_S
from maco_http.page_files import HEADERS

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

SEND_S = 10.0
"""How long a client may take to make room for the next piece of an answer."""

MAX_STREAMS = 32
"""How many streams of events may be open at once."""


class Guard:
    """Stands before the application and lets in this machine's own requests only.

    ``deadlines`` has that of each path; None is a stream that goes on.
    """

    def __init__(self, application: Application, port: int, deadlines: Mapping[str, float | None]) -> None:
        self._application = application
        self._deadlines = deadlines
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))
        self._streams = 0
        self.ending = False
        """From now on a request that is cancelled has ended as it should."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, _Answer(send))
        except asyncio.CancelledError:
            if not self.ending:
                raise

    async def _answer(self, scope: Message, receive: Receive, answer: _Answer) -> None:
        if refusal := self._foreign(Headers(scope=scope)):
            await _refuse(403, refusal, scope, receive, answer)
            return
        deadline_s = self._deadlines.get(scope["path"], REQUEST_S)
        if deadline_s is None:
            await self._stream(scope, receive, answer)
            return
        try:
            async with asyncio.timeout(deadline_s):
                await self._application(scope, receive, answer)
        except TimeoutError:
            if answer.has_begun:
                raise
            await _refuse(504, f"took longer than {deadline_s:g} s", scope, receive, answer)

    async def _stream(self, scope: Message, receive: Receive, answer: _Answer) -> None:
        if self._streams >= MAX_STREAMS:
            text = f"{MAX_STREAMS} streams of events are open already: close one"
            await _refuse(503, text, scope, receive, answer)
            return
        self._streams += 1
        try:
            await self._application(scope, receive, answer)
        finally:
            self._streams -= 1

    def _foreign(self, headers: Headers) -> str:
        """Return why a request is none of this machine's own; empty if it is."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return f"Host must be one of {', '.join(sorted(self._hosts))}"
        if any(origin.lower().removeprefix("http://") not in self._hosts for origin in origins):
            return "Origin is another web site"
        return ""


class _Answer:
    """Sends an answer with the headers that all have; a client that does not read is not waited for."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            MutableHeaders(scope=message).update(HEADERS)
        async with asyncio.timeout(SEND_S):
            await self._send(message)


async def _refuse(status: int, error: str, scope: Message, receive: Receive, answer: _Answer) -> None:
    await JSONResponse({"error": error}, status)(scope, receive, answer)

"""An HTTP server: uvicorn's HTTP/1.1 on a socket and a loop that are the caller's own.

``uvicorn.Server`` takes over SIGINT and SIGTERM, looks only ten times a second whether it should end, and waits for
open streams of events. So only its protocol is used: we listen, and end every connection at once at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from maco_http.guard import Guard
from maco_net.asyncio_server import stop_accepting

HEAD_S = 10.0
"""How long a client may take to send a request's head, and how long a connection may be idle."""

MAX_HEAD_BYTES = 16 * 1024
MAX_CLIENTS = 128
END_S = 0.1
"""How long requests that were cancelled may take to end."""


@contextlib.asynccontextmanager
async def served(guard: Guard, listening: socket.socket) -> AsyncIterator[None]:
    """Serve what is behind ``guard`` on a socket that listens, while the block runs."""
    state = ServerState()
    loop = asyncio.get_running_loop()
    config = _config(guard)
    server = await loop.create_server(lambda: _Connection(config, state, {}, loop), sock=listening)
    try:
        yield
    finally:
        guard.ending = True
        await stop_accepting(server, listening)
        await _cut(state)


def _config(guard: Guard) -> Config:
    return Config(
        guard,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MAX_CLIENTS,
        timeout_keep_alive=int(HEAD_S),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


async def _cut(state: ServerState) -> None:
    """End all connections first: a request that is cancelled then has nobody to answer."""
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
    running = list(state.tasks)
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=END_S)


class _Connection(H11Protocol):
    """One client; uvicorn bounds the size of a request's head, this bounds its time too."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own annotation leaves out that there may be none
        return cycle is not None and not cycle.response_complete

    def _watch(self) -> None:
        """Start the clock when a head has begun, and stop it when it is complete."""
        if self._is_answering:
            self._unwatch()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_S, self.transport.close)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

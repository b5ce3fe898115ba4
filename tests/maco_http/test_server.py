"""The end of the HTTP server: no client is left with a connection that nobody serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from maco_http.guard import Guard, Message, Receive, Send
from maco_http.server import served

DEADLINE_S = 10.0


async def no_application(_scope: Message, _receive: Receive, _send: Send) -> None:
    raise AssertionError("no request was sent")


@pytest.mark.parametrize("turns", range(6))
async def test_a_client_that_comes_at_the_end_sees_an_end_however_far_its_connection_was(turns: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        client.setblocking(False)
        async with served(Guard(no_application, listening.getsockname()[1], {}), listening):
            with contextlib.suppress(BlockingIOError):
                client.connect(listening.getsockname())
            for _ in range(turns):
                await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""

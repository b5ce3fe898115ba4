"""The control socket of a running lab: a Unix socket on which ``maco-lab poll`` and ``down`` speak to it.

One request and one answer, each a line of JSON. The socket lies in a private folder with a short path (a Unix socket's
path holds some 100 bytes only).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

MAX_REQUEST_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The answer to ``poll`` names every mail that was fetched, some 200 bytes each."""

REQUEST_S = 10.0
ANSWER_S = 10.0

Answer: TypeAlias = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

_FOLDER_PREFIX = "maco-lab-"
_SOCKET = "control"


class ControlError(Exception):
    """The running lab did not answer."""


@contextlib.asynccontextmanager
async def control_socket(answer: Answer) -> AsyncIterator[Path]:
    """Serve requests while the block runs; yields the socket's path. Requests under way are cut off at its end."""
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
    clients: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("asyncio serves every client in a task of its own")
        clients.add(task)
        try:
            await _serve(reader, writer, answer)
        finally:
            clients.discard(task)

    try:
        server = await asyncio.start_unix_server(serve, folder / _SOCKET, limit=MAX_REQUEST_BYTES)
        try:
            yield folder / _SOCKET
        finally:
            server.close()
            await _cut_off(clients)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _cut_off(clients: set[asyncio.Task[Any]]) -> None:
    running = list(clients)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        async with asyncio.timeout(REQUEST_S):
            line = await reader.readline()
        request = json.loads(line)
        reply = await answer(request if isinstance(request, dict) else {})
        writer.write(json.dumps(reply).encode() + b"\n")
        await _flush(writer)
    except (TimeoutError, ValueError, RecursionError, OSError):
        pass  # whoever asked is gone, or did not ask: there is nobody to tell
    finally:
        writer.close()


async def _flush(writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(ANSWER_S):
            await writer.drain()
    except TimeoutError:
        writer.transport.abort()  # closing would wait for a client that does not read


def remove_left_over(path: Path) -> None:
    """Remove the control socket of a lab that was killed, with its folder; anything else stays."""
    if path.name != _SOCKET or not path.parent.name.startswith(_FOLDER_PREFIX):
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def ask(path: str, request: dict[str, Any], *, timeout_s: float) -> dict[str, Any]:
    """Ask the lab behind the control socket. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answer:
                line = answer.readline(MAX_ANSWER_BYTES)
        reply = json.loads(line)
    except OSError as error:
        raise ControlError(f"the running lab does not answer on its control socket: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ControlError("the running lab ended before it answered") from error
    if not isinstance(reply, dict):
        raise ControlError("the running lab answered something else than was asked")
    return reply

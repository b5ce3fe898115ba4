"""A listener whose process has no descriptor left when a client comes: a process of its own, since a lab that lived in
the same one would be starved too, and might take the one that is freed.

``python -m tests.maco_net.starved_listener`` prints what the client heard once there was one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import sys
from collections.abc import Iterator

from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from tests.maco_net.pairs import DEADLINE_S


async def _echo(stream: TcpStream) -> None:
    while data := await stream.receive():
        await stream.send(data)


async def _run() -> None:
    warned = asyncio.Event()
    listener = Listener("127.0.0.1", 0)
    with _on_warning("maco_net.listener", warned):
        client = await connect_tcp(*listener.address, timeout_s=DEADLINE_S)
        with _no_descriptors() as one_more:
            async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(_echo)):
                await warned.wait()
                os.close(one_more)
                await client.send(b"heard")
                sys.stdout.write((await client.receive()).decode())
        await client.aclose()


@contextlib.contextmanager
def _on_warning(logger: str, event: asyncio.Event) -> Iterator[None]:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            event.set()

    handler = Handler()
    logging.getLogger(logger).addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger(logger).removeHandler(handler)


@contextlib.contextmanager
def _no_descriptors() -> Iterator[int]:
    """Take every descriptor up to a low limit; yield one that may be closed to free it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    null = os.open(os.devnull, os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (null + 50, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.dup(null))
        yield held.pop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in (*held, null):
            os.close(number)


if __name__ == "__main__":
    asyncio.run(_run())

"""MaCo's API beside MaCo: its port is taken at the start, and the web server is imported when somebody comes.

So an occupied port is told at once, and a lab whose API nobody asks pays nothing for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from collections.abc import AsyncIterator
from contextlib import closing

from maco_client.inbox import Inbox
from maco_client.reach import Reach
from maco_client.tenant import Tenant
from maco_http.loopback import LoopbackSocket
from maco_lab.maco_model import Api
from maco_net.background import in_background
from maco_wire.observation import Address


@contextlib.asynccontextmanager
async def maco_api(
    api: Api, tenant: Tenant, inbox: Inbox, reach: Reach, *, port: int | None = None
) -> AsyncIterator[Address | None]:
    """Serve the API while the block runs, and yield where; None if the lab file switches it off.

    ``port`` takes the place of the lab file's. Raises OSError naming the address when it is in use.
    """
    if not api.serve:
        yield None
        return
    with closing(LoopbackSocket(api.port if port is None else port)) as taken:
        async with in_background(_serve_on_demand(taken.socket, tenant, inbox, reach)):
            yield taken.address


async def _serve_on_demand(listening: socket.socket, tenant: Tenant, inbox: Inbox, reach: Reach) -> None:
    await _somebody_comes(listening)
    loop = asyncio.get_running_loop()
    server = await loop.run_in_executor(None, importlib.import_module, "maco_client.api.server")
    office = importlib.import_module("maco_client.api.office").Office(tenant, inbox, reach)
    async with server.served(office, listening):
        await loop.create_future()  # until it is cancelled


async def _somebody_comes(listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(listening.fileno(), came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(listening.fileno())

"""Clients that do all right: after every fault they must be served as if nothing had happened."""

from __future__ import annotations

import asyncio
import base64

from maco_net.tcp import connect_tcp
from maco_wire.observation import Address
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import CLIENT, DEADLINE_S, GREETING, SECRET, TCP, Landscape, read_all


async def is_served_by_the_chain(lab: Landscape, *, location_id: str = "WERK1") -> None:
    """Dial the echoing back end, and let it echo."""
    dialled = await lab.dial(TCP.virtual_host, TCP.virtual_port, location_id=location_id)
    assert isinstance(dialled.answer, Connected), dialled.events
    assert await dialled.read_exactly(len(GREETING)) == GREETING
    await dialled.stream.send(b"a1 NOOP\r\n")
    await dialled.stream.send_eof()
    assert await dialled.read_all() == b"a1 NOOP\r\n"
    await dialled.stream.aclose()


async def gets_a_token(address: Address) -> None:
    """Ask the token service as RFC 6749, section 4.4.2, says."""
    secret = base64.b64encode(f"{CLIENT.client_id}:{SECRET}".encode()).decode()
    body = "grant_type=client_credentials"
    head = (
        f"POST /oauth/token HTTP/1.1\r\nHost: t\r\nAuthorization: Basic {secret}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    stream = await connect_tcp(*address, timeout_s=DEADLINE_S)
    async with asyncio.timeout(DEADLINE_S):
        await stream.send((head + body).encode())
        answer = await read_all(stream)
    await stream.aclose()
    assert answer.startswith(b"HTTP/1.1 200 "), answer

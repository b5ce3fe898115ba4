"""A SOCKS5 client's messages by hand, for what the client machine would never send."""

from __future__ import annotations

import asyncio

from tests.connector_sim.landscape import (
    DEADLINE_S,
    TCP,
    Landscape,
    read_all,
)

HOST, PORT = TCP.virtual_host, TCP.virtual_port


async def answers(lab: Landscape, *messages: bytes) -> bytes:
    """Send raw messages, one after each answer, and return everything the proxy said until it closed."""
    stream = await lab.raw()
    said = bytearray()
    async with asyncio.timeout(DEADLINE_S):
        for message in messages:
            await stream.send(message)
            said += await stream.receive()
        return bytes(said) + await read_all(stream)


def token_message(token: str, location: bytes = b"V0VSSzE=") -> bytes:
    # facts, section 1.1: 01 + L4 + JWT + l1 + LOC (Base64 of "WERK1" here)
    return b"\x01" + len(token).to_bytes(4, "big") + token.encode() + bytes([len(location)]) + location


def connect_message(host: str = HOST, port: int = PORT) -> bytes:
    return b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big")

"""A SOCKS5 client that sends what it is told, byte for byte, and notes what is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from maco_lab.testing.journal import DEADLINE_S
from maco_lab.testing.lab import Lab
from maco_net.tcp import TcpStream, connect_tcp

METHOD_80 = bytes.fromhex("05 01 80")  # facts, section 1.1, message 1
METHOD_80_TAKEN = bytes.fromhex("05 80")  # message 2
TOKEN_TAKEN = bytes.fromhex("01 00")  # message 4
CONNECTED = bytes.fromhex("05 00")  # message 6 begins with it
LOCATION = b"V0VSSzE="  # Base64 of WERK1: message 3 carries the text, and its length counts the text


@dataclass(frozen=True, slots=True)
class Talk:
    """The answer to each message, and what came behind the last one until the end."""

    answers: tuple[bytes, ...]
    rest: bytes


def token_message(token: str) -> bytes:
    """Return message 3: version, length of the token in four bytes, token, length of the location ID, location ID."""
    raw = token.encode()
    return b"\x01" + len(raw).to_bytes(4, "big") + raw + bytes([len(LOCATION)]) + LOCATION


def talk(lab: Lab, *messages: bytes) -> Talk:
    """Send each message when the one before was answered; the proxy must close behind the last answer."""

    async def run() -> Talk:
        answers = []
        stream = await connect_tcp(*lab.addresses["socks5"], timeout_s=DEADLINE_S)
        try:
            async with asyncio.timeout(DEADLINE_S):
                for message in messages:
                    await stream.send(message)
                    answers.append(await stream.receive())
                return Talk(tuple(answers), await stream.receive())
        finally:
            await stream.aclose()

    return lab.thread.run(run())


def connect_message(host: str, port: int) -> bytes:
    """Return message 5: CONNECT to a host by its name."""
    return bytes.fromhex("05 01 00 03") + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big")


@contextlib.contextmanager
def connection_held(lab: Lab, host: str, port: int) -> Iterator[None]:
    """Keep a connection to a virtual host open while the block runs."""

    async def open_it() -> TcpStream:
        stream = await connect_tcp(*lab.running.cloud.socks5_address, timeout_s=DEADLINE_S)
        async with asyncio.timeout(DEADLINE_S):
            for message in (METHOD_80, token_message(lab.token()), connect_message(host, port)):
                await stream.send(message)
                answer = await stream.receive()
        assert answer[:2] == CONNECTED
        return stream

    stream = lab.thread.run(open_it())
    try:
        yield
    finally:
        lab.thread.run(stream.aclose())

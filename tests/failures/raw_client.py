"""A SOCKS5 client that sends what it is told, byte for byte, and notes what is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from maco_lab.testing.journal import DEADLINE_S
from maco_lab.testing.lab import Lab
from maco_net.tcp import connect_tcp

METHOD_80 = bytes.fromhex("05 01 80")  # facts, section 1.1, message 1
METHOD_80_TAKEN = bytes.fromhex("05 80")  # message 2
TOKEN_TAKEN = bytes.fromhex("01 00")  # message 4
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

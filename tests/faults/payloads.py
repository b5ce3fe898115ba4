"""Payloads that no other stream has, and the running account of what arrives of them."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import dataclass
from typing import Literal, TypeAlias

from maco_net.errors import NetError, PeerReset, PeerTruncated
from maco_net.streams import ByteStream

HowEnded: TypeAlias = Literal["open", "end", "reset", "truncated"]


@dataclass(frozen=True)
class Payload:
    """One direction of one stream: ``size`` random bytes that ``key`` alone decides."""

    key: str
    size: int

    def content(self) -> bytes:
        return random.Random(self.key).randbytes(self.size)


class Tally:
    """What has arrived of a payload: its length and hash, and how it ended."""

    def __init__(self) -> None:
        self.count = 0
        self.ended: HowEnded = "open"
        self._hash = hashlib.sha256()

    def take(self, data: bytes) -> None:
        self.count += len(data)
        self._hash.update(data)

    def is_a_prefix_of(self, payload: Payload) -> bool:
        expected = hashlib.sha256(payload.content()[: self.count])
        return self.count <= payload.size and expected.digest() == self._hash.digest()

    def is_all_of(self, payload: Payload) -> bool:
        return self.count == payload.size and self.is_a_prefix_of(payload)


async def send_in_chunks(stream: ByteStream, content: bytes, rng: random.Random) -> int:
    """Send in chunks of random sizes; return how much was taken before the peer took no more."""
    position = 0
    while position < len(content):
        chunk = content[position : position + rng.choice((1, 100, 1460, 16_384, 70_000, 300_000))]
        try:
            await stream.send(chunk)
        except NetError:
            return position + len(chunk)  # a part of the last chunk may have left
        position += len(chunk)
        await asyncio.sleep(0)
    return position


async def receive_into(stream: ByteStream, tally: Tally, *, at_most: int | None = None, read: int = 64 * 1024) -> None:
    """Read until the end, or until ``at_most`` bytes are here, in reads of ``read`` bytes."""
    try:
        while at_most is None or tally.count < at_most:
            data = await stream.receive(read if at_most is None else min(read, at_most - tally.count))
            if not data:
                tally.ended = "end"
                return
            tally.take(data)
    except PeerReset:
        tally.ended = "reset"
    except PeerTruncated:
        tally.ended = "truncated"

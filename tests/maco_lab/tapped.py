"""Tapped connections without taps: what passes is kept as a tap would keep it."""

from __future__ import annotations

from dataclasses import dataclass, field

from maco_lab.taps.chunk import Hop, TapChunk, TappedConnection
from maco_wire.observation import Address

BEGAN = 1_700_000_000.0
SERVER: Address = ("127.0.0.1", 40143)


def connection(
    number: int = 1,
    hop: Hop = "customer LAN",
    client: Address = ("127.0.0.1", 51234),
    server: Address = SERVER,
    opened_at: float = BEGAN,
) -> TappedConnection:
    return TappedConnection(number, hop, client, server, opened_at)


@dataclass
class TappedWire:
    """One connection and what passed on it, a millisecond between any two pieces."""

    connection: TappedConnection = field(default_factory=connection)
    chunks: list[TapChunk] = field(default_factory=list)

    def passes(self, data: bytes, *, from_client: bool) -> None:
        if data:
            at = self.connection.opened_at + (len(self.chunks) + 1) / 1000
            self.chunks.append(TapChunk(self.connection, from_client, at, data))

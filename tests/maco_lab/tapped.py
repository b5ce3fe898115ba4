"""Tapped connections without taps: two real OpenSSL ends in memory, and every byte between them as a tap keeps it."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass, field

from maco_lab.taps.chunk import Hop, TapChunk, TappedConnection
from maco_wire.observation import Address

ROUNDS = 10  # a handshake takes three flights; more means that neither side moves
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


class TlsOnWire:
    """A TLS session between two ends, from its handshake."""

    def __init__(self, wire: TappedWire, client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
        self._wire = wire
        self._out = {True: ssl.MemoryBIO(), False: ssl.MemoryBIO()}
        self._in = {True: ssl.MemoryBIO(), False: ssl.MemoryBIO()}
        self._ends = {
            True: client.wrap_bio(self._in[True], self._out[True], server_hostname=name),
            False: server.wrap_bio(self._in[False], self._out[False], server_side=True),
        }
        for _ in range(ROUNDS):
            for is_client, end in self._ends.items():
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                self._carry(is_client)
        assert all(end.version() for end in self._ends.values())

    def says(self, text: bytes, *, from_client: bool) -> None:
        """Let one end send and the other read."""
        self._ends[from_client].write(text)
        self._carry(from_client)
        assert self._ends[not from_client].read(len(text)) == text

    def _carry(self, is_client: bool) -> None:
        data = self._out[is_client].read()
        self._wire.passes(data, from_client=is_client)
        self._in[not is_client].write(data)

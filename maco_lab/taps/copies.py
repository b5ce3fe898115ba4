"""What the taps have seen, kept in memory up to a limit: the oldest bytes give way, and that is never hidden.

A tap that lost bytes of a connection can no longer say what was *not* in them; ``Wiretap.incomplete`` names such
connections.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from maco_lab.taps.chunk import HOPS, Hop, TapChunk, TapEnd, TappedConnection
from maco_wire.observation import Address

MAX_BYTES = 32 * 1024 * 1024
"""How many bytes all taps of a lab keep together."""

MAX_CONNECTIONS = 4_096
"""How many connections are remembered; one that is forgotten takes its bytes with it."""

CHUNK_COST = 200
"""What a chunk weighs beside its bytes, so that one byte at a time fills the memory no more than others do."""


@dataclass(frozen=True, slots=True)
class Wiretap:
    """Everything that the taps know at one moment; ``incomplete`` are the numbers of connections that lost bytes."""

    connections: tuple[TappedConnection, ...] = ()
    chunks: tuple[TapChunk, ...] = ()
    incomplete: frozenset[int] = frozenset()
    ends: tuple[TapEnd, ...] = ()
    """How connections ended, as far as they have; in order."""


@dataclass(slots=True)
class Passed:
    """How much has passed on one hop in all; ``lost`` are the bytes of it that are not kept any more."""

    connections: int = 0
    from_client: int = 0
    to_client: int = 0
    lost: int = 0


class Copies:
    """The chunks of all taps in the order in which they passed."""

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_connections = max_connections
        self._clock = clock
        self._numbers = itertools.count(1)
        self._chunks: collections.deque[TapChunk] = collections.deque()
        self._weight = 0
        self._connections: dict[int, TappedConnection] = {}
        self._incomplete: set[int] = set()
        self._ends: dict[int, list[TapEnd]] = {}
        self._passed: dict[Hop, Passed] = {hop: Passed() for hop in HOPS}

    def passed(self, hop: Hop) -> Passed:
        """Return how much has passed on a hop until now."""
        return dataclasses.replace(self._passed[hop])

    def opened(self, hop: Hop, client: Address, server: Address) -> TappedConnection:
        """Return a new connection between two ends; it has a number of its own."""
        connection = TappedConnection(next(self._numbers), hop, client, server, self._clock())
        self._connections[connection.number] = connection
        self._passed[hop].connections += 1
        if len(self._connections) > self._max_connections:
            self._forget(next(iter(self._connections)))
        return connection

    def keep(self, connection: TappedConnection, data: bytes | memoryview, *, from_client: bool) -> None:
        """Keep a copy of bytes that pass now."""
        self._chunks.append(TapChunk(connection, from_client, self._clock(), bytes(data)))
        passed, size = self._passed[connection.hop], len(data)
        if from_client:
            passed.from_client += size
        else:
            passed.to_client += size
        self._weight += size + CHUNK_COST
        while self._weight > self._max_bytes:
            self._drop_oldest()

    def ended(self, connection: TappedConnection, how: Literal["end", "reset"], *, from_client: bool) -> None:
        """Keep how one end has ended; behind a reset there is nothing, and each end ends once in each way."""
        if connection.number not in self._connections:
            return
        met = self._ends.setdefault(connection.number, [])
        if not any(each.how == "reset" or (each.from_client, each.how) == (from_client, how) for each in met):
            met.append(TapEnd(connection, from_client, self._clock(), how))

    def wiretap(self) -> Wiretap:
        """Return what is kept now."""
        chunks = tuple(chunk for chunk in self._chunks if chunk.connection.number in self._connections)
        ends = tuple(end for met in self._ends.values() for end in met)
        return Wiretap(tuple(self._connections.values()), chunks, frozenset(self._incomplete), ends)

    def _drop_oldest(self) -> None:
        oldest = self._chunks.popleft()
        self._weight -= len(oldest.data) + CHUNK_COST
        self._passed[oldest.connection.hop].lost += len(oldest.data)
        if oldest.connection.number in self._connections:
            self._incomplete.add(oldest.connection.number)

    def _forget(self, number: int) -> None:
        """Forget a connection; its bytes are shown no more, and go when their turn comes."""
        del self._connections[number]
        self._ends.pop(number, None)
        self._incomplete.discard(number)

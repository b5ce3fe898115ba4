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


_PER_CONNECTION = 2 * len(HOPS)


def _source(connection: TappedConnection, *, from_client: bool) -> int:
    """Return one number for connection, hop and direction."""
    return connection.number * _PER_CONNECTION + 2 * HOPS.index(connection.hop) + from_client


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
        self._kept: collections.deque[tuple[int, float, bytes]] = collections.deque()
        """What passed: by whom (see ``_source``), when, and the bytes. Plain: the collector passes over them."""
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

    def keeper(self, connection: TappedConnection, *, from_client: bool) -> Callable[[bytes], None]:
        """Return what keeps the bytes of one direction as they pass."""
        append, clock, passed = self._kept.append, self._clock, self._passed[connection.hop]
        source = _source(connection, from_client=from_client)

        def keep(data: bytes) -> None:
            append((source, clock(), data))
            size = len(data)
            if from_client:
                passed.from_client += size
            else:
                passed.to_client += size
            self._weight += size + CHUNK_COST
            while self._weight > self._max_bytes:
                self._drop_oldest()

        return keep

    def ended(self, connection: TappedConnection, how: Literal["end", "reset"], *, from_client: bool) -> None:
        """Keep how one end has ended; behind a reset there is nothing, and each end ends once in each way."""
        if connection.number not in self._connections:
            return
        met = self._ends.setdefault(connection.number, [])
        if not any(each.how == "reset" or (each.from_client, each.how) == (from_client, how) for each in met):
            met.append(TapEnd(connection, from_client, self._clock(), how))

    def wiretap(self) -> Wiretap:
        """Return what is kept now."""
        chunks = tuple(
            TapChunk(connection, bool(source & 1), at, data)
            for source, at, data in self._kept
            if (connection := self._connections.get(source // _PER_CONNECTION)) is not None
        )
        ends = tuple(end for met in self._ends.values() for end in met)
        return Wiretap(tuple(self._connections.values()), chunks, frozenset(self._incomplete), ends)

    def _drop_oldest(self) -> None:
        source, _, data = self._kept.popleft()
        number, which = divmod(source, _PER_CONNECTION)
        self._weight -= len(data) + CHUNK_COST
        self._passed[HOPS[which // 2]].lost += len(data)
        if number in self._connections:
            self._incomplete.add(number)

    def _forget(self, number: int) -> None:
        """Forget a connection; its bytes are shown no more, and go when their turn comes."""
        del self._connections[number]
        self._ends.pop(number, None)
        self._incomplete.discard(number)

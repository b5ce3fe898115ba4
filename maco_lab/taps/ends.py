"""The two ends that a tap stands between, as they would know each other without it.

A tap makes two socket pairs out of one. What the parties report therefore names the tap on one side; ``as_untapped``
puts the other party's own address there, so that the journal, its joins and everything read from it are the same with
taps and without.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from maco_wire.observation import Address, Observation, StreamOpened

REMEMBERED_S = 10.0
"""How long the end of a connection is remembered: parties report it late, and systems use ports again."""

_Pair: TypeAlias = tuple[Address | None, Address | None]
"""(local, peer) as a server sees it."""


class Ends:
    """Knows every tap and every connection through one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._servers: dict[Address | None, Address] = {}
        self._clients: dict[_Pair, Address] = {}
        self._forget_at: dict[_Pair, float] = {}

    def tap(self, listens: Address, server: Address) -> None:
        """Remember that a tap listens in front of a server."""
        self._servers[listens] = server

    def opened(self, listens: Address, client: Address, dialled: tuple[Address, Address]) -> None:
        """Remember a connection; ``dialled`` is the tap's own (local, peer) towards the server."""
        local, server = dialled
        self._servers[listens] = server  # the address itself, where a server listens on all of them
        self._clients[server, local] = client
        self._forget_at.pop((server, local), None)

    def closed(self, dialled: tuple[Address, Address]) -> None:
        """Forget a connection, but not at once."""
        local, server = dialled
        now = self._clock()
        for pair in [pair for pair, at in self._forget_at.items() if at <= now]:
            del self._forget_at[pair]
            self._clients.pop(pair, None)
        self._forget_at[server, local] = now + REMEMBERED_S

    def as_untapped(self, observation: Observation) -> Observation:
        """Return the observation with the other party's address where the tap's stands.

        It is the same one, changed: whoever reports it made it for that alone, and a copy of each would be a
        twelfth of what taps cost a poll.
        """
        change = object.__setattr__  # it is frozen for everybody who is told of it
        peer = self._other_end(observation.local, observation.peer)
        if peer != observation.peer:
            change(observation, "peer", peer)
        if isinstance(observation, StreamOpened) and observation.back_end:
            local, back_end = observation.back_end
            change(observation, "back_end", (local, self._servers.get(back_end, back_end)))
        return observation

    def _other_end(self, local: Address | None, peer: Address | None) -> Address | None:
        if peer in self._servers:
            return self._servers[peer]
        pair = (local, peer)
        client = self._clients.get(pair)
        if client is None or (pair in self._forget_at and self._forget_at[pair] <= self._clock()):
            return peer
        return client

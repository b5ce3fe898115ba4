"""The relays of one party that run now: they belong to no task, so somebody has to end them."""

from __future__ import annotations

import asyncio

from connector_sim.relay import Relay, RelayEnd


class Relays:
    """Start relays, count them, and end them with the party."""

    def __init__(self) -> None:
        self._running: set[Relay] = set()
        self._emptied = asyncio.Event()
        self._forget = self._ended  # one bound method for all of them

    def __len__(self) -> int:
        return len(self._running)

    def start(self, relay: Relay, *, early_to_maco: bytes = b"", early_to_mail_server: bytes = b"") -> None:
        """Start a relay; it is forgotten when it ends."""
        self._running.add(relay)
        relay.start(self._forget, early_to_maco=early_to_maco, early_to_mail_server=early_to_mail_server)

    def _ended(self, relay: Relay, _: RelayEnd) -> None:
        self._running.discard(relay)
        if not self._running:
            self._emptied.set()

    def cut(self) -> None:
        """Reset every connection, because the party shuts down."""
        for relay in tuple(self._running):
            relay.cut()

    async def emptied(self) -> None:
        """Return once no relay runs."""
        while self._running:
            self._emptied.clear()
            await self._emptied.wait()

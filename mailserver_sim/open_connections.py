"""The connections of a server, and a way to wait until the last one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol


class Stoppable(Protocol):
    """A connection that the server can end."""

    def stop(self) -> None:
        """Say goodbye and close."""

    def abort(self) -> None:
        """Close at once."""


class OpenConnections:
    """Every connection of every protocol, while it is open."""

    def __init__(self) -> None:
        self._open: set[Stoppable] = set()
        self._none = asyncio.Event()
        self._none.set()

    def __iter__(self) -> Iterator[Stoppable]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Stoppable) -> None:
        """Take note of a new connection."""
        self._open.add(connection)
        self._none.clear()

    def discard(self, connection: Stoppable) -> None:
        """Take note that a connection is gone; a second time does nothing."""
        self._open.discard(connection)
        if not self._open:
            self._none.set()

    async def all_gone(self, timeout_s: float) -> bool:
        """Wait until there is none, at most ``timeout_s`` seconds, and tell whether that is so."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._none.wait()
        except TimeoutError:
            return False
        return True

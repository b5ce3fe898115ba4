"""Where the configuration of an installation outlives its process: the one small interface, and the store that is none.

An installation is its own truth while it runs; a store is told of every change, and asked once, at the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from connector_sim.admin.records import Change, Record


class StoreError(Exception):
    """A store cannot be used, or cannot save; the text says which and why."""


class Store(Protocol):
    """Keeps records."""

    @property
    def is_durable(self) -> bool:
        """Whether anything is kept at all: where nothing is, nobody need find out what has changed."""

    def write(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Keep all changes or none, in the order of the calls; the future is done once they are on the disk.

        It fails with StoreError if they could not be kept, and so does every later one until ``take_back``: those may
        build on what was lost. Nobody has to wait for the future.
        """

    @property
    def has_failed(self) -> bool:
        """Whether something could not be kept, and was not taken back yet."""

    async def take_back(self) -> tuple[Record, ...]:
        """Return what is kept, and keep changes of that again; what was lost stays lost. Raises StoreError."""


class Memory:
    """Keeps nothing: what runs is all there is."""

    is_durable = False

    def write(self, changes: Sequence[Change]) -> asyncio.Future[None]:  # noqa: ARG002 - nothing is kept
        """See Store."""
        return done()

    @property
    def has_failed(self) -> bool:
        """Never: see Store."""
        return False

    async def take_back(self) -> tuple[Record, ...]:
        """See Store; there is nothing to ask for."""
        return ()


def done() -> asyncio.Future[None]:
    """Return a future that is done."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future

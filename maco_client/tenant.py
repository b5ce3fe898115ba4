"""MaCo while it runs: its configuration, what polls by it, and what the polls came to.

Its rule: a change counts from the next poll on; a poll that runs goes on as it began. Changes are made one at a time,
and where they are kept, each is saved before it acts. The schedule is not kept here: whoever keeps it waits for
``changed`` beside its own clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from maco_client.configuration import EMAIL_CONNECTION, Configuration, Difference, differences, find
from maco_client.key_store import KeyStore
from maco_client.results import PollResult, Progress
from maco_client.settings import EmailConnection
from maco_wire.observation import MacoConfigured, Party, Record


class Polls(Protocol):
    """What polls one e-mail connection."""

    @property
    def progress(self) -> Progress | None:
        """How far a poll that runs has got; None while none runs."""

    async def poll(self) -> PollResult:
        """Poll once."""

    async def aclose(self) -> None:
        """Close what was kept open for the next poll."""


MakeKeyStore = Callable[[Mapping[str, bytes]], KeyStore]
MakePoller = Callable[[EmailConnection, KeyStore], Polls]
Keep = Callable[[Configuration, Sequence[Difference]], Awaitable[None]]
"""Saves a changed configuration, given what has changed since the last one that was saved; raises NotKept."""


@dataclass(slots=True)
class PollStatistics:
    """What the polls of one e-mail connection came to since MaCo runs; times in seconds since the epoch."""

    succeeded: int = 0
    failed: int = 0
    stored: int = 0
    seconds: float = 0.0
    running_since: float | None = None
    last: PollResult | None = None
    last_at: float | None = None
    last_success_at: float | None = None
    running: int = field(default=0, repr=False)

    def begin(self, now: float) -> None:
        """Note that a poll begins."""
        self.running += 1
        self.running_since = self.running_since or now

    def end(self, result: PollResult | None, now: float) -> None:
        """Note that a poll has ended; None if it was broken off."""
        self.running -= 1
        self.running_since = self.running_since if self.running else None
        if result is None:
            return
        self.succeeded += result.succeeded
        self.failed += not result.succeeded
        self.stored += result.stored
        self.seconds += result.duration_ms / 1000
        self.last, self.last_at = result, now
        if result.succeeded:
            self.last_success_at = now


class Tenant:
    """One MaCo tenant."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        make_key_store: MakeKeyStore,
        make_poller: MakePoller,
        record: Record,
        keep: Keep | None = None,
    ) -> None:
        """``make_key_store`` gets DER by alias; ``keep`` has ``configuration`` already.

        Raises ValueError for what is no certificate.
        """
        self._record = record
        self._keep = keep
        self._kept = configuration
        self._changing = asyncio.Lock()
        self._make_key_store = make_key_store
        self._make_poller = make_poller
        self._configuration = configuration
        self._first = configuration
        self._key_store = make_key_store(configuration.key_store)
        self._pollers: Mapping[str, Polls] = {
            each.name: make_poller(each, self._key_store) for each in configuration.connections.values()
        }
        self._polling: dict[str, Polls] = {}
        self._change = asyncio.Event()
        self.statistics: dict[str, PollStatistics] = {}
        """By e-mail connection, of those that have been polled."""

    @property
    def configuration(self) -> Configuration:
        """What holds for the next poll."""
        return self._configuration

    @property
    def key_store(self) -> KeyStore:
        """Whom the next poll trusts."""
        return self._key_store

    async def aclose(self) -> None:
        """Close what is kept open between polls."""
        for poller in self._pollers.values():
            await poller.aclose()

    async def configure(self, configuration: Configuration) -> Configuration:
        """Let another configuration hold from the next poll on; return the one before.

        It is not kept, and neither is what changes it, until the one before holds again.
        """
        async with self._changing:
            before = self._configuration
            await self._let_hold(configuration, *self._made_for(configuration))
        return before

    def _made_for(self, configuration: Configuration) -> tuple[KeyStore, Mapping[str, Polls]]:
        """Return the key store and the pollers of another configuration: what it does not concern stays."""
        before, trust_changed = self._configuration, self._configuration.key_store != configuration.key_store
        key_store = self._make_key_store(configuration.key_store) if trust_changed else self._key_store
        return key_store, {
            name: self._pollers[name]
            if not trust_changed and before.connections.get(name) == connection
            else self._make_poller(connection, key_store)
            for name, connection in configuration.connections.items()
        }

    async def _let_hold(self, configuration: Configuration, key_store: KeyStore, pollers: Mapping[str, Polls]) -> None:
        """Let another configuration hold, and close what no longer polls."""
        retired, self._pollers = self._pollers, pollers
        self._configuration, self._key_store = configuration, key_store
        self.statistics = {name: each for name, each in self.statistics.items() if name in configuration.connections}
        self._change.set()
        self._change = asyncio.Event()
        for name, poller in retired.items():
            if pollers.get(name) is not poller:
                await poller.aclose()

    async def change(self, change: Callable[[Configuration], Configuration]) -> None:
        """Keep a changed configuration, let it hold from the next poll on, and report it.

        What is raised changes nothing: what ``change`` raises, and NotKept.
        """
        async with self._changing:
            before, after = self._configuration, change(self._configuration)
            found, made = differences(before, after), self._made_for(after)
            if self._keep is not None and before is self._kept:
                await self._keep(after, found)
                self._kept = after
            for each in found:
                self._record(MacoConfigured(Party.MACO, each.kind, each.name, each.change))
            await self._let_hold(after, *made)

    async def restore(self) -> None:
        """Let the first configuration hold again, and forget what the polls came to."""
        await self.configure(self._first)
        self.statistics.clear()

    def progress(self, name: str) -> Progress | None:
        """Return how far the poll of an e-mail connection has got; None if none runs."""
        return self._polling[name].progress if name in self._polling else None

    async def changed(self) -> None:
        """Return as soon as the configuration has changed."""
        await self._change.wait()

    async def poll(self, name: str) -> PollResult:
        """Poll an e-mail connection once. Raises UnknownEntry."""
        poller = find(EMAIL_CONNECTION, self._pollers, name)
        statistics = self.statistics.setdefault(name, PollStatistics())
        statistics.begin(time.time())
        self._polling[name] = poller
        result = None
        try:
            result = await poller.poll()
        finally:
            statistics.end(result, time.time())
            if self._pollers.get(name) is not poller:
                await poller.aclose()  # it was replaced meanwhile
        return result

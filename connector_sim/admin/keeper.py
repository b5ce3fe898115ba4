"""Tell a store what a change has changed.

Most of a configuration is small, and is compared with what it was; of mappings, which may be many, their book tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from connector_sim.admin.records import Change, Delete, Key, Put, Record, Replace
from connector_sim.admin.store import Store


class Keeper:
    """Knows what the store has."""

    def __init__(
        self, store: Store, few: Callable[[], Iterable[Record]], changes_of_many: Callable[[], list[Change]]
    ) -> None:
        """``few`` returns what is compared, ``changes_of_many`` what has changed of the rest since it was called."""
        self._store = store
        self._few = few
        self._changes_of_many = changes_of_many
        self._replaced: tuple[Record, ...] | None = None
        self.begin()

    def begin(self) -> None:
        """Take what there is now for what the store has."""
        self._replaced = None
        self._known = self._few_now()
        self._changes_of_many()

    @property
    def has_failed(self) -> bool:
        """Whether the store could not keep something, and was not asked since for what it has."""
        return self._store.has_failed

    async def take_back(self) -> tuple[Record, ...]:
        """Return what the store has, which is to become what there is. Raises StoreError."""
        return await self._store.take_back()

    def replace(self, records: tuple[Record, ...]) -> None:
        """Let the next ``keep`` keep these records and no others."""
        self._replaced = records

    def keep(self) -> asyncio.Future[None]:
        """Hand over what has changed since the last time; the future is done once it is kept."""
        return self._store.write(self._changes())

    def _changes(self) -> list[Change]:
        of_many = self._changes_of_many()
        if not self._store.is_durable:
            return []
        before, self._known = self._known, self._few_now()
        if self._replaced is not None:
            replaced, self._replaced = self._replaced, None
            return [Replace(replaced)]
        gone: list[Change] = [Delete(key) for key in before if key not in self._known]
        changed = [Put(record) for key, record in self._known.items() if before.get(key) != record]
        return [*gone, *changed, *of_many]

    def _few_now(self) -> Mapping[Key, Record]:
        return {record.key: record for record in self._few()} if self._store.is_durable else {}

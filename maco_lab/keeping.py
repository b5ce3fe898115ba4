"""Where the configuration of the Cloud Connectors outlives the lab: begun with the lab file, and its own from then on.

What counts then is what is kept. A part of the lab file that has changed since is told, and how to take it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector_sim.admin.configuration import Configuration
from connector_sim.admin.configuration_records import UnreadableRecords
from connector_sim.admin.installation import Installation
from connector_sim.admin.sqlite_store import Kept, SqliteStore
from connector_sim.admin.store import Memory, StoreError
from maco_lab import lab_model
from maco_lab.lab_configuration import configured

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Keeping:
    """The file of a lab, and who is told what a person should know."""

    path: Path
    tell: Tell


@dataclass(frozen=True, slots=True)
class KeptConnector:
    """What is kept of one Cloud Connector; ``found`` is None the first time."""

    keeping: Keeping
    described: lab_model.CloudConnector
    store: SqliteStore
    found: Kept | None

    def read(self, installation: Installation) -> Configuration | None:
        """Return what is kept; None if nothing is yet. Raises StoreError for what cannot be read."""
        if self.found is None:
            return None
        if self.found.seed != seed_of(self.described):
            self.keeping.tell(
                f"Cloud Connector {self.described.name}: its part of the lab file has changed, but what is kept in "
                f"{self.keeping.path} counts; remove that file to begin with the lab file again"
            )
        try:
            return installation.read(self.found.records)
        except UnreadableRecords as error:
            raise StoreError(f"{self.keeping.path}: Cloud Connector {self.described.name}: {error}") from error


async def begin(installation: Installation, described: lab_model.CloudConnector, kept: KeptConnector | None) -> None:
    """Let an installation be what is kept of it, or what the lab file says, and keep its changes if any are.

    Raises StoreError.
    """
    if kept and (configuration := kept.read(installation)):
        if installation.node:  # which finds out now whether it is the master, and has no tunnels yet
            await installation.node.settled.wait()
        await installation.begin(configuration, kept.store, dials=True)
        return
    configuration = configured(installation.configuration(), described, installation.mappings.now_ms())
    if kept:
        first = functools.partial(kept.store.begin, installation.records(configuration), seed_of(described))
        await asyncio.get_running_loop().run_in_executor(None, first)
    await installation.begin(configuration, kept.store if kept else Memory(), dials=False)


@contextlib.asynccontextmanager
async def kept_connector(
    keeping: Keeping | None, model: lab_model.LabModel, described: lab_model.CloudConnector
) -> AsyncIterator[KeptConnector | None]:
    """Open what is kept of a Cloud Connector; None if nothing is, or nobody administers it. Raises StoreError."""
    if keeping is None or model.administration_of(described) is None:
        yield None
        return
    run = asyncio.get_running_loop().run_in_executor
    store = await run(None, SqliteStore, keeping.path, described.name)
    try:
        yield KeptConnector(keeping, described, store, await run(None, store.read))
    finally:
        await run(None, store.close)


def to_build(kept: KeptConnector | None, described: lab_model.CloudConnector) -> lab_model.CloudConnector:
    """Return a Cloud Connector as it is to be built: bare, if what is kept is to fill it."""
    return described.model_copy(update={"subaccounts": []}) if kept and kept.found else described


def seed_of(described: lab_model.CloudConnector) -> str:
    """Return the digest of that part of a lab file which a configuration begins with."""
    content = described.model_dump_json(include=_SEED)
    passwords = [user.password.get_secret_value() for user in described.administration.users]
    secrets = [described.administration.password.get_secret_value(), *passwords]  # masked in the dump
    return hashlib.sha256(json.dumps([content, secrets]).encode()).hexdigest()


_SEED: Any = {
    "subaccounts": True,
    "back_end_trust_store": True,
    "system_certificate": True,
    "administration": set(lab_model.Administration.model_fields) - {"serve", "host", "port"},
}
"""What of a Cloud Connector is only where it begins; everything else counts as the lab file says, always."""

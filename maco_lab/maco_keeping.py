"""Where MaCo's configuration outlives the lab: begun with the lab file, and its own from then on.

The rule is that of a Cloud Connector (``keeping``): what counts then is what is kept, and a part of the lab file that
has changed since is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from connector_sim.admin.records import Change, Replace
from connector_sim.admin.sqlite_store import SqliteStore
from connector_sim.admin.store import StoreError
from maco_client.configuration import Configuration, Difference
from maco_client.failures import NotKept
from maco_lab.keeping import Keeping
from maco_lab.maco_model import MaCo
from maco_lab.maco_records import MacoRecords, UnreadableRecords
from maco_lab.maco_section import as_data, configuration_of
from maco_lab.pki import LabPki

INSTALLATION = "MaCo"
SEED = ("key_store", "credentials", "email_servers", "email_connections", "sending_connections")
"""What of the section is only where MaCo begins; everything else counts as the lab file says, always."""


class KeptMaco:
    """What is kept of a MaCo; ``section`` is what it is to be now."""

    def __init__(self, section: MaCo, records: MacoRecords, store: SqliteStore) -> None:
        self.section = section
        self._records = records
        self._store = store
        self._knows_file = True
        """Whether the file certainly has what was kept last: not so after a failure, or where nobody waited."""

    async def keep(self, configuration: Configuration, found: Sequence[Difference]) -> None:
        """See Keep: it returns once the change is on the disk."""
        changes: Sequence[Change] = (
            self._records.changes(configuration, found)
            if self._knows_file
            else [Replace(tuple(self._records.records(configuration)))]
        )
        self._knows_file = False
        try:
            if self._store.has_failed:
                await self._store.take_back()
            await self._store.write(changes)
        except StoreError as error:
            raise NotKept(str(error)) from error
        self._knows_file = True


@contextlib.asynccontextmanager
async def kept_maco(keeping: Keeping | None, path: Path, written: MaCo, pki: LabPki) -> AsyncIterator[KeptMaco | None]:
    """Open what is kept of MaCo in ``path``, or begin it with the section ``written``; None if nothing is kept.

    Raises StoreError, CertificateFileError.
    """
    if keeping is None:
        yield None
        return
    run = asyncio.get_running_loop().run_in_executor
    store = await run(None, SqliteStore, path, INSTALLATION)
    try:
        records = MacoRecords(written, pki)
        section = await run(None, functools.partial(_begun, store, records, written, pki, keeping))
        yield KeptMaco(section, records, store)
    finally:
        await run(None, store.close)


def _begun(store: SqliteStore, records: MacoRecords, written: MaCo, pki: LabPki, keeping: Keeping) -> MaCo:
    found, seed = store.read(), seed_of(written)
    if found is None:
        store.begin(records.records(configuration_of(written, pki)), seed)
        return written
    if found.seed != seed:
        keeping.tell(
            f"MaCo: its part of the lab file has changed, but what is kept in {store.path} counts; remove that file to "
            "begin with the lab file again"
        )
    try:
        return records.section(found.records)
    except UnreadableRecords as error:
        raise StoreError(f"{store.path}: {error}") from error


def seed_of(written: MaCo) -> str:
    """Return the digest of that part of a lab file which a configuration begins with."""
    data = as_data(written, defaults=True)
    return hashlib.sha256(json.dumps([data[name] for name in SEED]).encode()).hexdigest()

"""Keep configurations in one SQLite file: a transaction for the changes of each request, on the disk before its answer.

The file holds passwords and private keys, and is readable for its owner alone. One thread writes; changes that arrive
while a commit is on its way to the disk share the next one. Several processes may have the file open, each for an
installation of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from connector_sim.admin.records import Change, Delete, DeleteAll, Put, Record, Replace
from connector_sim.admin.store import StoreError, done

SCHEMA_VERSION = 1
APPLICATION_ID = 0x53434346  # "SCCF": what the first bytes of a file say of whose it is
BUSY_TIMEOUT_S = 10.0

# STRICT: a value of another type is an error. Places are never used again, so a record that is new is the last one.
_TABLES = """
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    seed TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE record (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    installation TEXT NOT NULL REFERENCES installation (name),
    kind TEXT NOT NULL,
    subaccount TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (installation, kind, subaccount, name)
) STRICT;
"""
_PUT = """
INSERT INTO record (installation, kind, subaccount, name, content) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (installation, kind, subaccount, name) DO UPDATE SET content = excluded.content
"""
_DELETE = "DELETE FROM record WHERE installation = ? AND kind = ? AND subaccount = ? AND name = ?"
_DELETE_ALL = "DELETE FROM record WHERE installation = ? AND kind = ? AND subaccount = ?"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file has of an installation."""

    records: tuple[Record, ...]
    seed: str
    """The digest of what it was begun with."""


class SqliteStore:
    """The records of one installation in a file. Every call but ``write`` blocks for some milliseconds."""

    is_durable = True

    def __init__(self, path: Path, installation: str) -> None:
        """Open the file, or make it. Raises StoreError."""
        self.path = path
        self._installation = installation
        self._waiting: deque[tuple[Sequence[Change], asyncio.Future[None]]] = deque()
        self._failure: StoreError | None = None
        """Why something could not be saved, until it was taken back."""
        self._connection = _connect(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="configuration-writer")

    def read(self) -> Kept | None:
        """Return what is kept, in the order in which it was; None before ``begin``. Raises StoreError."""
        with _told(self.path):
            found = self._connection.execute("SELECT seed FROM installation WHERE name = ?", (self._installation,))
            if (seed := found.fetchone()) is None:
                return None
            rows = self._connection.execute(
                "SELECT kind, name, content, subaccount FROM record WHERE installation = ? ORDER BY place",
                (self._installation,),
            )
            records = tuple(Record(str(kind), name, json.loads(content), at) for kind, name, content, at in rows)
            return Kept(records, str(seed[0]))

    def begin(self, records: Iterable[Record], seed: str) -> None:
        """Keep these records of an installation that is new here; ``seed`` is a digest of where they are from.

        Raises StoreError.
        """
        with _told(self.path), _transaction(self._connection):
            self._connection.execute("INSERT INTO installation VALUES (?, ?)", (self._installation, seed))
            self._apply(Replace(tuple(records)))

    def write(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """See Store."""
        if not changes:
            return done()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_looked_at)
        self._waiting.append((changes, future))
        try:
            self._thread.submit(self._drain)
        except RuntimeError:
            self._waiting.pop()
            future.set_exception(StoreError(f"{self.path}: is closed"))
        return future

    @property
    def has_failed(self) -> bool:
        """See Store."""
        return self._failure is not None

    async def take_back(self) -> tuple[Record, ...]:
        """See Store."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._taken_back)
        except RuntimeError as error:
            raise StoreError(f"{self.path}: is closed") from error

    def _taken_back(self) -> tuple[Record, ...]:
        """Do it in the writing thread: behind every change that was handed over before."""
        kept = self.read()
        if kept is None:
            raise StoreError(f"{self.path}: has nothing of {self._installation}")
        self._failure = None
        return kept.records

    def close(self) -> None:
        """Finish what is waiting, then close the file; waits for the thread."""
        self._thread.shutdown(wait=True)
        self._connection.close()

    def _drain(self) -> None:
        jobs = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not jobs:
            return  # an earlier turn took what this one was meant for
        if self._failure is None:
            self._save([change for changes, _ in jobs for change in changes])
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it all who waited
            futures = [future for _, future in jobs]
            futures[0].get_loop().call_soon_threadsafe(_resolve, futures, self._failure)

    def _save(self, changes: Iterable[Change]) -> None:
        try:
            with _told(self.path), _transaction(self._connection):
                for change in changes:
                    self._apply(change)
        except StoreError as error:
            _log.error("%s", error)
            self._failure = error

    def _apply(self, change: Change) -> None:
        execute, ours = self._connection.execute, self._installation
        match change:
            case Put(record):
                execute(_PUT, self._row(record))
            case Delete(key):
                execute(_DELETE, (ours, *key))
            case DeleteAll(kind, subaccount):
                execute(_DELETE_ALL, (ours, kind, subaccount))
            case Replace(records):
                execute("DELETE FROM record WHERE installation = ?", (ours,))
                self._connection.executemany(_PUT, map(self._row, records))

    def _row(self, record: Record) -> tuple[str, ...]:
        content = json.dumps(record.content, ensure_ascii=False, separators=(",", ":"))
        return self._installation, record.kind, record.subaccount, record.name, content


def make_file(path: Path) -> None:
    """Make the file if it is not there: before several processes open it at once. Raises StoreError."""
    _connect(path).close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file that is ours, and make the tables of one that is new. Raises StoreError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # before SQLite makes it for everybody
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    try:
        with _told(path):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # with WAL, "NORMAL" would lose the last commits with the power
    with _transaction(connection):  # two processes may be the first
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path}: was written by a newer version of maco-lab (schema {version}, this one knows "
                f"{SCHEMA_VERSION}): use that version, or another folder"
            )
        if version == 0:
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
                raise StoreError(f"{path}: is a database of another program")
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite says, and content that is none, into StoreError."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise StoreError(f"{path}: {error}") from error


def _resolve(futures: Sequence[asyncio.Future[None]], error: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


def _looked_at(future: asyncio.Future[None]) -> None:
    """Say to asyncio that an error is known: it was logged, and nobody may wait for it."""
    if not future.cancelled():
        future.exception()

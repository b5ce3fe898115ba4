"""MaCo's inbox: every mail it has taken over, durably and once.

One rule: a mail's identity is server, user, folder, UIDVALIDITY and UID (RFC 3501, section 2.3.1.1: together they "MUST
refer to a single message"), and SQLite keeps it unique; POP3's unique-ids get numbers for UIDs. ``store`` returns after
the commit has reached the disk; only then may the mails be touched on the server. One thread does all writing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from maco_client.arrival import Arrival, examine
from maco_client.failures import InboxError, PollLocked
from maco_client.inbox_tables import archiving, locks, mails, unique_ids
from maco_client.inbox_tables.archiving import ArchiveStep
from maco_client.inbox_tables.locks import LockPlace, PollLock
from maco_client.inbox_tables.mails import InboxMail, Mailbox, Stored
from maco_client.inbox_tables.schema import body_pieces, prepare, transaction
from maco_client.spool import HEAD_BYTES, Spool

BUSY_TIMEOUT_S = 5.0
EXAMINED_AT_ONCE = 64 * 1024
"""Bytes of a mail that the event loop may read: well under the milliseconds that another connection would notice."""
_EVERYTHING = ("archiving", "body", "mail", "unique_id")

_T = TypeVar("_T")


class Inbox:
    """The inbox in the SQLite file ``path``; raises InboxError if the file is of a newer schema or no inbox."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="maco-inbox")
        self._waiting: dict[LockPlace, asyncio.Lock] = {}
        try:
            self._database = self._writer.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._writer.shutdown()
            raise InboxError(f"{path}: {error}") from error
        except InboxError:
            self._writer.shutdown()
            raise

    def close(self) -> None:
        """Finish what is being written, then close."""
        self._writer.submit(self._database.close)
        self._writer.shutdown()

    def new_spool(self) -> Spool:
        """Return an empty spool for one mail; close it in any case."""
        return Spool(self._path.parent, self._writer)

    def begin_examining(self, uid: int, spool: Spool) -> asyncio.Future[Arrival]:
        """Read a fetched mail for what it says of itself, while others are still on their way.

        A small one at once: handing it to the thread, and two threads at work, would take longer than reading it.
        """
        loop = asyncio.get_running_loop()
        if spool.size > EXAMINED_AT_ONCE:
            return loop.run_in_executor(self._writer, examine, uid, spool)
        examined = loop.create_future()
        examined.set_result(examine(uid, spool))
        return examined

    async def examine(self, spools: Mapping[int, Spool]) -> list[Arrival]:
        """Read fetched mails, by UID, for what they say of themselves."""
        return await self._write(lambda: [examine(uid, spool) for uid, spool in spools.items()])

    async def known(self, mailbox: Mailbox, uids: Sequence[int]) -> dict[int, InboxMail]:
        """Return those of ``uids`` that are in the inbox."""
        return await self._write(lambda: mails.select_known(self._database, mailbox, uids))

    async def unfinished(self, mailbox: Mailbox) -> list[int]:
        """Return the UIDs of stored mails whose post-processing was cut short."""
        return await self._write(lambda: mails.select_unfinished(self._database, mailbox))

    async def store(self, mailbox: Mailbox, arrivals: Sequence[Arrival], *, connection: str) -> list[Stored]:
        """Commit all of these mails or none, and return each with True if it is new, False if it was there before."""
        stored_at = datetime.now(UTC).isoformat(timespec="seconds")

        def insert() -> list[Stored]:
            with transaction(self._database):
                return [
                    mails.insert(self._database, mailbox, each, connection=connection, stored_at=stored_at)
                    for each in arrivals
                ]

        return await self._write(insert)

    async def mark_post_processed(self, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Remember that mails were dealt with on the server."""
        await self._commit(lambda: mails.mark_post_processed(self._database, mailbox, uids))

    async def listed(self, mailbox: Mailbox, unique_ids_now: Collection[str]) -> dict[str, int]:
        """Return the UIDs of those unique-ids of a maildrop that are known; every other that was is gone."""
        return await self._commit(lambda: unique_ids.select_listed(self._database, mailbox, unique_ids_now))

    async def number(self, mailbox: Mailbox, new: Sequence[str]) -> dict[str, int]:
        """Give UIDs to unique-ids that are not known yet."""
        return await self._commit(lambda: unique_ids.assign(self._database, mailbox, new))

    async def mark_removed(self, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Remember that mails were dealt with and are gone from a maildrop: their unique-ids may come again."""

        def mark() -> None:
            mails.mark_post_processed(self._database, mailbox, uids)
            unique_ids.remove(self._database, mailbox, uids)

        await self._commit(mark)

    async def archive_steps(self, mail_ids: Sequence[int]) -> dict[int, ArchiveStep]:
        """Return how far the archiving of these mails has come, where it was begun."""
        return await self._write(lambda: archiving.select_steps(self._database, mail_ids))

    async def save_archive_steps(self, steps: Iterable[ArchiveStep]) -> None:
        """Remember how far the archiving of mails has come."""
        await self._commit(lambda: archiving.save_steps(self._database, steps))

    async def claimed_copies(self, mailbox: Mailbox, folder: str, uid_validity: int, uids: Sequence[int]) -> set[int]:
        """Return those of ``uids`` in an archive folder that are known to be the copies of mails."""
        server, user = mailbox.server, mailbox.user
        return await self._write(
            lambda: archiving.select_claimed(self._database, server, user, folder, uid_validity, uids)
        )

    async def digest(self, mail_id: int) -> bytes:
        """Return the SHA-256 of a stored mail."""
        query = "SELECT digest FROM mail WHERE id = ?"
        (digest,) = await self._write(lambda: self._database.execute(query, (mail_id,)).fetchone())
        raw: bytes = digest
        return raw

    async def clear(self) -> None:
        """Forget every mail; what is on a server is then fetched again."""

        def delete() -> None:
            for table in _EVERYTHING:
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - constants only

        await self._commit(delete)

    @contextlib.asynccontextmanager
    async def poll_lock(self, place: LockPlace, seconds: float) -> AsyncIterator[str]:
        """Hold CPI's lock for the block, at most for ``seconds``; yields what ``holds`` wants to know.

        Waits for a poll of this process; raises PollLocked while another process polls.
        """
        token = uuid.uuid4().hex
        async with self._waiting.setdefault(place, asyncio.Lock()):
            in_the_way = await self._commit(
                lambda: locks.take(self._database, place, token, now=time.time(), seconds=seconds)
            )
            if in_the_way is not None:
                raise PollLocked(in_the_way.holder, in_the_way.created_at, in_the_way.expires_at)
            try:
                yield token
            finally:
                await self._commit(lambda: locks.give_back(self._database, token))

    async def holds(self, token: str) -> bool:
        """Tell whether a lock has neither expired nor been released by hand."""
        return await self._write(lambda: locks.is_held(self._database, token, now=time.time()))

    async def release(self, place: LockPlace) -> bool:
        """Release a lock by hand, as in CPI under Manage Locks; False if there is none."""
        return await self._commit(lambda: locks.release(self._database, place))

    def locks(self) -> list[PollLock]:
        """Return every lock that is held, the newest first. May be called from any thread."""
        with self._reading() as database:
            return locks.select_all(database, now=time.time())

    def mails(self, connection: str | None = None) -> list[InboxMail]:
        """Return all mails, or those of one e-mail connection, oldest first. May be called from any thread."""
        where, values = ("connection = ?", (connection,)) if connection is not None else ("1", ())
        with self._reading() as database:
            return [
                mails.mail_of(row) for row in database.execute(f"{mails.COLUMNS} WHERE {where} ORDER BY id", values)
            ]

    def raw(self, mail_id: int) -> bytes:
        """Return a mail as it was received; raises KeyError. May be called from any thread."""
        with self._reading() as database:
            if database.execute("SELECT 1 FROM body WHERE mail = ?", (mail_id,)).fetchone() is None:
                raise KeyError(mail_id)
            return b"".join(body_pieces(database, mail_id))

    def head(self, mail_id: int) -> bytes:
        """Return the beginning of a mail, for its header; raises KeyError. May be called from any thread."""
        with self._reading() as database:
            row = database.execute(
                "SELECT substr(raw, 1, ?) FROM body WHERE mail = ?", (HEAD_BYTES, mail_id)
            ).fetchone()
        if row is None:
            raise KeyError(mail_id)
        head: bytes = row[0]
        return head

    async def _commit(self, work: Callable[[], _T]) -> _T:
        def in_transaction() -> _T:
            with transaction(self._database):
                return work()

        return await self._write(in_transaction)

    async def _write(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work)
        except sqlite3.Error as error:
            raise InboxError(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            prepare(database, self._path)
        except BaseException:
            database.close()
            raise
        return database

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as database:
            yield database

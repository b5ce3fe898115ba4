"""The store as the protocols use it: every call returns a future of the running asyncio loop.

Writing goes through one thread and is committed before its future resolves; reading has a thread and a connection of
its own (in memory it takes turns with the writing) and sees what is committed. Whoever has a mailbox open is told of
changes in the order of their commits.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mailserver_sim.store import mailboxes, messages, quota
from mailserver_sim.store.discarding import reclaim
from mailserver_sim.store.errors import StoreError, StoreInUse
from mailserver_sim.store.schema import connect
from mailserver_sim.store.table import MessageTable
from mailserver_sim.store.values import (
    MEMORY,
    Change,
    Content,
    Copied,
    Flagged,
    FlagMode,
    Flags,
    Listener,
    MailboxInfo,
    MailboxStatus,
    MessageInfo,
    NewMessage,
    Overview,
    Quota,
    Stored,
    Usage,
    Written,
)
from mailserver_sim.store.writer import GroupCommitWriter

ResultT = TypeVar("ResultT")


class Store:
    """One SQLite file, open in this process and in no other, or ``MEMORY``."""

    def __init__(self, path: Path, users: Iterable[str], quotas: quota.Quotas = quota.NO_QUOTAS) -> None:
        """Prepare; nothing is opened before ``open``."""
        self.path = path
        self._users = tuple(users)
        self._quotas = quotas
        self._listeners: dict[int, list[Listener]] = {}
        self._lock_file = -1
        self._writer: GroupCommitWriter | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._reading: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or create the file and the users' accounts; blocks for some milliseconds.

        Raises StoreInUse, StoreTooNew, StoreError.
        """
        if self.path == MEMORY:
            self._writer = GroupCommitWriter(self._connect(), self._announce)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = _lock(self.path)
        try:
            connection = self._connect()
            self._reading = connect(self.path)
        except BaseException:
            os.close(self._lock_file)
            raise
        self._writer = GroupCommitWriter(connection, self._announce)
        self._writer.tidy(reclaim)  # what a process before this one has left
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail-store-reader")

    def _connect(self) -> sqlite3.Connection:
        """Return the writing connection; every user has an account."""
        connection = connect(self.path)
        connection.execute("BEGIN IMMEDIATE")
        mailboxes.ensure_accounts(connection, self._users)
        connection.execute("COMMIT")
        return connection

    def close(self) -> None:
        """Commit what is waiting, close the file and let others have it; waits for both threads."""
        writer, reader, reading = self._writer, self._reader, self._reading
        self._writer = self._reader = self._reading = None
        if writer is None:
            return
        if reader is not None and reading is not None:
            reader.shutdown(wait=True)
            reading.close()
        writer.close()
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    @property
    def commits(self) -> int:
        """How many commits there were since ``open``."""
        return self._open_writer().commits

    def watch(self, mailbox_id: int, listener: Listener) -> None:
        """Tell ``listener`` of every change of a mailbox, until ``unwatch``."""
        self._listeners.setdefault(mailbox_id, []).append(listener)

    def unwatch(self, mailbox_id: int, listener: Listener) -> None:
        """Stop telling ``listener``."""
        listeners = self._listeners.get(mailbox_id, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(mailbox_id, None)

    def read(self, work: Callable[[sqlite3.Connection], ResultT]) -> asyncio.Future[ResultT]:
        """Run ``work`` on the reading connection, in the reading thread."""
        if self._reader is None or self._reading is None:
            return self._open_writer().read(work)
        return asyncio.get_running_loop().run_in_executor(self._reader, work, self._reading)

    def find_mailbox(self, user: str, name: str) -> asyncio.Future[MailboxInfo]:
        """Return a mailbox that can be opened. Raises NoSuchMailbox."""
        return self.read(lambda connection: mailboxes.find_mailbox(connection, user, name))

    def overview(self, mailbox: MailboxInfo) -> asyncio.Future[Overview]:
        """Return what a mailbox is now, without a look at its messages. Raises NoSuchMailbox when it is gone."""
        return self.read(lambda connection: mailboxes.overview(connection, mailbox))

    def list_mailboxes(self, user: str) -> asyncio.Future[list[MailboxInfo]]:
        """Return all mailboxes of a user, by name."""
        return self.read(lambda connection: mailboxes.list_mailboxes(connection, user))

    def subscriptions(self, user: str) -> asyncio.Future[list[str]]:
        """Return the names that the user has subscribed to."""
        return self.read(lambda connection: mailboxes.subscriptions(connection, user))

    def status(self, user: str, name: str) -> asyncio.Future[MailboxStatus]:
        """Count the messages of a mailbox. Raises NoSuchMailbox."""
        return self.read(lambda connection: mailboxes.status(connection, user, name))

    def list_messages(self, mailbox_id: int) -> asyncio.Future[list[MessageInfo]]:
        """Return all messages of a mailbox in the order of their UIDs."""
        return self.read(lambda connection: messages.list_messages(connection, mailbox_id))

    def message_table(self, mailbox_id: int) -> asyncio.Future[MessageTable]:
        """Return what ``list_messages`` does, packed."""
        return self.read(lambda connection: messages.message_table(connection, mailbox_id))

    def read_infos(self, mailbox_id: int, uids: Iterable[int]) -> asyncio.Future[list[MessageInfo]]:
        """Return what is known of several messages, without those that are gone."""
        chosen = tuple(uids)
        return self.read(lambda connection: messages.read_infos(connection, mailbox_id, chosen))

    def read_content(self, mailbox_id: int, uid: int) -> asyncio.Future[Content | None]:
        """Return the bytes of one message; None when it is gone."""
        return self.read(lambda connection: messages.read_content(connection, mailbox_id, uid))

    def read_contents(self, mailbox_id: int, uids: Iterable[int]) -> asyncio.Future[dict[int, Content]]:
        """Return the bytes of several messages by UID, without those that are gone."""
        chosen = tuple(uids)
        return self.read(lambda connection: messages.read_contents(connection, mailbox_id, chosen))

    def append(
        self, user: str, mailbox: str, raw: bytes, flags: Flags, internal_date: dt.datetime
    ) -> asyncio.Future[Stored]:
        """Add one message to a mailbox. Raises NoSuchMailbox, OverQuota."""
        return self._write(
            lambda connection: messages.append(connection, user, mailbox, raw, flags, internal_date, self._quotas)
        )

    def append_all(self, user: str, mailbox: str, new: Iterable[NewMessage]) -> asyncio.Future[tuple[Stored, ...]]:
        """Add messages to a mailbox, all or none. Raises NoSuchMailbox, OverQuota."""
        added = tuple(new)
        return self._write(lambda connection: messages.append_all(connection, user, mailbox, added, self._quotas))

    def deliver(
        self, users: Iterable[str], raw: bytes, internal_date: dt.datetime
    ) -> asyncio.Future[tuple[Stored, ...]]:
        """Add one message to the INBOX of every user, to all or to none. Raises NoSuchAccount, OverQuota."""
        to = tuple(users)
        return self._write(lambda connection: messages.deliver(connection, to, raw, internal_date, self._quotas))

    def copy(self, mailbox_id: int, uids: Iterable[int], user: str, target: str) -> asyncio.Future[Copied]:
        """Copy messages with their flags and dates. Raises NoSuchMailbox, OverQuota; then nothing is copied."""
        chosen = tuple(uids)
        return self._write(lambda connection: messages.copy(connection, mailbox_id, chosen, user, target, self._quotas))

    def move(self, mailbox_id: int, uids: Iterable[int], user: str, target: str) -> asyncio.Future[Copied]:
        """Move messages with their flags and dates. Raises NoSuchMailbox; then nothing is moved."""
        chosen = tuple(uids)
        return self._write(lambda connection: messages.move(connection, mailbox_id, chosen, user, target))

    def quota_of(self, user: str) -> Quota:
        """Return what an account may hold."""
        return self._quotas.get(user, Quota(None, None))

    def usage(self, user: str) -> asyncio.Future[Usage]:
        """Return what an account holds."""
        return self.read(lambda connection: quota.usage(connection, user))

    def change_flags(
        self,
        mailbox_id: int,
        uids: Iterable[int],
        mode: FlagMode,
        flags: Flags,
        origin: object = None,
        unchanged_since: int | None = None,
    ) -> asyncio.Future[Flagged]:
        """Change the flags of messages; with ``unchanged_since``, of those without a change behind that MODSEQ."""
        chosen = tuple(uids)
        return self._write(
            lambda connection: messages.change_flags(
                connection, mailbox_id, chosen, mode, flags, origin, unchanged_since
            )
        )

    def expunge(self, mailbox_id: int, uids: frozenset[int] | None = None) -> asyncio.Future[tuple[int, ...]]:
        r"""Remove the messages flagged ``\Deleted``, of ``uids`` only if given, and return their UIDs."""
        return self._write(lambda connection: messages.expunge(connection, mailbox_id, uids))

    def remove(self, mailbox_id: int, uids: Iterable[int]) -> asyncio.Future[tuple[int, ...]]:
        """Remove messages whatever their flags, and return the UIDs of those that were there."""
        chosen = tuple(uids)
        return self._write(lambda connection: messages.remove(connection, mailbox_id, chosen))

    def claim_recent(self, mailbox_id: int) -> asyncio.Future[None]:
        """Note that one session has now been told of all messages of a mailbox."""
        return self._write(lambda connection: mailboxes.claim_recent(connection, mailbox_id))

    def create_mailbox(self, user: str, name: str) -> asyncio.Future[None]:
        """Create a mailbox and the parents it lacks. Raises MailboxExists, MailboxCannot, MailboxLimit."""
        return self._write(lambda connection: mailboxes.create(connection, user, name))

    def delete_mailbox(self, user: str, name: str) -> asyncio.Future[None]:
        """Delete a mailbox. Raises NoSuchMailbox, MailboxCannot."""
        return self._write(lambda connection: mailboxes.delete(connection, user, name))

    def rename_mailbox(self, user: str, old: str, new: str) -> asyncio.Future[None]:
        """Rename a mailbox and its children. Raises NoSuchMailbox, MailboxExists, MailboxCannot, MailboxLimit."""
        return self._write(lambda connection: mailboxes.rename(connection, user, old, new))

    def clear(self) -> asyncio.Future[None]:
        """Remove every message and mailbox; the users have an empty INBOX again."""
        cleared = self._write(lambda connection: mailboxes.clear(connection, self._users))
        self._open_writer().tidy(reclaim)
        return cleared

    def subscribe(self, user: str, name: str) -> asyncio.Future[None]:
        """Add a name to the list of LSUB. Raises MailboxLimit."""
        return self._write(lambda connection: mailboxes.subscribe(connection, user, name))

    def unsubscribe(self, user: str, name: str) -> asyncio.Future[None]:
        """Take a name from the list of LSUB."""
        return self._write(lambda connection: mailboxes.unsubscribe(connection, user, name))

    def _write(self, work: Callable[[sqlite3.Connection], Written[ResultT]]) -> asyncio.Future[ResultT]:
        return self._open_writer().write(work)

    def _open_writer(self) -> GroupCommitWriter:
        if self._writer is None:
            raise StoreError("the mail store is closed")
        return self._writer

    def _announce(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            for listener in tuple(self._listeners.get(change.mailbox_id, ())):
                listener(change)


def _lock(path: Path) -> int:
    """Take the lock beside the file; the system lets go of it when the process ends, however it ends."""
    lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock_file)
        raise StoreInUse(path) from error
    return lock_file

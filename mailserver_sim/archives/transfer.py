"""From an archive into a user's mailboxes and back, with as much in memory as a few mails need.

Files are read and written in threads, so that the loop goes on; each mail is stored as it is, byte by byte.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mailserver_sim.archives import eml, maildir, mbox
from mailserver_sim.archives.values import (
    ArchivedFolder,
    ArchivedMail,
    ArchiveError,
    ArchiveWriter,
    Item,
    Kind,
)
from mailserver_sim.settings import MAX_MESSAGE_BYTES
from mailserver_sim.store.errors import MailboxError, MailboxExists
from mailserver_sim.store.store import Store
from mailserver_sim.store.table import MessageTable
from mailserver_sim.store.values import INBOX, MailboxInfo

MOST_AT_ONCE = 128
"""How many mails are read and then stored in one commit."""
MOST_BYTES_AT_ONCE = 4 * 1024 * 1024
"""No further mail joins them once they have so many bytes."""

Counts: TypeAlias = dict[str, int]
"""How many mails went through, by mailbox."""


def detect(path: Path) -> Kind:
    """Tell what an archive is. Raises ArchiveError."""
    if path.is_file():
        return Kind.MBOX
    if not path.is_dir():
        raise ArchiveError(path, "there is no such file or folder")
    if maildir.is_maildir(path):
        return Kind.MAILDIR
    if eml.is_folder_of_eml(path):
        return Kind.EML
    if mbox.files_in(path):
        return Kind.MBOX
    raise ArchiveError(path, "is no Maildir (cur and new), and holds neither mbox files nor .eml files")


def read_archive(path: Path, max_bytes: int = MAX_MESSAGE_BYTES) -> Iterator[Item]:
    """Go through an archive of any kind. Raises ArchiveError."""
    try:
        match detect(path):
            case Kind.MAILDIR:
                yield from maildir.read(path, max_bytes)
            case Kind.MBOX:
                yield from mbox.read(path, max_bytes)
            case Kind.EML:
                yield from eml.read(path, max_bytes)
    except OSError as error:
        raise ArchiveError(Path(error.filename or path), error.strerror or str(error)) from error


async def import_archive(store: Store, user: str, path: Path, *, max_bytes: int = MAX_MESSAGE_BYTES) -> Counts:
    """Add every mail of an archive to the mailboxes of ``user``, which are made as needed.

    Raises ArchiveError; what came before the broken place has been added by then.
    """
    items = read_archive(path, max_bytes)
    counts: Counts = {}
    folder = ArchivedFolder(INBOX, path)
    portion = await asyncio.to_thread(_take, items)
    while portion.items:
        mails: list[ArchivedMail] = []
        for item in portion.items:
            if isinstance(item, ArchivedMail):
                mails.append(item)
                continue
            await _store(store, user, folder, mails, counts)
            mails, folder = [], item
            await _make_mailbox(store, user, folder)
            counts.setdefault(folder.name, 0)
        await _store(store, user, folder, mails, counts)
        if portion.error is not None:
            break
        portion = await asyncio.to_thread(_take, items)
    if portion.error is not None:
        raise portion.error
    return counts


@dataclass(frozen=True, slots=True)
class _Portion:
    """The next items, few enough to be held in memory, and what is wrong behind them; no items at the end."""

    items: list[Item]
    error: ArchiveError | None = None


def _take(items: Iterator[Item]) -> _Portion:
    taken: list[Item] = []
    size = 0
    try:
        for item in items:
            taken.append(item)
            size += len(item.raw) if isinstance(item, ArchivedMail) else 0
            if len(taken) >= MOST_AT_ONCE or size >= MOST_BYTES_AT_ONCE:
                break
    except ArchiveError as error:
        return _Portion(taken, error)
    return _Portion(taken)


async def _make_mailbox(store: Store, user: str, folder: ArchivedFolder) -> None:
    try:
        with contextlib.suppress(MailboxExists):
            await store.create_mailbox(user, folder.name)
    except MailboxError as error:
        raise ArchiveError(folder.path, f"cannot become the mailbox {folder.name!r}: {error}") from error


async def _store(
    store: Store, user: str, folder: ArchivedFolder, mails: Sequence[ArchivedMail], counts: Counts
) -> None:
    if mails:
        await asyncio.gather(*(store.append(user, folder.name, each.raw, each.flags, each.date) for each in mails))
        counts[folder.name] += len(mails)


async def export_archive(store: Store, user: str, path: Path, kind: Kind) -> Counts:
    """Write every mail of ``user`` into the new or empty folder ``path``. Raises ArchiveError."""
    await asyncio.to_thread(_require_empty, path)
    writer = _writer(path, kind)
    counts: Counts = {}
    for mailbox in await store.list_mailboxes(user):
        if mailbox.selectable:
            try:
                counts[mailbox.name] = await _export_mailbox(store, mailbox, writer)
            except OSError as error:
                raise ArchiveError(Path(error.filename or path), error.strerror or str(error)) from error
    return counts


def _writer(path: Path, kind: Kind) -> ArchiveWriter:
    match kind:
        case Kind.MAILDIR:
            return maildir.MaildirWriter(path)
        case Kind.MBOX:
            return mbox.MboxWriter(path)
        case Kind.EML:
            return eml.EmlWriter(path)


def _require_empty(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise ArchiveError(path, "is not empty: give a new folder")
    except OSError as error:
        raise ArchiveError(path, error.strerror or str(error)) from error


async def _export_mailbox(store: Store, mailbox: MailboxInfo, writer: ArchiveWriter) -> int:
    table = await store.message_table(mailbox.id)
    count = 0
    await asyncio.to_thread(writer.begin, mailbox.name)
    try:
        for uids in _portions(table):
            contents = await store.read_contents(mailbox.id, uids)
            infos = [table[uid] for uid in uids if uid in contents]
            mails = [ArchivedMail(contents[info.uid].raw, info.flags, info.internal_date) for info in infos]
            await asyncio.to_thread(writer.add, mails)
            count += len(mails)
    finally:
        await asyncio.to_thread(writer.end)
    return count


def _portions(table: MessageTable) -> Iterator[list[int]]:
    """Divide the messages into portions that can be held in memory."""
    portion: list[int] = []
    size = 0
    for uid in table.uids():
        portion.append(uid)
        size += table[uid].size
        if len(portion) >= MOST_AT_ONCE or size >= MOST_BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion

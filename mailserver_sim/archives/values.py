"""What is in an archive: folders, and mails with their flags and dates; and what is wrong with a broken one."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import unquote

from mailserver_sim.store.errors import StoreError
from mailserver_sim.store.values import DELIMITER, Flags

# A leading dot hides a file, two of them lead out of the folder, and a suffix means something to other programs.
_UNSAFE = re.compile(r":|^\.|\.(?=sbd$)")


class Kind(enum.StrEnum):
    """The formats."""

    MAILDIR = "maildir"
    MBOX = "mbox"
    EML = "eml"


class ArchiveError(StoreError):
    """Input that is broken, or a target that cannot be written: ``place`` says where in the file ``path``."""

    def __init__(self, path: Path, text: str, place: str = "") -> None:
        super().__init__(f"{path}: {place}: {text}" if place else f"{path}: {text}")
        self.path = path
        self.place = place


@dataclass(frozen=True, slots=True)
class ArchivedFolder:
    """A folder by the name of its mailbox; the mails that follow are in it."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class ArchivedMail:
    """One mail with its bytes as they are in the archive."""

    raw: bytes = field(repr=False)
    flags: Flags
    date: dt.datetime


Item: TypeAlias = ArchivedFolder | ArchivedMail


class ArchiveWriter(Protocol):
    """Whatever writes one format."""

    def begin(self, folder: str) -> None:
        """Begin a folder by the name of its mailbox."""

    def add(self, mails: Iterable[ArchivedMail]) -> None:
        """Add mails to the folder."""

    def end(self) -> None:
        """Finish the folder."""


def file_names(mailbox: str) -> list[str]:
    """Return a name for each level of a mailbox that no file system takes for something else."""
    return [_UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", part) for part in mailbox.split(DELIMITER)]


def mailbox_of(names: Iterable[str]) -> str:
    """Return the mailbox that ``file_names`` wrote so."""
    return DELIMITER.join(unquote(name) for name in names)


def read_whole(path: Path, max_bytes: int) -> bytes:
    """Return a file that holds one mail. Raises ArchiveError."""
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise ArchiveError(path, error.strerror or str(error)) from error
    if not raw:
        raise ArchiveError(path, "is empty")
    if len(raw) > max_bytes:
        raise ArchiveError(path, f"is a mail of more than {max_bytes} bytes")
    return raw


def modified(path: Path) -> dt.datetime:
    """Return when a file was written last: in Maildir, and for want of anything else, the date of its mail."""
    return dt.datetime.fromtimestamp(int(path.stat().st_mtime), dt.UTC)

"""Folders of ``.eml`` files, one mail each.

The folder itself is INBOX, and so is one in it that is called INBOX; others are mailboxes by their path. Flags and
dates are in ``mails.jsonl`` beside the files, one object a line with ``file``, ``flags`` and ``date``; a mail without
a line there has no flags, and the date of its file.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mailserver_sim.archives.values import (
    ArchivedFolder,
    ArchivedMail,
    ArchiveError,
    Item,
    file_names,
    mailbox_of,
    modified,
    read_whole,
)
from mailserver_sim.store.values import INBOX, Flags

SUFFIX = ".eml"
NOTES = "mails.jsonl"


def is_folder_of_eml(path: Path) -> bool:
    """Tell whether there is a mail in a folder or below."""
    return next(path.rglob(f"*{SUFFIX}"), None) is not None


def read(path: Path, max_bytes: int) -> Iterator[Item]:
    """Go through a folder and those in it. Raises ArchiveError."""
    folders = [path, *sorted(each for each in path.rglob("*") if each.is_dir())]
    for folder in folders:
        files = sorted(folder.glob(f"*{SUFFIX}"))
        if files or (folder / NOTES).exists():
            yield ArchivedFolder(mailbox_of(folder.relative_to(path).parts) or INBOX, folder)
            notes = _read_notes(folder / NOTES)
            for file in files:
                flags, date = notes.get(file.name) or (frozenset(), modified(file))
                yield ArchivedMail(read_whole(file, max_bytes), flags, date)


def _read_notes(path: Path) -> dict[str, tuple[Flags, dt.datetime]]:
    if not path.exists():
        return {}
    notes = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            name, flags, date = _note(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(
                path, "an object with file, flags and date (with its zone) was expected", f"line {number}"
            ) from error
        notes[name] = (flags, date)
    return notes


def _note(note: Any) -> tuple[str, Flags, dt.datetime]:
    date = dt.datetime.fromisoformat(note["date"])
    if date.tzinfo is None or not all(isinstance(flag, str) for flag in note["flags"]):
        raise ValueError
    return note["file"], frozenset(note["flags"]), date


class EmlWriter:
    """Write a folder for each mailbox."""

    def __init__(self, path: Path) -> None:
        self._root = self._path = path
        self._count = 0

    def begin(self, folder: str) -> None:
        """Make the folder."""
        self._path = self._root.joinpath(*file_names(folder))
        self._path.mkdir(parents=True, exist_ok=True)
        (self._path / NOTES).touch()
        self._count = 0

    def add(self, mails: Iterable[ArchivedMail]) -> None:
        """Write a file for each mail, and a line about it."""
        with (self._path / NOTES).open("a", encoding="utf-8") as notes:
            for mail in mails:
                self._count += 1
                name = f"{self._count:08d}{SUFFIX}"
                (self._path / name).write_bytes(mail.raw)
                note = {"file": name, "flags": sorted(mail.flags), "date": mail.date.isoformat()}
                notes.write(json.dumps(note) + "\n")

    def end(self) -> None:
        """Do nothing: everything is written."""

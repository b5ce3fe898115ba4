"""Maildir and Maildir++ (https://cr.yp.to/proto/maildir.html; sub-folders and keywords as Dovecot has them).

The folder itself is INBOX, ``.Archiv.2026`` in it the mailbox Archiv/2026, in modified UTF-7. The date of a mail is
that of its file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mailserver_sim.archives.values import ArchivedFolder, ArchivedMail, ArchiveError, Item, modified, read_whole
from mailserver_sim.imap.tokens import CommandSyntaxError
from mailserver_sim.imap.wire import modified_utf7, parse_mailbox_name
from mailserver_sim.store.values import DELIMITER, INBOX, Flags

KEYWORDS = "dovecot-keywords"
"""A file of lines ``0 $Done``: the keyword that the letter ``a`` stands for, and so on."""
MOST_KEYWORDS = 26
_INFO = ":2,"
_LETTERS = {
    "D": "\\Draft",
    "F": "\\Flagged",
    "P": "$Forwarded",
    "R": "\\Answered",
    "S": "\\Seen",
    "T": "\\Deleted",
}
_BY_FLAG = {flag: letter for letter, flag in _LETTERS.items()}
_SEPARATOR = "."
_ESCAPED_SEPARATOR = "&AC4-"
"""A dot within a name, in modified UTF-7."""


def is_maildir(path: Path) -> bool:
    """Tell whether a folder is one."""
    return (path / "cur").is_dir() and (path / "new").is_dir()


def read(path: Path, max_bytes: int) -> Iterator[Item]:
    """Go through a Maildir and its sub-folders. Raises ArchiveError."""
    yield from _folder(path, INBOX, max_bytes)
    for folder in sorted(path.glob(".*")):
        if is_maildir(folder):
            yield from _folder(folder, _mailbox(folder), max_bytes)


def _folder(path: Path, name: str, max_bytes: int) -> Iterator[Item]:
    yield ArchivedFolder(name, path)
    keywords = _read_keywords(path / KEYWORDS)
    files = [each for part in ("cur", "new") for each in (path / part).iterdir() if not each.name.startswith(".")]
    for file in sorted(files, key=lambda each: each.name):
        letters = file.name.rpartition(_INFO)[2] if _INFO in file.name else ""
        yield ArchivedMail(read_whole(file, max_bytes), _flags(letters, keywords), modified(file))


def _flags(letters: str, keywords: dict[str, str]) -> Flags:
    """Return what the letters stand for; unknown ones are another program's affair."""
    known = {**_LETTERS, **keywords}
    return frozenset(known[letter] for letter in letters if letter in known)


def _read_keywords(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    keywords = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        index, space, keyword = line.decode("utf-8", "replace").partition(" ")
        if not (space and keyword and index.isascii() and index.isdigit() and int(index) < MOST_KEYWORDS):
            raise ArchiveError(path, "a number up to 25 and a keyword were expected", f"line {number}")
        keywords[chr(ord("a") + int(index))] = keyword
    return keywords


def _mailbox(path: Path) -> str:
    try:
        parts = [parse_mailbox_name(part.encode()) for part in path.name[1:].split(_SEPARATOR)]
    except CommandSyntaxError as error:
        raise ArchiveError(path, error.text) from error
    return DELIMITER.join(parts)


class MaildirWriter:
    """Write one; the names of the files keep the order of the mails."""

    def __init__(self, path: Path) -> None:
        self._root = self._path = path
        self._keywords: dict[str, str] = {}
        self._count = 0

    def begin(self, folder: str) -> None:
        """Make the three folders."""
        self._path = self._root if folder == INBOX else self._root / _folder_name(folder)
        self._keywords = {}
        for part in ("cur", "new", "tmp"):
            (self._path / part).mkdir(parents=True)
        if self._path != self._root:
            (self._path / "maildirfolder").touch()  # Maildir++: a sub-folder, and no Maildir of its own

    def add(self, mails: Iterable[ArchivedMail]) -> None:
        """Write a file for each mail."""
        for mail in mails:
            self._count += 1
            seconds = int(mail.date.timestamp())
            letters = "".join(sorted(self._letter(flag) for flag in sorted(mail.flags)))
            file = self._path / "cur" / f"{self._count:010d}.maco-lab{_INFO}{letters}"
            file.write_bytes(mail.raw)
            os.utime(file, (seconds, seconds))

    def end(self) -> None:
        """Write what the letters of keywords stand for."""
        if self._keywords:
            lines = [f"{index} {keyword}\n" for index, keyword in enumerate(self._keywords)]
            (self._path / KEYWORDS).write_text("".join(lines), encoding="utf-8")

    def _letter(self, flag: str) -> str:
        if flag in _BY_FLAG:
            return _BY_FLAG[flag]
        letter = self._keywords.setdefault(flag, chr(ord("a") + len(self._keywords)))
        if len(self._keywords) > MOST_KEYWORDS:
            raise ArchiveError(self._path, f"a Maildir has at most {MOST_KEYWORDS} keywords in a folder")
        return letter


def _folder_name(mailbox: str) -> str:
    parts = [modified_utf7(part).replace(_SEPARATOR, _ESCAPED_SEPARATOR) for part in mailbox.split(DELIMITER)]
    return _SEPARATOR + _SEPARATOR.join(parts)

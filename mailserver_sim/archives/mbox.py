"""mbox in its variant mboxrd, and what comes near it (RFC 4155; qmail's mbox(5) for the quoting).

A mail begins with a line ``From SENDER DATE`` behind an empty line and ends with an empty line; lines of its own that
look so have a ``>`` more in the file. Flags are in the fields Status, X-Status and X-Keywords. Written they stand
before the mail's own header and are taken away again when the file is read; where another program has put them they
belong to the mail's bytes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mailserver_sim.archives.values import ArchivedFolder, ArchivedMail, ArchiveError, Item, file_names, mailbox_of
from mailserver_sim.headers import header_fields, split_header
from mailserver_sim.store.values import INBOX, Flags

SUFFIX = ".mbox"
_FOLDER_SUFFIX = ".sbd"
"""Thunderbird's folders of sub-folders."""
_EMPTY_LINES = (b"\n", b"\r\n")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FROM = re.compile(
    rb"From .*?[A-Z][a-z]{2},? ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d)(?::(\d\d))?"
    rb"(?: [A-Z]{3,4})?(?: [+-]\d{4})? (\d{4})(?: ([+-])(\d\d)(\d\d))?\s*\Z"
)
_TO_QUOTE = re.compile(rb"^(>*From )", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_OURS = re.compile(rb"Status: [^\r\n]*\r?\nX-Status: [^\r\n]*\r?\nX-Keywords: [^\r\n]*\r?\n")
_STATUS = {"R": "\\Seen"}
_X_STATUS = {"A": "\\Answered", "F": "\\Flagged", "D": "\\Deleted", "T": "\\Draft"}
_LETTERS = {"status": _STATUS, "x-status": _X_STATUS}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def files_in(path: Path) -> list[Path]:
    """Return the mbox files below a folder."""
    return [each for each in sorted(path.rglob("*")) if each.is_file() and _looks_like_mbox(each)]


def _looks_like_mbox(path: Path) -> bool:
    if path.suffix == SUFFIX:
        return True
    with path.open("rb") as file:
        return _FROM.match(file.readline(1024)) is not None


def read(path: Path, max_bytes: int) -> Iterator[Item]:
    """Go through a file, which becomes INBOX, or through all files below a folder. Raises ArchiveError."""
    if path.is_file():
        yield ArchivedFolder(INBOX, path)
        yield from read_file(path, max_bytes)
        return
    for file in files_in(path):
        names = [name.removesuffix(_FOLDER_SUFFIX) for name in file.relative_to(path).parts]
        yield ArchivedFolder(mailbox_of([*names[:-1], names[-1].removesuffix(SUFFIX)]), file)
        yield from read_file(file, max_bytes)


def read_file(path: Path, max_bytes: int) -> Iterator[ArchivedMail]:
    """Go through the mails of one file. Raises ArchiveError."""
    with path.open("rb") as file:
        first = file.readline(max_bytes)
        while first:
            start = file.tell() - len(first)
            found = _FROM.match(first)
            if found is None:
                raise ArchiveError(path, "a line of the form 'From SENDER DATE' was expected", f"byte {start}")
            raw, first = _body(file, path, start, max_bytes)
            yield _mail(raw, _date(found, path, start))


def _body(file: BinaryIO, path: Path, start: int, max_bytes: int) -> tuple[bytes, bytes]:
    """Return the mail's bytes, and the line that begins the next one; no line at the end of the file."""
    collected = bytearray()
    line = last = b""
    while line := file.readline(max_bytes):
        if last in _EMPTY_LINES and _FROM.match(line):
            break
        last = line
        collected += line
        if len(collected) > max_bytes:
            raise ArchiveError(path, f"a mail of more than {max_bytes} bytes", f"byte {start}")
    if last in _EMPTY_LINES:
        del collected[-len(last) :]
    return _QUOTED.sub(rb"\1", bytes(collected)), line


def _mail(raw: bytes, date: dt.datetime) -> ArchivedMail:
    ours = _OURS.match(raw)
    if ours is None:
        return ArchivedMail(raw, _flags(split_header(raw)[0]), date)
    return ArchivedMail(raw[ours.end() :], _flags(ours[0]), date)


def _flags(header: bytes) -> Flags:
    flags: set[str] = set()
    for field in header_fields(header):
        value = field.value.decode("ascii", "replace")
        if field.name == "x-keywords":
            flags.update(value.split())
        letters = _LETTERS.get(field.name, {})
        flags.update(letters[letter] for letter in value if letter in letters)
    return frozenset(flags)


def _date(found: re.Match[bytes], path: Path, start: int) -> dt.datetime:
    month, day, hour, minute, second, year, sign, zone_hours, zone_minutes = (
        each.decode("ascii") if each else "" for each in found.groups()
    )
    offset = dt.timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    zone = dt.timezone(-offset if sign == "-" else offset)
    try:
        return dt.datetime(
            int(year),
            _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            min(int(second or 0), 59),
            tzinfo=zone,
        )
    except ValueError as error:
        raise ArchiveError(path, f"no such date: {error}", f"byte {start}") from error


class MboxWriter:
    """Write a file for each mailbox, ``Archiv/2026.mbox``."""

    def __init__(self, path: Path) -> None:
        self._root = path
        self._file: BinaryIO | None = None

    def begin(self, folder: str) -> None:
        """Open the file of a mailbox."""
        path = self._root.joinpath(*file_names(folder))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.with_name(path.name + SUFFIX).open("xb")

    def add(self, mails: Iterable[ArchivedMail]) -> None:
        """Write mails behind those that are there."""
        assert self._file is not None  # begin comes first
        for mail in mails:
            self._file.write(_written(mail))

    def end(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _written(mail: ArchivedMail) -> bytes:
    """Return a mail as it stands in a file; one whose last line has no end gets one, which the format needs."""
    line_end = b"\r\n" if b"\r\n" in mail.raw[:1024] else b"\n"
    raw = mail.raw if mail.raw.endswith(b"\n") else mail.raw + line_end
    day, date = _WEEKDAYS[mail.date.weekday()], mail.date
    from_line = f"From maco-lab {day} {_MONTHS[date.month - 1]} {date.day:2d} {date:%H:%M:%S} {date.year:04d} {date:%z}"
    fields = [f"Status: {_letters(mail.flags, _STATUS)}O", f"X-Status: {_letters(mail.flags, _X_STATUS)}"]
    known = {*_STATUS.values(), *_X_STATUS.values()}
    fields.append("X-Keywords: " + " ".join(sorted(mail.flags - known)))
    ours = b"".join(field.encode("ascii", "replace") + line_end for field in [from_line, *fields])
    return ours + _TO_QUOTE.sub(rb">\1", raw) + line_end


def _letters(flags: Flags, letters: dict[str, str]) -> str:
    return "".join(letter for letter, flag in letters.items() if flag in flags)

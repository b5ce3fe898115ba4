from __future__ import annotations

import datetime as dt
import mailbox
from email.message import Message
from pathlib import Path

import pytest

from mailserver_sim.archives.mbox import read, read_file
from mailserver_sim.archives.values import ArchivedFolder, ArchiveError

LIMIT = 1000
FROM = b"From a@nb.example Tue Nov  3 12:00:00 2026\n"
NOON = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.UTC)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_what_the_standard_library_writes_is_read(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(3):
        message = mailbox.mboxMessage(Message())
        message["Subject"] = str(number)
        message.set_payload("From me\n\nFrom you\n")
        message.set_flags("RAF" if number else "")
        box.add(message)
    box.close()
    found = list(read_file(tmp_path / "box", LIMIT))
    assert [mail.flags for mail in found] == [set(), *[{"\\Seen", "\\Answered", "\\Flagged"}] * 2]
    assert [b"\n\nFrom me\n\nFrom you\n" in mail.raw for mail in found] == [True] * 3


def test_the_bytes_between_two_from_lines_are_a_mail(tmp_path: Path) -> None:
    content = FROM + b"Subject: 1\n\nbody\n>From x\n>>From y\n\n" + FROM + b"Subject: 2\n\n\n"
    found = list(read_file(write(tmp_path / "box", content), LIMIT))
    assert [mail.raw for mail in found] == [b"Subject: 1\n\nbody\nFrom x\n>From y\n", b"Subject: 2\n\n"]


def test_a_last_mail_without_an_empty_line_is_whole(tmp_path: Path) -> None:
    (mail,) = read_file(write(tmp_path / "box", FROM + b"Subject: 1\n\nbody"), LIMIT)
    assert mail.raw == b"Subject: 1\n\nbody"


def test_a_line_of_a_mail_that_only_begins_with_from_begins_no_mail(tmp_path: Path) -> None:
    (mail,) = read_file(write(tmp_path / "box", FROM + b"Subject: 1\n\nx\n\nFrom here on, all is well\n"), LIMIT)
    assert mail.raw.endswith(b"From here on, all is well\n")


@pytest.mark.parametrize(
    ("line", "date"),
    [
        (b"From a Tue Nov  3 12:00:00 2026\n", NOON),
        (b"From a@b  Tue Nov 03 12:00 2026\r\n", NOON),
        (b"From a Tue Nov  3 13:00:00 2026 +0100\n", NOON),
        (b"From a Tue Nov  3 12:00:00 UTC 2026\n", NOON),
        (b"From - Tue Nov 3 12:00:00 2026\n", NOON),
        (b'From "a b" Tue Nov  3 07:00:00 2026 -0500\n', NOON),
    ],
)
def test_the_date_of_a_mail_is_in_its_from_line(tmp_path: Path, line: bytes, date: dt.datetime) -> None:
    (mail,) = read_file(write(tmp_path / "box", line + b"Subject: 1\n\n\n"), LIMIT)
    assert mail.date == date


def test_flags_of_another_program_stay_in_the_bytes(tmp_path: Path) -> None:
    (mail,) = read_file(write(tmp_path / "box", FROM + b"Subject: 1\nStatus: RO\nX-Status: F\n\nx\n\n"), LIMIT)
    assert mail.flags == {"\\Seen", "\\Flagged"}
    assert mail.raw == b"Subject: 1\nStatus: RO\nX-Status: F\n\nx\n"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"Subject: 1\n\n", "byte 0: a line of the form 'From SENDER DATE' was expected"),
        (FROM + b"Subject: 1\n\n\n" + FROM + b"x" * (LIMIT + 1), "byte 56: a mail of more than 1000 bytes"),
        (b"From a Tue Foo  3 12:00:00 2026\n\n", "byte 0: no such date"),
        (b"From a Tue Nov 31 12:00:00 2026\n\n", "byte 0: no such date"),
    ],
)
def test_broken_input_is_named_with_its_place(tmp_path: Path, content: bytes, place: str) -> None:
    path = write(tmp_path / "box", content)
    with pytest.raises(ArchiveError, match=f"{path}: {place}"):
        list(read_file(path, LIMIT))


def test_an_empty_file_is_an_empty_mailbox(tmp_path: Path) -> None:
    assert list(read_file(write(tmp_path / "box", b""), LIMIT)) == []


def test_files_below_a_folder_are_mailboxes(tmp_path: Path) -> None:
    (tmp_path / "Archiv.sbd").mkdir()
    write(tmp_path / "INBOX", FROM)
    write(tmp_path / "INBOX.msf", b"an index")
    write(tmp_path / "Archiv.mbox", b"")
    write(tmp_path / "Archiv.sbd" / "2026", FROM)
    names = [item.name for item in read(tmp_path, LIMIT) if isinstance(item, ArchivedFolder)]
    assert sorted(names) == ["Archiv", "Archiv/2026", "INBOX"]

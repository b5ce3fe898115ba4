from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailserver_sim.archives.eml import NOTES, read
from mailserver_sim.archives.values import ArchivedFolder, ArchivedMail, ArchiveError
from tests.mailserver_sim.archives.test_transfer import AWKWARD, DATE

LIMIT = 1000


def test_a_file_alone_is_a_mail_of_its_time_without_flags(tmp_path: Path) -> None:
    file = tmp_path / "MSCONS.eml"
    file.write_bytes(AWKWARD[0])
    os.utime(file, (DATE.timestamp(), DATE.timestamp()))
    assert list(read(tmp_path, LIMIT)) == [
        ArchivedFolder("INBOX", tmp_path),
        ArchivedMail(AWKWARD[0], frozenset(), DATE),
    ]


def test_folders_are_mailboxes_by_their_path(tmp_path: Path) -> None:
    for name in ("Archiv/2026", "INBOX", "no mail"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "Archiv" / "2026" / "1.eml").write_bytes(b"x")
    (tmp_path / "INBOX" / "1.eml").write_bytes(b"x")
    (tmp_path / "no mail" / "readme.txt").write_bytes(b"x")
    names = [item.name for item in read(tmp_path, LIMIT) if isinstance(item, ArchivedFolder)]
    assert names == ["Archiv/2026", "INBOX"]


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", '{"file": "1.eml"}', '{"file": "1.eml", "flags": [1], "date": "2026-11-03T12:00:00+00:00"}',
     '{"file": "1.eml", "flags": [], "date": "2026-11-03T12:00:00"}'],
)  # fmt: skip
def test_a_broken_note_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    good = '{"file": "1.eml", "flags": [], "date": "2026-11-03T12:00:00+00:00"}'
    (tmp_path / NOTES).write_text(f"{good}\n{line}\n")
    with pytest.raises(ArchiveError, match=f"{NOTES}: line 2: "):
        list(read(tmp_path, LIMIT))


def test_a_mail_that_is_too_large_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(ArchiveError, match=r"1\.eml: is a mail of more than 1000 bytes"):
        list(read(tmp_path, LIMIT))

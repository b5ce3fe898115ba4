from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailserver_sim.archives.maildir import MOST_KEYWORDS, MaildirWriter, read
from mailserver_sim.archives.values import ArchivedFolder, ArchivedMail, ArchiveError, Item
from tests.mailserver_sim.archives.test_transfer import AWKWARD, DATE

LIMIT = 1000


def make(folder: Path) -> Path:
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True)
    return folder


def mails(items: list[Item]) -> list[ArchivedMail]:
    return [item for item in items if isinstance(item, ArchivedMail)]


def test_the_letters_of_a_name_are_flags(tmp_path: Path) -> None:
    # https://cr.yp.to/proto/maildir.html: "P" (passed), "R" (replied), "S" (seen), "T" (trashed), "D", "F"
    make(tmp_path)
    (tmp_path / "dovecot-keywords").write_text("0 $Done\n3 later\n")
    (tmp_path / "cur" / "1.a:2,DFPRSTadz").write_bytes(b"x")
    (tmp_path / "new" / "2.b").write_bytes(b"y")
    first, second = mails(list(read(tmp_path, LIMIT)))
    assert first.flags == {
        "\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted", "$Done", "later",
    }  # fmt: skip
    assert second.flags == frozenset()


def test_the_time_of_a_file_is_the_date_of_its_mail(tmp_path: Path) -> None:
    file = make(tmp_path) / "cur" / "1.a:2,S"
    file.write_bytes(b"x")
    os.utime(file, (DATE.timestamp(), DATE.timestamp()))
    (mail,) = mails(list(read(tmp_path, LIMIT)))
    assert mail.date == DATE


def test_sub_folders_are_mailboxes(tmp_path: Path) -> None:
    make(tmp_path)
    for name in (".Archiv", ".Archiv.2026", ".Entw&APw-rfe"):
        make(tmp_path / name)
    (tmp_path / ".notmail").mkdir()
    names = [item.name for item in read(tmp_path, LIMIT) if isinstance(item, ArchivedFolder)]
    assert names == ["INBOX", "Archiv", "Archiv/2026", "Entwürfe"]


@pytest.mark.parametrize(
    ("path", "content", "error"),
    [
        ("cur/1.a:2,S", b"", r"cur/1\.a:2,S: is empty"),
        ("cur/1.a:2,S", b"x" * (LIMIT + 1), r"cur/1\.a:2,S: is a mail of more than 1000 bytes"),
        ("dovecot-keywords", b"0 $Done\nx y\n", "dovecot-keywords: line 2: "),
        ("dovecot-keywords", b"26 $Done\n", "dovecot-keywords: line 1: "),
        (".&!-/cur", None, r"\.&!-: The mailbox name is not valid modified UTF-7"),
    ],
)
def test_broken_input_is_named_with_its_place(tmp_path: Path, path: str, content: bytes | None, error: str) -> None:
    make(tmp_path)
    if content is None:
        make((tmp_path / path).parent)
    else:
        (tmp_path / path).write_bytes(content)
    with pytest.raises(ArchiveError, match=error):
        list(read(tmp_path, LIMIT))


def test_more_keywords_than_letters_are_not_lost_silently(tmp_path: Path) -> None:
    writer = MaildirWriter(tmp_path)
    writer.begin("INBOX")
    keywords = frozenset(f"k{number}" for number in range(MOST_KEYWORDS + 1))
    with pytest.raises(ArchiveError, match="at most 26 keywords"):
        writer.add([ArchivedMail(AWKWARD[0], keywords, DATE)])

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailserver_sim.archives import transfer
from mailserver_sim.archives.transfer import detect, export_archive, import_archive, read_archive
from mailserver_sim.archives.values import ArchivedMail, ArchiveError, Kind
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, MEMORY, Flags

ZONE = dt.timezone(dt.timedelta(hours=-5))
DATE = dt.datetime(2026, 11, 3, 23, 30, tzinfo=ZONE)
SEEN: Flags = frozenset({"\\Seen"})
EVERY_FLAG: Flags = frozenset({"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Done", "$Forwarded"})

AWKWARD = [
    b"Subject: crlf\r\n\r\nbody\r\n",
    b"Subject: lf\n\nbody\n",
    b"Subject: from\r\n\r\nFrom here on\r\n>From there\r\n\r\nFrom x Tue Nov  3 12:00:00 2026\r\n",
    b"Subject: ends with empty lines\n\nbody\n\n\n",
    b"Status: RO\nX-Status: A\nX-Keywords: own\nSubject: fields of another program\n\nbody\n",
    b"Subject: bytes\r\n\r\n\x00\xff\xfe\r\r\n.\r\n",
    b"Subject: mixed\n\nbody\r\n",
    b"\r\nno header\r\n",
    b"Subject: no body\r\n\r\n",
]
MAILBOXES = [INBOX, "Archiv", "Archiv/2026", "Entwürfe", "a.b", "..", ".hidden/.x", "x.sbd", "50:", "x/y.mbox"]

Found = dict[str, list[tuple[bytes, Flags, dt.datetime]]]


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store(MEMORY, ["a", "b"])
    opened.open()
    yield opened
    opened.close()


async def everything(store: Store, user: str) -> Found:
    found: Found = {}
    for mailbox in await store.list_mailboxes(user):
        infos = await store.list_messages(mailbox.id)
        contents = await store.read_contents(mailbox.id, [info.uid for info in infos])
        found[mailbox.name] = [(contents[info.uid].raw, info.flags, info.internal_date) for info in infos]
    return found


@pytest.mark.parametrize("kind", Kind)
async def test_what_is_exported_comes_back_with_flags_dates_and_the_same_bytes(
    store: Store, tmp_path: Path, kind: Kind
) -> None:
    for name in MAILBOXES[1:]:
        await store.create_mailbox("a", name)
    for number, raw in enumerate(AWKWARD):
        await store.append("a", INBOX, raw, SEEN if number % 2 else frozenset(), DATE)
    for name in MAILBOXES[1:]:
        await store.append("a", name, b"Subject: " + name.encode() + b"\r\n\r\n", EVERY_FLAG, DATE)

    exported = await export_archive(store, "a", tmp_path / "out", kind)
    assert detect(tmp_path / "out") is kind
    assert await import_archive(store, "b", tmp_path / "out") == exported
    assert exported[INBOX] == len(AWKWARD)
    before, after = await everything(store, "a"), await everything(store, "b")
    assert after.keys() == before.keys()
    for name, mails in before.items():
        assert after[name] == mails, name


async def test_mbox_and_eml_keep_the_zone_of_a_date(store: Store, tmp_path: Path) -> None:
    await store.append("a", INBOX, AWKWARD[0], SEEN, DATE)
    for kind in (Kind.MBOX, Kind.EML):
        await export_archive(store, "a", tmp_path / kind, kind)
        (mail,) = [each for each in read_archive(tmp_path / kind) if isinstance(each, ArchivedMail)]
        assert mail.date.utcoffset() == DATE.utcoffset()


async def test_more_mails_than_are_read_at_once_keep_their_order(store: Store, tmp_path: Path) -> None:
    count = transfer.MOST_AT_ONCE * 2 + 5
    for number in range(count):
        await store.append("a", INBOX, b"Subject: %d\r\n\r\n" % number, SEEN, DATE)
    for kind in Kind:
        await export_archive(store, "a", tmp_path / kind, kind)
        subjects = [each.raw for each in read_archive(tmp_path / kind) if isinstance(each, ArchivedMail)]
        assert subjects == [b"Subject: %d\r\n\r\n" % number for number in range(count)]


async def test_few_bytes_are_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES_AT_ONCE", 100)
    items = iter([ArchivedMail(b"x" * 60, SEEN, DATE)] * 5)
    assert [len(transfer._take(items).items) for _ in range(4)] == [2, 2, 1, 0]


async def test_an_import_adds_to_what_is_there(store: Store, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(AWKWARD[0])
    await store.append("b", INBOX, AWKWARD[1], SEEN, DATE)
    assert await import_archive(store, "b", tmp_path) == {INBOX: 1}
    assert [raw for raw, _, _ in (await everything(store, "b"))[INBOX]] == [AWKWARD[1], AWKWARD[0]]


async def test_an_export_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(ArchiveError, match=f"{tmp_path}: is not empty"):
        await export_archive(store, "a", tmp_path, Kind.MBOX)


async def test_a_failed_import_keeps_what_came_before_the_broken_place(store: Store, tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(AWKWARD[0])
    (tmp_path / "2.eml").touch()
    with pytest.raises(ArchiveError, match=r"2\.eml: is empty"):
        await import_archive(store, "a", tmp_path)
    assert [raw for raw, _, _ in (await everything(store, "a"))[INBOX]] == [AWKWARD[0]]


async def test_a_mailbox_that_cannot_be_is_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "what*"
    folder.mkdir()
    (folder / "1.eml").write_bytes(AWKWARD[0])
    with pytest.raises(ArchiveError, match=r"what\*: cannot become the mailbox 'what\*'"):
        await import_archive(store, "a", tmp_path)


@pytest.mark.parametrize("content", [None, "folder", "other files"])
def test_what_is_no_archive_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "x"
    if content:
        path.mkdir()
    if content == "other files":
        (path / "readme.txt").write_text("hello\n")
    with pytest.raises(ArchiveError, match=str(path)):
        list(read_archive(path))

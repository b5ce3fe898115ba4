"""The inbox: durable, and no mail twice."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import tracemalloc
from pathlib import Path

import pytest

from maco_client.failures import InboxError, PollLocked
from maco_client.inbox import Inbox
from maco_client.inbox_tables.locks import LockPlace
from maco_client.inbox_tables.mails import InboxMail, Mailbox
from maco_client.inbox_tables.schema import SCHEMA_VERSION
from maco_client.spool import MEMORY_BYTES

MAILBOX = Mailbox("stadtwerke", "maco", "INBOX", 7)


async def store(inbox: Inbox, uid: int, *pieces: bytes, mailbox: Mailbox = MAILBOX) -> tuple[InboxMail, bool]:
    spool = inbox.new_spool()
    for piece in pieces:
        await spool.write(piece)
    try:
        (stored,) = await inbox.store(mailbox, await inbox.examine({uid: spool}), connection="c")
        return stored
    finally:
        spool.close()


async def test_a_stored_mail_is_read_back_byte_by_byte(inbox: Inbox) -> None:
    mail, new = await store(inbox, 1, b"\0\r\n", b"\xff")
    assert new
    assert inbox.raw(mail.id) == b"\0\r\n\xff"
    assert inbox.mails() == [mail]


async def test_an_empty_mail_is_a_mail(inbox: Inbox) -> None:
    mail, _ = await store(inbox, 1)
    assert inbox.raw(mail.id) == b""


async def test_an_identity_is_stored_once_and_the_first_one_stays(inbox: Inbox) -> None:
    first, _ = await store(inbox, 1, b"first")
    again, new = await store(inbox, 1, b"second")
    assert (again.id, new) == (first.id, False)
    assert inbox.raw(first.id) == b"first"


@pytest.mark.parametrize(
    "other",
    [
        Mailbox("other", "maco", "INBOX", 7),
        Mailbox("stadtwerke", "other", "INBOX", 7),
        Mailbox("stadtwerke", "maco", "Other", 7),
        Mailbox("stadtwerke", "maco", "INBOX", 8),
    ],
)
async def test_each_part_of_the_identity_counts(inbox: Inbox, other: Mailbox) -> None:
    await store(inbox, 1, b"x")
    _, new = await store(inbox, 1, b"y", mailbox=other)
    assert new


async def test_known_mails_are_found_among_many(inbox: Inbox) -> None:
    await store(inbox, 700, b"x")
    await store(inbox, 3, b"x")
    assert set(await inbox.known(MAILBOX, range(1, 1200))) == {3, 700}
    assert await inbox.known(MAILBOX, []) == {}


async def test_mails_are_unfinished_until_they_are_post_processed(inbox: Inbox) -> None:
    await store(inbox, 1, b"x")
    await store(inbox, 2, b"x")
    await inbox.mark_post_processed(MAILBOX, [1])
    assert await inbox.unfinished(MAILBOX) == [2]


async def test_mails_are_listed_by_connection(inbox: Inbox) -> None:
    await store(inbox, 1, b"x")
    assert len(inbox.mails("c")) == 1
    assert inbox.mails("other") == []


def test_an_unknown_mail_is_a_key_error(inbox: Inbox) -> None:
    with pytest.raises(KeyError):
        inbox.raw(99)


async def test_mails_are_there_when_the_inbox_is_opened_again(tmp_path: Path) -> None:
    first = Inbox(tmp_path / "inbox.db")
    await store(first, 1, b"x")
    first.close()
    second = Inbox(tmp_path / "inbox.db")
    assert len(second.mails()) == 1
    second.close()


async def test_two_inboxes_on_one_file_store_a_mail_once(inbox: Inbox, tmp_path: Path) -> None:
    other = Inbox(tmp_path / "inbox" / "inbox.db")
    outcomes = await asyncio.gather(store(inbox, 1, b"x"), store(other, 1, b"x"))
    other.close()
    assert sorted(new for _, new in outcomes) == [False, True]


@pytest.mark.slow
async def test_a_large_mail_costs_a_bounded_piece_of_memory(inbox: Inbox) -> None:
    piece = b"0123456789abcdef" * 4096
    tracemalloc.start()
    mail, _ = await store(inbox, 1, *[piece] * 384)  # 24 MiB
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mail.size == 24 * 1024 * 1024
    assert peak < 8 * MEMORY_BYTES
    assert inbox.raw(mail.id) == piece * 384


async def test_nothing_but_the_database_is_left_in_the_folder(inbox: Inbox, tmp_path: Path) -> None:
    await store(inbox, 1, b"x" * (MEMORY_BYTES + 1))
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in (tmp_path / "inbox").iterdir()} == {
        "inbox.db"
    }


def test_the_inbox_is_for_its_owner_only(inbox: Inbox, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "inbox" / "inbox.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "inbox").stat().st_mode) == 0o700


def test_a_commit_waits_for_the_disk(inbox: Inbox) -> None:
    asked = inbox._writer.submit(lambda: inbox._database.execute("PRAGMA synchronous").fetchone()[0])
    assert asked.result() == 2  # https://sqlite.org/pragma.html#pragma_synchronous: FULL
    mode = inbox._writer.submit(lambda: inbox._database.execute("PRAGMA journal_mode").fetchone()[0])
    assert mode.result() == "wal"


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(InboxError, match="newer"):
        Inbox(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(InboxError):
        Inbox(path)


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InboxError):
        Inbox(tmp_path / "file" / "inbox.db")


async def test_a_full_disk_leaves_the_inbox_as_it_was(inbox: Inbox) -> None:
    def limit() -> None:
        (pages,) = inbox._database.execute("PRAGMA page_count").fetchone()
        inbox._database.execute(f"PRAGMA max_page_count = {pages + 2}")

    inbox._writer.submit(limit).result()
    with pytest.raises(InboxError, match="full"):
        await store(inbox, 1, b"x" * 100_000)
    assert inbox.mails() == []
    await store(inbox, 2, b"x")
    assert [mail.uid for mail in inbox.mails()] == [2]


async def test_a_mail_that_cannot_be_read_back_from_its_spool_is_not_half_stored(inbox: Inbox) -> None:
    spool = inbox.new_spool()
    await spool.write(b"x" * (MEMORY_BYTES + 1))
    spool.close()  # the bytes are gone, as after a disk error
    with pytest.raises(ValueError, match="closed file"):
        await inbox.examine({1: spool})
    _, new = await store(inbox, 1, b"x")
    assert new


async def test_a_cleared_inbox_takes_the_same_mail_again(inbox: Inbox) -> None:
    await store(inbox, 1, b"a")

    await inbox.clear()

    assert inbox.mails() == []
    mail, new = await store(inbox, 1, b"b")
    assert (new, inbox.raw(mail.id)) == (True, b"b")


MAIL = b"Received: by a\r\nMessage-ID: <1@nb.example>\r\n\r\nUNA\r\n"


async def test_a_mail_that_was_sent_twice_is_two_entries_and_the_second_is_marked(inbox: Inbox) -> None:
    first, _ = await store(inbox, 1, MAIL)
    again, new = await store(inbox, 2, MAIL.replace(b"by a", b"by b"))
    third, _ = await store(inbox, 3, MAIL)
    assert new
    assert (first.duplicate_of, again.duplicate_of, third.duplicate_of) == (None, first.id, first.id)
    assert [each.duplicate_of for each in inbox.mails()] == [None, first.id, first.id]


async def test_the_same_mail_in_another_folder_of_the_user_is_a_duplicate(inbox: Inbox) -> None:
    first, _ = await store(inbox, 1, MAIL)
    again, _ = await store(inbox, 1, MAIL, mailbox=Mailbox("stadtwerke", "maco", "Other", 9))
    assert again.duplicate_of == first.id


async def test_the_same_mail_to_two_users_is_no_duplicate(inbox: Inbox) -> None:
    await store(inbox, 1, MAIL)
    other, _ = await store(inbox, 1, MAIL, mailbox=Mailbox("stadtwerke", "other", "INBOX", 7))
    assert other.duplicate_of is None


async def test_mails_that_were_numbered_anew_keep_their_entries(inbox: Inbox) -> None:
    anew = Mailbox("stadtwerke", "maco", "INBOX", 8)
    entries = [(await store(inbox, uid, MAIL))[0].id for uid in (1, 2)]
    found = [await store(inbox, uid, MAIL, mailbox=anew) for uid in (5, 6)]
    assert [(mail.id, new) for mail, new in found] == [(each, False) for each in entries]
    assert [(mail.mailbox.uid_validity, mail.uid) for mail in inbox.mails()] == [(8, 5), (8, 6)]
    _, new = await store(inbox, 7, MAIL, mailbox=anew)
    assert new, "both old entries have found their mail"


async def test_a_batch_is_stored_as_a_whole_or_not_at_all(inbox: Inbox) -> None:
    spools = {uid: inbox.new_spool() for uid in (1, 2)}
    for spool in spools.values():
        await spool.write(b"x" * (MEMORY_BYTES + 1))
    arrivals = await inbox.examine(spools)
    spools[2].close()  # its bytes are gone, as after a disk error
    with pytest.raises(ValueError, match="closed file"):
        await inbox.store(MAILBOX, arrivals, connection="c")
    spools[1].close()
    assert inbox.mails() == []


async def test_a_poll_lock_is_waited_for_within_a_process_and_over_behind_its_block(inbox: Inbox) -> None:
    place = LockPlace("host", "maco", "INBOX")
    async with inbox.poll_lock(place, 60) as token:
        assert await inbox.holds(token)
        assert [each.place for each in inbox.locks()] == [place]
    assert not await inbox.holds(token)
    assert inbox.locks() == []
    async with inbox.poll_lock(place, 60):
        pass


async def test_a_released_lock_is_no_longer_held(inbox: Inbox) -> None:
    place = LockPlace("host", "maco", "INBOX")
    async with inbox.poll_lock(place, 60) as token:
        assert await inbox.release(place)
        assert not await inbox.holds(token)


async def test_two_inboxes_on_one_file_have_one_lock(inbox: Inbox, tmp_path: Path) -> None:
    place = LockPlace("host", "maco", "INBOX")
    other = Inbox(tmp_path / "inbox" / "inbox.db")
    try:
        async with inbox.poll_lock(place, 60):
            with pytest.raises(PollLocked):
                async with other.poll_lock(place, 60):
                    pass
    finally:
        other.close()

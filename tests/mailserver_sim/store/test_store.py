from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailserver_sim.store.errors import (
    MailboxCannot,
    NoSuchMailbox,
    StoreError,
    StoreInUse,
    StoreTooNew,
)
from mailserver_sim.store.schema import SCHEMA_VERSION
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, MEMORY, Appended, Change, Emptied, Expunged, FlagMode, FlagsChanged

NOW = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
RAW = b"Subject: x\r\n\r\nbody\r\n"
SEEN = frozenset({"\\Seen"})


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    path = MEMORY if request.param == "memory" else tmp_path / "mail.sqlite"
    opened = Store(path, ["a", "b"])
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
async def file_store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "mail.sqlite", ["a", "b"])
    opened.open()
    yield opened
    opened.close()


async def test_every_account_has_an_inbox(store: Store) -> None:
    assert [mailbox.name for mailbox in await store.list_mailboxes("b")] == [INBOX]


async def test_a_message_comes_back_as_it_was(store: Store) -> None:
    stored = await store.append("a", "inbox", RAW, SEEN, NOW)
    mailbox = await store.find_mailbox("a", INBOX)
    (info,) = await store.list_messages(mailbox.id)
    assert (info.uid, info.flags, info.internal_date, info.size) == (stored.uid, SEEN, NOW, len(RAW))
    assert info.internal_date.utcoffset() == NOW.utcoffset()
    content = await store.read_content(mailbox.id, stored.uid)
    assert content is not None
    assert content.raw == RAW


@pytest.mark.parametrize(
    ("mode", "flags", "expected"),
    [("add", {"CUSTOM"}, {"Custom"}), ("remove", {"custom"}, set()), ("replace", {"custom"}, {"custom"})],
)
async def test_a_keyword_is_the_same_in_any_case(
    store: Store, mode: FlagMode, flags: set[str], expected: set[str]
) -> None:
    stored = await store.append("a", INBOX, RAW, frozenset({"Custom"}), NOW)
    mailbox = await store.find_mailbox("a", INBOX)
    changed = await store.change_flags(mailbox.id, [stored.uid], mode, frozenset(flags))
    assert changed.messages[stored.uid][0] == expected


async def test_many_deliveries_share_a_commit(store: Store) -> None:
    before = store.commits
    stored = await asyncio.gather(*(store.deliver(["a"], RAW, NOW) for _ in range(200)))
    assert sorted(each.uid for (each,) in stored) == list(range(1, 201))
    assert store.commits - before < 100


async def test_a_failed_write_does_not_undo_its_neighbours(store: Store) -> None:
    results = await asyncio.gather(
        store.deliver(["a"], RAW, NOW),
        store.deliver(["a", "nobody"], RAW, NOW),
        store.deliver(["a"], RAW, NOW),
        return_exceptions=True,
    )
    assert isinstance(results[1], StoreError)
    status = await store.status("a", INBOX)
    assert status.messages == 2


async def test_a_mail_to_two_accounts_is_in_both_or_in_none(store: Store) -> None:
    await store.deliver(["a", "b"], RAW, NOW)
    with pytest.raises(StoreError):
        await store.deliver(["b", "nobody"], RAW, NOW)
    assert [(await store.status(user, INBOX)).messages for user in ("a", "b")] == [1, 1]


async def test_uids_are_never_used_again(store: Store) -> None:
    mailbox = await store.find_mailbox("a", INBOX)
    await store.append("a", INBOX, RAW, frozenset({"\\Deleted"}), NOW)
    await store.expunge(mailbox.id)
    assert (await store.append("a", INBOX, RAW, frozenset(), NOW)).uid == 2


async def test_the_bytes_of_a_message_go_with_its_last_copy(store: Store) -> None:
    def contents() -> asyncio.Future[int]:
        return store.read(lambda connection: int(connection.execute("SELECT count(*) FROM content").fetchone()[0]))

    mailbox = await store.find_mailbox("a", INBOX)
    await store.append("a", INBOX, RAW, frozenset({"\\Deleted"}), NOW)
    await store.create_mailbox("a", "Archiv")
    await store.copy(mailbox.id, [1], "a", "Archiv")
    assert await contents() == 1
    await store.expunge(mailbox.id)
    assert await contents() == 1
    await store.delete_mailbox("a", "Archiv")
    assert await contents() == 0


async def test_changes_are_told_in_the_order_of_their_commits(store: Store) -> None:
    mailbox = await store.find_mailbox("a", INBOX)
    seen: list[Change] = []
    store.watch(mailbox.id, seen.append)
    await store.deliver(["a", "b"], RAW, NOW)
    await store.change_flags(mailbox.id, [1, 99], "add", frozenset({"\\Deleted"}), origin="me")
    await store.expunge(mailbox.id)
    store.unwatch(mailbox.id, seen.append)
    await store.deliver(["a"], RAW, NOW)
    kinds = [type(change) for change in seen]
    assert kinds == [Appended, FlagsChanged, Expunged]
    assert [change.origin for change in seen] == [None, "me", None]


async def test_expunge_of_some_uids_leaves_the_others(store: Store) -> None:
    mailbox = await store.find_mailbox("a", INBOX)
    for _ in range(3):
        await store.append("a", INBOX, RAW, frozenset({"\\Deleted"}), NOW)
    assert await store.expunge(mailbox.id, frozenset({1, 3})) == (1, 3)
    assert [info.uid for info in await store.list_messages(mailbox.id)] == [2]


async def test_names_are_kept_apart_by_account(store: Store) -> None:
    await store.create_mailbox("a", "Archiv")
    with pytest.raises(NoSuchMailbox):
        await store.find_mailbox("b", "Archiv")


async def test_a_mailbox_cannot_become_its_own_child(store: Store) -> None:
    await store.create_mailbox("a", "x")
    with pytest.raises(MailboxCannot):
        await store.rename_mailbox("a", "x", "x/y")


async def test_the_file_is_for_its_owner_alone(file_store: Store) -> None:
    for path in file_store.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


async def test_accepted_mail_is_synchronized_to_the_disk(file_store: Store) -> None:
    # https://sqlite.org/pragma.html#pragma_synchronous: 2 is FULL
    assert file_store._writer is not None
    assert file_store._writer._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file_store._writer._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_what_is_deleted_is_not_overwritten_page_by_page(store: Store) -> None:
    # https://sqlite.org/pragma.html#pragma_secure_delete: 2 is FAST, which writes no page that is not written anyway
    assert store._writer is not None
    assert store._writer._connection.execute("PRAGMA secure_delete").fetchone() == (2,)


async def test_a_second_store_on_the_same_file_is_refused(file_store: Store) -> None:
    with pytest.raises(StoreInUse):
        Store(file_store.path, ["a"]).open()


async def test_another_process_on_the_same_file_is_refused(file_store: Store) -> None:
    code = f"""
from pathlib import Path
from mailserver_sim.store.errors import StoreInUse
from mailserver_sim.store.store import Store
try:
    Store(Path({str(file_store.path)!r}), ["a"]).open()
except StoreInUse as error:
    print(error)
"""
    found = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "in use by another mail server" in found.stdout


def test_a_newer_file_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "mail.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreTooNew, match=f"{SCHEMA_VERSION + 1}.*{SCHEMA_VERSION}"):
        Store(path, ["a"]).open()


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, None])
def test_a_file_of_something_else_is_refused_and_untouched(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mail.sqlite"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE other (x)")
        connection.close()
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"mail\.sqlite"):
        Store(path, ["a"]).open()


async def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.deliver(["a"], RAW, NOW)
    with pytest.raises(StoreError, match="closed"):
        await store.status("a", INBOX)


async def test_what_was_asked_before_close_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "mail.sqlite", ["a"])
    store.open()
    waiting = [store.deliver(["a"], RAW, NOW) for _ in range(20)]
    store.close()
    await asyncio.gather(*waiting)
    store.open()
    assert (await store.status("a", INBOX)).messages == 20
    store.close()


async def test_clearing_leaves_an_empty_inbox_of_a_greater_uid_validity(store: Store) -> None:
    await store.create_mailbox("a", "Archive")
    await store.deliver(["a", "b"], RAW, NOW)
    before = await store.find_mailbox("a", INBOX)

    await store.clear()

    (inbox,) = await store.list_mailboxes("a")
    assert (inbox.name, inbox.uid_next) == (INBOX, 1)
    assert inbox.uid_validity > before.uid_validity
    assert (await store.status("b", INBOX)).messages == 0


async def test_whoever_has_a_mailbox_open_is_told_that_it_was_cleared(store: Store) -> None:
    await store.deliver(["a"], RAW, NOW)
    inbox = await store.find_mailbox("a", INBOX)
    changes: list[Change] = []
    store.watch(inbox.id, changes.append)

    await store.clear()

    assert changes == [Emptied(inbox.id)]


async def test_every_message_and_every_change_of_flags_has_a_modseq_of_its_own(store: Store) -> None:
    for _ in range(2):
        await store.append("a", INBOX, RAW, frozenset(), NOW)
    inbox = await store.find_mailbox("a", INBOX)
    first = await store.change_flags(inbox.id, [1, 2], "add", SEEN)
    second = await store.change_flags(inbox.id, [2], "remove", SEEN)

    assert inbox.highest_modseq == 3
    assert first.messages == {1: (SEEN, 4), 2: (SEEN, 4)}
    assert second.messages == {2: (frozenset(), 5)}
    assert [info.modseq for info in await store.list_messages(inbox.id)] == [4, 5]
    assert (await store.find_mailbox("a", INBOX)).highest_modseq == 5


async def test_flags_that_stay_the_same_are_no_change(store: Store) -> None:
    await store.append("a", INBOX, RAW, SEEN, NOW)
    inbox = await store.find_mailbox("a", INBOX)
    seen: list[Change] = []
    store.watch(inbox.id, seen.append)

    assert (await store.change_flags(inbox.id, [1], "add", SEEN)).messages == {1: (SEEN, 2)}
    assert (await store.find_mailbox("a", INBOX)).highest_modseq == inbox.highest_modseq
    assert seen == []


async def test_a_message_changed_since_is_left_alone(store: Store) -> None:
    for _ in range(2):
        await store.append("a", INBOX, RAW, frozenset(), NOW)
    inbox = await store.find_mailbox("a", INBOX)
    flagged = await store.change_flags(inbox.id, [1, 2], "add", SEEN, unchanged_since=2)

    assert (flagged.messages, flagged.modified) == ({1: (SEEN, 4)}, (2,))
    assert [info.flags for info in await store.list_messages(inbox.id)] == [SEEN, frozenset()]


async def test_a_renamed_inbox_counts_on_with_the_modseqs_of_its_messages(store: Store) -> None:
    await store.append("a", INBOX, RAW, frozenset(), NOW)
    await store.rename_mailbox("a", INBOX, "Old")
    old = await store.find_mailbox("a", "Old")

    assert old.highest_modseq == 2
    assert (await store.change_flags(old.id, [1], "add", SEEN)).messages == {1: (SEEN, 3)}


async def test_a_store_in_memory_begins_empty_again() -> None:
    store = Store(MEMORY, ["a"])
    store.open()
    await store.deliver(["a"], RAW, NOW)
    store.close()
    store.open()
    assert (await store.status("a", INBOX)).messages == 0
    store.close()


async def test_messages_are_removed_whatever_their_flags(store: Store) -> None:
    mailbox = await store.find_mailbox("a", INBOX)
    for _ in range(3):
        await store.append("a", INBOX, RAW, SEEN, NOW)
    assert await store.remove(mailbox.id, [1, 3, 99]) == (1, 3)
    assert [info.uid for info in await store.list_messages(mailbox.id)] == [2]


async def test_several_messages_are_read_at_once_without_those_that_are_gone(store: Store) -> None:
    mailbox = await store.find_mailbox("a", INBOX)
    for number in range(3):
        await store.append("a", INBOX, RAW + b"%d" % number, SEEN, NOW)
    contents = await store.read_contents(mailbox.id, [1, 3, 99])
    assert {uid: content.raw for uid, content in contents.items()} == {1: RAW + b"0", 3: RAW + b"2"}

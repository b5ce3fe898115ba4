from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailserver_sim.store.errors import OverQuota
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, NewMessage, Quota, Usage

NOW = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
RAW = b"x" * 10


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "mail.sqlite", ["small", "free"], {"small": Quota(30, 5)})
    opened.open()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("quota", "allowed"),
    [(Quota(10, 1), True), (Quota(9, None), False), (Quota(None, 0), False), (Quota(None, None), True)],
)
def test_a_limit_may_be_reached_and_not_passed(quota: Quota, *, allowed: bool) -> None:
    assert quota.allows(Usage(10, 1)) is allowed


async def test_all_mailboxes_of_an_account_count_and_no_others(store: Store) -> None:
    await store.create_mailbox("small", "Archiv")
    await store.append("small", INBOX, RAW, frozenset(), NOW)
    inbox = await store.find_mailbox("small", INBOX)
    await store.copy(inbox.id, [1], "small", "Archiv")
    await store.deliver(["free"], RAW, NOW)

    assert await store.usage("small") == Usage(20, 2)


async def test_messages_that_do_not_fit_together_are_all_refused(store: Store) -> None:
    new = [NewMessage(RAW, frozenset(), NOW)] * 4
    with pytest.raises(OverQuota) as caught:
        await store.append_all("small", INBOX, new)

    assert not caught.value.fits_when_empty
    assert await store.usage("small") == Usage(0, 0)


async def test_what_would_fit_an_empty_account_is_told_apart(store: Store) -> None:
    for _ in range(3):
        await store.append("small", INBOX, RAW, frozenset(), NOW)
    with pytest.raises(OverQuota) as caught:
        await store.append("small", INBOX, RAW, frozenset(), NOW)

    assert caught.value.fits_when_empty


async def test_a_mail_to_an_account_that_is_full_reaches_nobody(store: Store) -> None:
    for _ in range(3):
        await store.deliver(["small"], RAW, NOW)
    with pytest.raises(OverQuota):
        await store.deliver(["free", "small"], RAW, NOW)

    assert await store.usage("free") == Usage(0, 0)


async def test_a_copy_that_does_not_fit_copies_nothing(store: Store) -> None:
    for _ in range(2):
        await store.append("small", INBOX, RAW, frozenset(), NOW)
    inbox = await store.find_mailbox("small", INBOX)
    with pytest.raises(OverQuota):
        await store.copy(inbox.id, [1, 2], "small", INBOX)

    assert (await store.status("small", INBOX)).messages == 2


async def test_moved_messages_keep_flags_and_dates_and_take_no_room(store: Store) -> None:
    seen = frozenset({"\\Seen"})
    for _ in range(3):
        await store.append("small", INBOX, RAW, seen, NOW)
    await store.create_mailbox("small", "Archiv")
    inbox, archive = (
        await store.find_mailbox("small", INBOX),
        await store.find_mailbox("small", "Archiv"),
    )
    moved = await store.move(inbox.id, [1, 3, 9], "small", "Archiv")

    assert (moved.source_uids, moved.target_uids) == ((1, 3), (1, 2))
    assert [info.uid for info in await store.list_messages(inbox.id)] == [2]
    assert {(info.flags, info.internal_date) for info in await store.list_messages(archive.id)} == {(seen, NOW)}
    content = await store.read_content(archive.id, 2)
    assert content is not None
    assert content.raw == RAW

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from mailserver_sim.imap.read_ahead import MOST_BYTES, MOST_MESSAGES, ReadAhead
from mailserver_sim.store.values import Content, MessageInfo
from tests.mailserver_sim.imap.views import view_of

NOW = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)


class Reads:
    """A store of messages of one size, without some of them; it notes what is asked for at once."""

    def __init__(self, count: int, size: int, gone: Sequence[int] = ()) -> None:
        infos = [MessageInfo(uid, frozenset(), NOW, size) for uid in range(1, count + 1)]
        self.view = view_of(infos)
        self.asked: list[list[int]] = []
        self._gone = gone

    async def __call__(self, uids: Sequence[int]) -> dict[int, Content]:
        self.asked.append(list(uids))
        return {uid: Content(b"%d" % uid, b"") for uid in uids if uid not in self._gone}

    async def all(self, uids: Sequence[int]) -> list[bytes | None]:
        ahead = ReadAhead(self.view, uids, self)
        found = [await ahead.content(uid) for uid in uids]
        return [None if each is None else each.header for each in found]


async def test_small_messages_are_read_many_at_once() -> None:
    reads = Reads(MOST_MESSAGES + 1, 10)
    uids = list(range(1, MOST_MESSAGES + 2))
    assert await reads.all(uids) == [b"%d" % uid for uid in uids]
    assert reads.asked == [uids[:-1], uids[-1:]]


async def test_large_messages_are_read_one_by_one() -> None:
    reads = Reads(3, MOST_BYTES + 1)
    assert await reads.all([1, 2, 3]) == [b"1", b"2", b"3"]
    assert reads.asked == [[1], [2], [3]]


async def test_a_message_that_is_gone_is_asked_for_once() -> None:
    reads = Reads(3, 10, gone=[2])
    assert await reads.all([1, 2, 3]) == [b"1", None, b"3"]
    assert reads.asked == [[1, 2, 3]]


async def test_messages_that_need_not_be_read_are_stepped_over() -> None:
    reads = Reads(5, MOST_BYTES)
    ahead = ReadAhead(reads.view, [1, 2, 3, 4, 5], reads)
    found = [await ahead.content(uid) for uid in (2, 4, 5)]
    assert [each.header for each in found if each] == [b"2", b"4", b"5"]

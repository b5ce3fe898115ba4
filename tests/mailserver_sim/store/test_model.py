"""The store beside a model of it, through whatever order of operations, also with an end and a new beginning."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mailserver_sim.store.errors import MailboxError
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, FlagMode, Flags, NewMessage, Quota, Stored
from tests.faults.seeds import SOAK

USER = "a"
QUOTA_BYTES = 100_000  # never reached by what is kept
NOW = dt.datetime(2026, 11, 3, 12, 0, tzinfo=dt.UTC)
NAMES = st.sampled_from([INBOX, "x", "y"])
OTHERS = st.sampled_from(["x", "y", "z"])
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$Done"]))
CHOSEN = st.frozensets(st.integers(1, 8))
MODES: st.SearchStrategy[FlagMode] = st.sampled_from(["add", "remove", "replace"])

ResultT = TypeVar("ResultT")


class Mailbox:
    """What a mailbox should hold: bytes and flags by UID; ``last`` is the highest UID it ever gave."""

    def __init__(self, last: int = 0) -> None:
        self.messages: dict[int, tuple[bytes, Flags]] = {}
        self.last = last


class StoreMachine(RuleBasedStateMachine):
    """Do the same to the store and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.store = Store(Path(self.folder.name) / "mail.sqlite", [USER], {USER: Quota(QUOTA_BYTES, None)})
        self.store.open()
        self.model = {INBOX: Mailbox()}
        self.count = 0

    def teardown(self) -> None:
        self.store.close()
        self.loop.close()
        self.folder.cleanup()

    def do(self, begin: Callable[[], Awaitable[ResultT]]) -> ResultT:
        async def done() -> ResultT:
            return await begin()

        return self.loop.run_until_complete(done())

    def mailbox_id(self, name: str) -> int:
        return self.do(lambda: self.store.find_mailbox(USER, name)).id

    def new_raw(self) -> bytes:
        self.count += 1
        return b"Subject: %d\r\n\r\nbody\r\n" % self.count

    def added(self, name: str, uid: int, raw: bytes, flags: Flags) -> None:
        mailbox = self.model[name]
        assert uid > mailbox.last
        mailbox.last = uid
        mailbox.messages[uid] = (raw, flags)

    @rule(name=NAMES, flags=FLAGS, count=st.integers(1, 3))
    def append_at_once(self, name: str, flags: Flags, count: int) -> None:
        raws = [self.new_raw() for _ in range(count)]

        async def appended() -> list[Stored | BaseException]:
            jobs = (self.store.append(USER, name, raw, flags, NOW) for raw in raws)
            return await asyncio.gather(
                *jobs, self.store.append(USER, "none", b"x", flags, NOW), return_exceptions=True
            )

        *stored, refused = self.do(appended)
        assert isinstance(refused, MailboxError)
        for raw, each in zip(raws, stored, strict=True):
            if name in self.model:
                assert isinstance(each, Stored)
                self.added(name, each.uid, raw, flags)
            else:
                assert isinstance(each, MailboxError)

    @rule()
    def deliver(self) -> None:
        raw = self.new_raw()
        (stored,) = self.do(lambda: self.store.deliver([USER], raw, NOW))
        self.added(INBOX, stored.uid, raw, frozenset())

    @rule(name=NAMES, uids=CHOSEN, mode=MODES, flags=FLAGS)
    def change_flags(self, name: str, uids: frozenset[int], mode: FlagMode, flags: Flags) -> None:
        if name not in self.model:
            return
        mailbox_id = self.mailbox_id(name)
        self.do(lambda: self.store.change_flags(mailbox_id, sorted(uids), mode, flags))
        messages = self.model[name].messages
        for uid in uids & messages.keys():
            raw, before = messages[uid]
            after = {"add": before | flags, "remove": before - flags, "replace": flags}[mode]
            messages[uid] = (raw, after)

    @rule(name=NAMES, uids=CHOSEN, into=NAMES)
    def copy(self, name: str, uids: frozenset[int], into: str) -> None:
        if name not in self.model or into not in self.model:
            return
        mailbox_id = self.mailbox_id(name)
        copied = self.do(lambda: self.store.copy(mailbox_id, sorted(uids), USER, into))
        before = dict(self.model[name].messages)
        assert copied.source_uids == tuple(sorted(uids & before.keys()))
        for source, new in zip(copied.source_uids, copied.target_uids, strict=True):
            self.added(into, new, *before[source])

    @rule(name=NAMES, uids=CHOSEN, into=NAMES)
    def move(self, name: str, uids: frozenset[int], into: str) -> None:
        if name not in self.model or into not in self.model:
            return
        mailbox_id = self.mailbox_id(name)
        moved = self.do(lambda: self.store.move(mailbox_id, sorted(uids), USER, into))
        before = dict(self.model[name].messages)
        assert moved.source_uids == tuple(sorted(uids & before.keys()))
        for source, new in zip(moved.source_uids, moved.target_uids, strict=True):
            self.added(into, new, *before[source])
            del self.model[name].messages[source]

    @rule(name=NAMES, uids=CHOSEN)
    def move_to_where_nothing_is(self, name: str, uids: frozenset[int]) -> None:
        if name not in self.model:
            return
        mailbox_id = self.mailbox_id(name)
        with pytest.raises(MailboxError):
            self.do(lambda: self.store.move(mailbox_id, sorted(uids), USER, "none"))

    @rule(name=NAMES, all_flags=st.lists(FLAGS, min_size=1, max_size=4), fits=st.booleans())
    def append_all_or_none(self, name: str, all_flags: list[Flags], *, fits: bool) -> None:
        new = [NewMessage(self.new_raw(), flags, NOW) for flags in all_flags]
        if not fits:
            new.append(NewMessage(b"x" * (QUOTA_BYTES + 1), frozenset(), NOW))
        if name not in self.model or not fits:
            with pytest.raises(MailboxError):
                self.do(lambda: self.store.append_all(USER, name, new))
            return
        stored = self.do(lambda: self.store.append_all(USER, name, new))
        for message, each in zip(new, stored, strict=True):
            self.added(name, each.uid, message.raw, message.flags)

    @rule()
    def clear(self) -> None:
        given = self.uid_validities()
        self.do(self.store.clear)
        self.model = {INBOX: Mailbox()}
        assert min(self.uid_validities()) > max(given)

    def uid_validities(self) -> list[int]:
        return [mailbox.uid_validity for mailbox in self.do(lambda: self.store.list_mailboxes(USER))]

    @rule(name=NAMES, uids=st.none() | CHOSEN)
    def expunge(self, name: str, uids: frozenset[int] | None) -> None:
        if name not in self.model:
            return
        messages = self.model[name].messages
        gone = {uid for uid, (_, flags) in messages.items() if "\\Deleted" in flags and (uids is None or uid in uids)}
        mailbox_id = self.mailbox_id(name)
        assert self.do(lambda: self.store.expunge(mailbox_id, uids)) == tuple(sorted(gone))
        for uid in gone:
            del messages[uid]

    @rule(name=NAMES, uids=CHOSEN)
    def remove(self, name: str, uids: frozenset[int]) -> None:
        if name not in self.model:
            return
        messages = self.model[name].messages
        gone = uids & messages.keys()
        mailbox_id = self.mailbox_id(name)
        assert self.do(lambda: self.store.remove(mailbox_id, sorted(uids))) == tuple(sorted(gone))
        for uid in gone:
            del messages[uid]

    @rule(name=OTHERS)
    def create_or_delete(self, name: str) -> None:
        if name in self.model:
            self.do(lambda: self.store.delete_mailbox(USER, name))
            del self.model[name]
        else:
            self.do(lambda: self.store.create_mailbox(USER, name))
            self.model[name] = Mailbox()

    @rule(old=NAMES, new=OTHERS)
    def rename(self, old: str, new: str) -> None:
        with contextlib.suppress(MailboxError):
            self.do(lambda: self.store.rename_mailbox(USER, old, new))
            moved = self.model.pop(old)
            self.model[new] = moved
            if old == INBOX:
                self.model[INBOX] = Mailbox(moved.last)

    @rule()
    def end_and_begin_again(self) -> None:
        self.store.close()
        self.store.open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        async def everything() -> dict[str, dict[int, tuple[bytes, Flags]]]:
            found = {}
            for mailbox in await self.store.list_mailboxes(USER):
                infos = await self.store.list_messages(mailbox.id)
                contents = await self.store.read_contents(mailbox.id, [info.uid for info in infos])
                found[mailbox.name] = {info.uid: (contents[info.uid].raw, info.flags) for info in infos}
                status = await self.store.status(USER, mailbox.name)
                flags = [info.flags for info in infos]
                seen = await self.store.overview(mailbox)
                assert list(seen.uids) == [info.uid for info in infos]
                assert seen.first_unseen == min(
                    (each.uid for each in infos if "\\Seen" not in each.flags), default=None
                )
                assert seen.keywords == {flag for each in flags for flag in each if flag == "$Done"}
                assert status.messages == len(infos)
                assert status.unseen == sum("\\Seen" not in each for each in flags)
                assert status.deleted == sum("\\Deleted" in each for each in flags)
            return found

        found = self.do(everything)
        assert found == {name: mailbox.messages for name, mailbox in self.model.items()}


BOUNDED = settings(
    max_examples=40 if SOAK else 8,
    stateful_step_count=80 if SOAK else 30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
def test_the_store_does_what_its_model_does() -> None:
    run_state_machine_as_test(StoreMachine, settings=BOUNDED)

from __future__ import annotations

import asyncio

import pytest

from mailserver_sim.finding import Wanted, wait_for
from mailserver_sim.store.errors import NoSuchAccount, NoSuchMailbox
from mailserver_sim.store.values import Listener
from tests.mailserver_sim.running import OTHER_USER, USER, RunningServer, mail

HEADER = (
    b"From: =?utf-8?q?M=C3=BCnchen?= <netz@nb.example>\r\nSender: robot@nb.example\r\n"
    b"To: one@sw.example\r\nCc: two@sw.example\r\nSubject: MSCONS\r\n 4711\r\n\r\n"
)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(subject="mscons 4711"),
        Wanted(sender="MÜNCHEN"),
        Wanted(sender="robot@"),
        Wanted(recipient="two@sw.example"),
        Wanted("MSCONS", "netz@", "one@"),
    ],
)
def test_a_header_fits_that_has_every_text_in_its_field(wanted: Wanted) -> None:
    assert wanted.fits(HEADER)


@pytest.mark.parametrize(
    "wanted",
    [Wanted(subject="UTILMD"), Wanted(sender="one@"), Wanted(recipient="netz@"), Wanted("MSCONS", recipient="three@")],
)
def test_a_header_that_lacks_one_of_them_does_not_fit(wanted: Wanted) -> None:
    assert not wanted.fits(HEADER)


def test_a_header_without_the_field_does_not_fit() -> None:
    assert not Wanted(subject="x").fits(b"\r\n")


def test_waiting_goes_on_beyond_a_reset(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store = server.server.store
    watched = asyncio.Event()
    watch = store.watch

    def watch_and_tell(mailbox_id: int, listener: Listener) -> None:
        watch(mailbox_id, listener)
        watched.set()

    async def run() -> int:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(wait_for(store, [USER], Wanted(), timeout_s=10))
            await watched.wait()
            await server.server.clear()
            await server.server.deliver(USER, mail("after the reset"))
        found = waiting.result()
        assert found is not None
        return found.info.uid

    monkeypatch.setattr(store, "watch", watch_and_tell)
    assert server.loop.run(run()) == 1


def test_a_mailbox_that_no_user_has_is_told(server: RunningServer) -> None:
    with pytest.raises(NoSuchMailbox):
        server.loop.run(wait_for(server.server.store, [USER, OTHER_USER], Wanted(), mailbox="Spam", timeout_s=10))


def test_a_mailbox_that_one_user_has_is_waited_for(server: RunningServer) -> None:
    store = server.server.store
    server.loop.run(_append_to_spam(server))

    found = server.loop.run(wait_for(store, [USER, OTHER_USER], Wanted(), mailbox="Spam", timeout_s=10))
    assert found is not None
    assert (found.user, found.mailbox) == (OTHER_USER, "Spam")


def test_a_user_that_is_not_there_is_told(server: RunningServer) -> None:
    with pytest.raises(NoSuchAccount):
        server.loop.run(wait_for(server.server.store, ["nobody"], Wanted(), timeout_s=10))


async def _append_to_spam(server: RunningServer) -> None:
    await server.server.store.create_mailbox(OTHER_USER, "Spam")
    await server.server.put(OTHER_USER, "Spam", mail())

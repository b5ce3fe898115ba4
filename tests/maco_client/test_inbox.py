"""The inbox: durable, and no mail twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import pytest

from maco_client.failures import InboxError
from maco_client.inbox import SCHEMA_VERSION, Inbox, InboxMail, Mailbox
from maco_client.settings import Protection
from maco_client.spool import MEMORY_BYTES
from maco_wire.observation import MailFetched
from tests.maco_client.bench import Bench, make_connection
from tests.maco_client.scripted_server import (
    ScriptedServer,
    found,
    greeting,
    in_clear,
    left,
    logged_in,
    opened,
    running,
    sent,
    stored,
)

MAILBOX = Mailbox("stadtwerke", "maco", "INBOX", 7)


async def store(inbox: Inbox, uid: int, *pieces: bytes, mailbox: Mailbox = MAILBOX) -> tuple[InboxMail, bool]:
    spool = inbox.new_spool()
    for piece in pieces:
        await spool.write(piece)
    try:
        return await inbox.store(mailbox, uid, spool, connection="c", subject="s")
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
    _, new = await store(inbox, 1, b"x", mailbox=other)
    assert new


async def test_known_mails_are_found_among_many(inbox: Inbox) -> None:
    await store(inbox, 700, b"x")
    await store(inbox, 3, b"x")
    assert set(await inbox.known(MAILBOX, range(1, 1200))) == {3, 700}
    assert await inbox.known(MAILBOX, []) == {}


async def test_mails_are_unfinished_until_they_are_post_processed(inbox: Inbox) -> None:
    await store(inbox, 1, b"x")
    await store(inbox, 2, b"x")
    await inbox.mark_post_processed(MAILBOX, 1)
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
        await inbox.store(MAILBOX, 1, spool, connection="c", subject="s")
    _, new = await store(inbox, 1, b"x")
    assert new


KILLED_AFTER_COMMIT = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from certs.summary import summarize
    from maco_client.inbox import Inbox
    from maco_client.key_store import KeyStore
    from maco_client.poller import Poller
    from maco_client.settings import Protection
    from tests.maco_client.bench import leading_to, make_connection

    def die(point):
        assert point == "committed"
        os.kill(os.getpid(), signal.SIGKILL)

    poller = Poller(
        make_connection(Protection.OFF), proxy=None, tokens=None, key_store=KeyStore({}),
        inbox=Inbox(Path(sys.argv[1])), record=lambda _: None, describe_certificate=summarize,
        resolve=leading_to(("127.0.0.1", int(sys.argv[2]))), fault_point=die,
    )
    asyncio.run(poller.poll())
"""


@pytest.mark.slow
async def test_a_kill_between_commit_and_flag_neither_loses_nor_doubles_the_mail(bench: Bench, tmp_path: Path) -> None:
    ready = [*greeting(), *in_clear(), *logged_in(), *opened()]
    killed = [*ready, *found(4), *sent(4, b"Subject: x\r\n\r\n"), *stored(4)]
    after = [*ready, *found(4), *stored(4), *left()]
    server = ScriptedServer([killed, after])
    async with running(server):
        command = [sys.executable, "-c", textwrap.dedent(KILLED_AFTER_COMMIT)]
        path = tmp_path / "inbox" / "inbox.db"
        process = await asyncio.to_thread(
            subprocess.run,
            [*command, str(path), str(server.address[1])],
            check=False,
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.returncode == -signal.SIGKILL
        assert [mail.post_processed for mail in bench.inbox.mails()] == [False]
        result = await bench.poller(make_connection(Protection.OFF), server.address).poll()
    assert (result.succeeded, result.stored) == (True, 0)
    assert [mail.post_processed for mail in bench.inbox.mails()] == [True]
    assert bench.journal.only(MailFetched).already_known
    # The first server script ends where the process was killed; the second one is played to its end.
    assert len(server.surprises) == 1
    assert server.commands[-1] == "LOGOUT"


async def test_a_cleared_inbox_takes_the_same_mail_again(inbox: Inbox) -> None:
    await store(inbox, 1, b"a")

    await inbox.clear()

    assert inbox.mails() == []
    mail, new = await store(inbox, 1, b"b")
    assert (new, inbox.raw(mail.id)) == (True, b"b")

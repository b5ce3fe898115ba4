"""A server that is killed has lost nothing of what it has acknowledged, whatever it was doing."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import os
import random
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pytest

from mailserver_sim.headers import subject_of
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, MailboxInfo
from tests.faults.seeds import SOAK, seeded
from tests.mailserver_sim.running import ADDRESS, PASSWORD, TIMEOUT_S, USER, mail

SERVER = """
import sys
from pathlib import Path
from tests.mailserver_sim.running import LoopThread, RunningServer, make_cast
server = RunningServer(LoopThread(), make_cast(), Path(sys.argv[1]))
print(server.port("smtp"), server.port("imaps"), flush=True)
sys.stdin.read()
"""
KILLS = 20 if SOAK else 2
MOST_ACKNOWLEDGED = 90
SMTP_CLIENTS, APPENDING_CLIENTS = 2, 2

Kind = Literal["deliver", "append", "flag", "copy", "move", "expunge"]
Places = frozenset[str]
"""The mailboxes that have a mail."""
FLAGS = frozenset({"\\Flagged", "$Done"})


@dataclass(frozen=True)
class Fate:
    """What may be of a mail: ``places`` are the sets of mailboxes that may have it, with these flags at least."""

    places: tuple[Places, ...]
    flags: frozenset[str] = frozenset()


class Acknowledged:
    """What the server has answered for; ``enough`` is set when there is so much of it, and some of each kind."""

    def __init__(self, wanted: int) -> None:
        self.fates: dict[bytes, Fate] = {}
        self.kinds = Counter[Kind]()
        self.enough = threading.Event()
        self._wanted = wanted

    def begin(self, raw: bytes, *places: Places) -> None:
        """Note that a mail is there, and what may be of it while a command has no answer."""
        self.fates[raw] = Fate(places)

    def add(self, kind: Kind, raw: bytes, places: Places, flags: frozenset[str] = frozenset()) -> None:
        self.fates[raw] = Fate((places,), flags)
        self.kinds[kind] += 1
        if self.kinds.total() >= self._wanted and len(self.kinds) == len(get_args(Kind)):
            self.enough.set()


Client = Callable[[int, str, Acknowledged], None]
"""What works with a port, under a name, until the server is gone."""


@contextmanager
def running_server(folder: Path) -> Iterator[tuple[int, int, int]]:
    """Run a server in a process of its own; it is killed at the end. Yield its process and its two ports."""
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            smtp, imaps = map(int, process.stdout.readline().split())
            yield process.pid, smtp, imaps
        finally:
            process.kill()


def deliver(port: int, name: str, acknowledged: Acknowledged) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=TIMEOUT_S) as client:
        for number in range(10_000):
            raw = mail(f"smtp {name} {number}", body="x" * 3000)
            client.sendmail("a@nb.example", [ADDRESS], raw)
            acknowledged.add("deliver", raw, frozenset({INBOX}))


@contextmanager
def logged_in(port: int) -> Iterator[imaplib.IMAP4_SSL]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=TIMEOUT_S)
    try:
        client.login(USER, PASSWORD)
        yield client
    finally:
        client.shutdown()


def append(port: int, name: str, acknowledged: Acknowledged) -> None:
    with logged_in(port) as client:
        for number in range(10_000):
            raw = mail(f"append {name} {number}", body="x" * 3000)
            appended(client, INBOX, raw, "(\\Seen)")
            acknowledged.add("append", raw, frozenset({INBOX}), frozenset({"\\Seen"}))


def appended(client: imaplib.IMAP4_SSL, mailbox: str, raw: bytes, flags: str = "()") -> str:
    """Append a mail and return its UID (RFC 4315)."""
    answer, (text,) = client.append(mailbox, flags, "", raw)
    found = re.match(rb"\[APPENDUID \d+ (\d+)\]", text)
    assert answer == "OK"
    assert found is not None
    return found[1].decode()


def changing(
    kind: Kind,
    commands: Callable[[str, str], list[tuple[str, ...]]],
    during: Callable[[str, str], list[set[str]]],
    flags: frozenset[str] = frozenset(),
) -> Client:
    """Return a client that appends a mail and changes it, again and again, between a source and a target.

    ``commands`` are those for a UID, the last one the change. ``during`` are the places in which the mail may be while
    the change has no answer; the last of them is where it is when it has.
    """

    def client(port: int, name: str, acknowledged: Acknowledged) -> None:
        source, target = f"{kind}-{name}", f"{kind}-{name}-target"
        places = [frozenset(each) for each in during(source, target)]
        with logged_in(port) as imap:
            for mailbox in (source, target):
                assert imap.create(mailbox)[0] == "OK"
            imap.select(source)
            for number in range(10_000):
                raw = mail(f"{kind} {name} {number}")
                uid = appended(imap, source, raw)
                acknowledged.begin(raw, *places)
                for command in commands(uid, target):
                    assert imap.uid(*command)[0] == "OK"
                acknowledged.add(kind, raw, places[-1], flags)

    return client


def clients(smtp: int, imaps: int) -> list[tuple[Client, int]]:
    """Return what writes to a server, and to which of its ports."""
    every = {
        "flag": changing(
            "flag", lambda uid, _: [("STORE", uid, "+FLAGS", "(\\Flagged $Done)")], lambda source, _: [{source}], FLAGS
        ),
        "copy": changing(
            "copy", lambda uid, target: [("COPY", uid, target)], lambda source, target: [{source}, {source, target}]
        ),
        "move": changing(
            "move", lambda uid, target: [("MOVE", uid, target)], lambda source, target: [{source}, {target}]
        ),
        "expunge": changing(
            "expunge",
            lambda uid, _: [("STORE", uid, "+FLAGS", "(\\Deleted)"), ("EXPUNGE", uid)],
            lambda source, _: [{source}, set()],
        ),
    }
    appending = [(append, imaps)] * APPENDING_CLIENTS
    return [*[(deliver, smtp)] * SMTP_CLIENTS, *appending, *((each, imaps) for each in every.values())]


def until_killed(client: Client, port: int, name: str, found: Acknowledged) -> None:
    with contextlib.suppress(OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.abort):
        client(port, name, found)


def kill_in_the_middle(folder: Path, wanted: int, round_name: str) -> dict[bytes, Fate]:
    """Keep several clients busy, kill the server at an acknowledgement, and return what may be of each mail."""
    acknowledged = Acknowledged(wanted)
    with running_server(folder) as (pid, smtp, imaps):
        threads = [
            threading.Thread(target=until_killed, args=(client, port, f"{round_name}.{number}", acknowledged))
            for number, (client, port) in enumerate(clients(smtp, imaps))
        ]
        for thread in threads:
            thread.start()
        assert acknowledged.enough.wait(TIMEOUT_S * 2)
        os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
    return acknowledged.fates


@seeded
@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_or_undone_by_kill_9(tmp_path: Path, seed: int) -> None:
    """Mails that were delivered and appended, flags, copies, moves and removals; a move is never done by half."""
    chance = random.Random(seed)
    fates: dict[bytes, Fate] = {}
    for number in range(KILLS):
        fates |= kill_in_the_middle(tmp_path, chance.randint(1, MOST_ACKNOWLEDGED), str(number))
    mailboxes = asyncio.run(everything(tmp_path / "mail.sqlite"))
    found = {raw: where(raw, mailboxes) for raw in fates}
    wrong = [(subject_of(raw), fate, found[raw]) for raw, fate in fates.items() if not is_as_told(fate, found[raw])]
    assert wrong == []
    for mailbox in mailboxes.values():
        assert [uid for uid, _, _ in mailbox] == sorted({uid for uid, _, _ in mailbox})


Kept = tuple[int, bytes, frozenset[str]]
"""UID, bytes and flags of a mail."""
Found = dict[str, frozenset[str]]
"""The mailboxes that have a mail, and its flags in each."""


def is_as_told(fate: Fate, found: Found) -> bool:
    return found.keys() in fate.places and all(fate.flags <= flags for flags in found.values())


def where(raw: bytes, mailboxes: dict[str, list[Kept]]) -> Found:
    """Return where a mail is; what was delivered has trace fields above it."""
    return {name: flags for name, mails in mailboxes.items() for _, found, flags in mails if found.endswith(raw)}


async def everything(path: Path) -> dict[str, list[Kept]]:
    """Return UID, bytes and flags of the mails of every mailbox."""
    store = Store(path, [USER])
    store.open()
    try:
        return {mailbox.name: await mails_of(store, mailbox) for mailbox in await store.list_mailboxes(USER)}
    finally:
        store.close()


async def mails_of(store: Store, mailbox: MailboxInfo) -> list[Kept]:
    infos = await store.list_messages(mailbox.id)
    contents = await store.read_contents(mailbox.id, [info.uid for info in infos])
    return [(info.uid, contents[info.uid].raw, info.flags) for info in infos]

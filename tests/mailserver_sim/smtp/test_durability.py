"""A server that is killed has lost nothing of what it has acknowledged, whatever it was doing."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import os
import random
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX
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
MOST_ACKNOWLEDGED = 60
SMTP_CLIENTS, IMAP_CLIENTS = 2, 2


class Acknowledged:
    """The mails that the server has answered for; ``enough`` is set when there are so many."""

    def __init__(self, wanted: int) -> None:
        self.mails: list[bytes] = []
        self.enough = threading.Event()
        self._wanted = wanted

    def add(self, raw: bytes) -> None:
        self.mails.append(raw)
        if len(self.mails) >= self._wanted:
            self.enough.set()


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
            acknowledged.add(raw)


def append(port: int, name: str, acknowledged: Acknowledged) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=TIMEOUT_S)
    try:
        client.login(USER, PASSWORD)
        for number in range(10_000):
            raw = mail(f"append {name} {number}", body="x" * 3000)
            assert client.append(INBOX, "(\\Seen)", "", raw)[0] == "OK"
            acknowledged.add(raw)
    finally:
        client.shutdown()


def until_killed(client: Callable[[int, str, Acknowledged], None], port: int, name: str, found: Acknowledged) -> None:
    with contextlib.suppress(OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.abort):
        client(port, name, found)


def kill_in_the_middle(folder: Path, wanted: int, round_name: str) -> list[bytes]:
    """Keep several clients busy, kill the server at an acknowledgement, and return what was acknowledged."""
    acknowledged = Acknowledged(wanted)
    with running_server(folder) as (pid, smtp, imaps):
        chosen = [(deliver, smtp)] * SMTP_CLIENTS + [(append, imaps)] * IMAP_CLIENTS
        threads = [
            threading.Thread(target=until_killed, args=(client, port, f"{round_name}.{number}", acknowledged))
            for number, (client, port) in enumerate(chosen)
        ]
        for thread in threads:
            thread.start()
        assert acknowledged.enough.wait(TIMEOUT_S * 2)
        os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
    return acknowledged.mails


@seeded
@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: list[bytes] = []
    for number in range(KILLS):
        acknowledged += kill_in_the_middle(tmp_path, chance.randint(1, MOST_ACKNOWLEDGED), str(number))
    kept, uids = asyncio.run(everything(tmp_path / "mail.sqlite"))
    missing = [raw for raw in acknowledged if not any(each.endswith(raw) for each in kept)]
    assert missing == []
    assert uids == sorted(set(uids))


async def everything(path: Path) -> tuple[list[bytes], list[int]]:
    """Return all mails of INBOX, and their UIDs."""
    store = Store(path, [USER])
    store.open()
    try:
        inbox = await store.find_mailbox(USER, INBOX)
        infos = await store.list_messages(inbox.id)
        contents = await store.read_contents(inbox.id, [info.uid for info in infos])
        return [contents[info.uid].raw for info in infos], [info.uid for info in infos]
    finally:
        store.close()

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX
from tests.mailserver_sim.running import ADDRESS, TIMEOUT_S, USER, mail

SERVER = """
import sys
from pathlib import Path
from tests.mailserver_sim.running import LoopThread, RunningServer, make_cast
server = RunningServer(LoopThread(), make_cast(), Path(sys.argv[1]))
print(server.port("smtp"), flush=True)
sys.stdin.read()
"""
MAILS = 20


@pytest.mark.slow
def test_mail_that_was_answered_with_250_survives_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        with smtplib.SMTP("127.0.0.1", int(process.stdout.readline()), timeout=TIMEOUT_S) as client:
            for number in range(MAILS):
                client.sendmail("a@nb.example", [ADDRESS], mail(str(number)))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(TIMEOUT_S)
            client.close()
    assert asyncio.run(count(tmp_path / "mail.sqlite")) == MAILS


async def count(path: Path) -> int:
    store = Store(path, [USER])
    store.open()
    try:
        return (await store.status(USER, INBOX)).messages
    finally:
        store.close()

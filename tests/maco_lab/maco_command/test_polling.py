"""`maco-lab maco poll` on a terminal: a poll that takes long is told about while it runs."""

from __future__ import annotations

import contextlib
import os
import pty
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

import pytest

from maco_client.inbox_tables.locks import LockPlace
from maco_client.results import MOST_MAILS, PolledMail, Progress
from maco_client.tenant import Tenant
from maco_lab.cli import app
from maco_lab.maco_command import polling
from maco_lab.testing.lab import Lab
from tests.maco_lab.maco_command.command import Command

PLACE = LockPlace("mail.stadtwerke.example", "strom@stadtwerke.example", "INBOX")
WAITS = "way-a: lock, 0 mail(s) dealt with, 0 stored\r\n"


@contextlib.contextmanager
def terminal() -> Iterator[tuple[TextIO, TextIO]]:
    """Yield a terminal: what somebody sees there, and where a program writes."""
    seen, written = pty.openpty()
    with (
        os.fdopen(seen, encoding="utf-8", newline="\n") as screen,
        os.fdopen(written, "w", encoding="utf-8") as program,
    ):
        yield screen, program


def far(mails: int, *, known: int) -> Progress:
    """Return a poll's progress that has met so many mails, of which ``known`` were in the inbox already."""
    progress = Progress(stage="fetch")
    for number in range(mails):
        progress.note(PolledMail(number, 1, number, 100, "", already_known=number < known, post_processed=False))
    return progress


@pytest.mark.usefixtures("command")
def test_a_terminal_is_told_how_far_a_poll_is_beyond_what_its_result_names(
    maco_lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(polling, "LOOK_EVERY_S", 0.02)
    with terminal() as (screen, program), ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(sys, "stderr", program)
        with maco_lab.thread.loop.enter(maco_lab.running.inbox.poll_lock(PLACE, 60)):
            ended = threads.submit(app, ["maco", "poll", "way-a"])
            assert screen.readline() == WAITS
            monkeypatch.setattr(Tenant, "progress", lambda *_: far(MOST_MAILS + 234, known=200))
            while (line := screen.readline()) == WAITS:
                pass
        with pytest.raises(SystemExit, match=r"^0$"):
            ended.result()

    assert line == "way-a: fetch, 1234 mail(s) dealt with, 1034 stored\r\n"
    assert capsys.readouterr().out == "way-a: 0 mail(s) fetched\n"


def test_nobody_is_told_where_there_is_no_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "LOOK_EVERY_S", 0.001)

    assert command("poll", "way-a").err == ""

"""Whatever comes as an IMAP command is answered behind its tag, and the next command is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.imap_garbage import bounded, commands
from tests.faults.unharmed import MOST_ANSWERED, TRACEBACK, impatient, unharmed
from tests.mailserver_sim.running import LoopThread, RawClient, RunningServer, mail, make_cast

AT_ONCE = 8
_ANNOUNCED = re.compile(rb"\{(\d{1,4})\}\Z")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(LoopThread(), make_cast(), tmp_path_factory.mktemp("garbage"), offer_starttls=False)
    for subject in ("one", "Re: one", "two"):
        running.deliver(mail(subject, content_type="multipart/mixed; boundary=b", body="--b\r\n\r\nx\r\n--b--"))
    yield running
    running.stop()


def answer_to(client: RawClient, tag: bytes, command: bytes) -> bytes:
    """Send a command, with what it announces when that is asked for, and return its tagged answer."""
    announced = _ANNOUNCED.search(command)
    client.send(tag + b" " + command + b"\r\n")
    answered = 0
    while not (line := client._file.readline()).startswith(tag + b" "):
        assert line, "the connection ended"
        if announced is not None and line.startswith(b"+ "):
            client.send(b"x" * int(announced[1]) + b"\r\n")
        answered += len(line)
        assert answered < MOST_ANSWERED
        assert TRACEBACK not in line
        assert not line.startswith(b"* BYE")
    return line.removeprefix(tag + b" ").removesuffix(b"\r\n")


@pytest.mark.slow
@bounded
@given(sent=st.lists(commands, min_size=AT_ONCE, max_size=2 * AT_ONCE), logged_in=st.sampled_from([True] * 4 + [False]))
def test_each_command_is_answered_and_the_connection_stays_in_step(
    server: RunningServer, caplog: pytest.LogCaptureFixture, sent: list[bytes], *, logged_in: bool
) -> None:
    with unharmed(server, caplog), impatient(server.raw()) as client:
        if logged_in:
            client.command(b'l LOGIN edifact "se\\"cr\\\\et"')
            client.command(b"s SELECT INBOX")
        for number, command in enumerate(sent):
            assert answer_to(client, b"t%d" % number, command).startswith((b"OK ", b"NO ", b"BAD "))
            assert answer_to(client, b"z", b"SELECT INBOX" if logged_in else b"NOOP").startswith(b"OK ")

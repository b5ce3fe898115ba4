"""A poll in a process of its own, which dies by SIGKILL: at a named moment, or after some time.

Processes are forked from a nursery that has everything imported, so that each begins at once and has no thread of the
tests in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certs.summary import summarize
from maco_client.fault_points import FaultPoint, FaultPointName, no_fault
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.poller import Poller
from maco_client.results import PollResult
from maco_client.settings import (
    Credential,
    EmailConnection,
    EmailServer,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
)
from maco_wire.observation import Address
from tests.maco_client.bench import leading_to

ENDS_S = 30.0
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Poll:
    """Which mailbox is polled, how, and into which inbox; ``root`` is the DER of the root that MaCo trusts."""

    inbox: Path
    address: Address
    host: str
    root: bytes
    user: str
    password: str
    post_processing: PostProcessing
    archive_folder: str
    selects_all: bool = False
    by: TransportProtocol = TransportProtocol.IMAP4
    partial_fetch: bool = False
    max_messages: int | None = None

    def connection(self) -> EmailConnection:
        is_pop3 = self.by is TransportProtocol.POP3
        server = EmailServer("stadtwerke", f"{self.host}:{995 if is_pop3 else 993}", ProxyType.INTERNET)
        credential = Credential("mailbox", self.user, self.password)
        return EmailConnection(
            "market mail",
            server,
            Protection.POP3S if is_pop3 else Protection.IMAPS,
            credential,
            transport_protocol=self.by,
            selection=Selection.ALL if self.selects_all else None,
            post_processing=self.post_processing,
            archive_folder=self.archive_folder,
            partial_fetch=self.partial_fetch,
            max_messages_per_poll=self.max_messages,
        )


def run(poll: Poll, die_at: FaultPointName | None = None) -> PollResult:
    """Poll once in this process, or die."""

    def fault_point(point: FaultPointName) -> None:
        if point == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return run_through(poll, fault_point)


def run_through(poll: Poll, fault_point: FaultPoint) -> PollResult:
    """Poll once in this process; ``fault_point`` is told of every moment."""
    inbox = Inbox(poll.inbox)
    try:
        return asyncio.run(poller_of(poll, inbox, fault_point).poll())
    finally:
        inbox.close()


def poller_of(poll: Poll, inbox: Inbox, fault_point: FaultPoint = no_fault) -> Poller:
    """Return what polls into an open inbox."""
    return Poller(
        poll.connection(),
        proxy=None,
        tokens=None,
        key_store=KeyStore({"root": poll.root}),
        inbox=inbox,
        record=lambda _: None,
        describe_certificate=summarize,
        resolve=leading_to(poll.address),
        fault_point=fault_point,
    )


class Nursery:
    """Forks polls, one at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def killed_at(self, poll: Poll, point: FaultPointName) -> bool:
        """Let a process poll and kill itself at ``point``; False if it never came there."""
        return self._exit_code(poll, point, ENDS_S) == -signal.SIGKILL

    def killed_after(self, poll: Poll, seconds: float) -> bool:
        """Let a process poll and kill it after so many seconds; False if it was through by then."""
        return self._exit_code(poll, None, seconds) == -signal.SIGKILL

    def _exit_code(self, poll: Poll, point: FaultPointName | None, seconds: float) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((poll, point, seconds), self._process.stdin)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Run a nursery while the block runs."""
    command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def serve() -> None:
    """Be the nursery: for each request on standard input fork a poll and write how it ended."""
    gc.freeze()  # a collection in a child would copy every page that it shares with this process
    while True:
        try:
            poll, point, seconds = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        child = os.fork()
        if not child:
            run(poll, point)
            os._exit(0)
        signal.signal(signal.SIGALRM, functools.partial(_kill, child))
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        _, status = os.waitpid(child, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _kill(child: int, *_: object) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just been waited for
        os.kill(child, signal.SIGKILL)

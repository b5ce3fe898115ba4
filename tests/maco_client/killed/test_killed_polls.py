"""kill -9 at every step of a poll: each mail ends exactly once in the inbox, and in the right folder on the server."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from maco_client.fault_points import FaultPointName
from maco_client.inbox import Inbox
from maco_client.settings import PostProcessing, TransportProtocol
from maco_lab.testing.lab import Lab
from mailserver_sim.imap import capabilities
from tests.faults.seeds import SOAK, seeded
from tests.maco_client.killed import victim
from tests.maco_client.killed.victim import Nursery, Poll, nursery
from tests.pop3 import with_pop3

PROMISED_RUNS = 500 if SOAK else 50
"""How many polls are killed in all, at the least."""
FEWEST_RUNS = 63 if SOAK else 0
"""For each of the eight ways below, beside one at each moment: they are made however slow the machine is."""
WANTED_RUNS = 84 if SOAK else 0
LONGEST_S = 90.0
"""After that no run begins beyond the fewest."""
LONGEST_POLL_S = 0.15
"""About what a poll takes here; a kill at random lies within it."""
ALWAYS: tuple[FaultPointName, ...] = ("locked", "searched", "fetched", "committed", "post_processed", "closed")


@dataclass(frozen=True)
class Way:
    """A post-processing, whether the server has MOVE, and the moments that only this way has."""

    how: PostProcessing
    moves: bool
    points: tuple[FaultPointName, ...]
    by: TransportProtocol = TransportProtocol.IMAP4

    def __str__(self) -> str:
        if self.by is TransportProtocol.POP3:
            return f"{self.how}-POP3"
        return f"{self.how}-{'MOVE' if self.moves else 'COPY'}" if self.how.archives else str(self.how)


COPY: tuple[FaultPointName, ...] = ("archive_begun", "copied", "copy_recorded", "deleted")
WAYS = (
    Way(PostProcessing.MARK_READ, True, ("marked_read",)),
    Way(PostProcessing.DELETE, True, ("deleted",)),
    Way(PostProcessing.ARCHIVE, True, ("moved",)),
    Way(PostProcessing.ARCHIVE_AND_MARK_READ, True, ("marked_read", "moved")),
    Way(PostProcessing.ARCHIVE, False, COPY),
    Way(PostProcessing.ARCHIVE_AND_MARK_READ, False, ("marked_read", *COPY)),
    Way(PostProcessing.DELETE, True, ("deleted",), TransportProtocol.POP3),
    Way(PostProcessing.LEAVE, True, (), TransportProtocol.POP3),
)


def points_of(way: Way) -> tuple[FaultPointName, ...]:
    return (*ALWAYS, *way.points)


def fewest_runs(way: Way) -> int:
    return max(FEWEST_RUNS, len(points_of(way)))


def mail(run: int, number: int) -> bytes:
    return f"Subject: {run}/{number}\r\nMessage-ID: <{run}.{number}@nb.example>\r\n\r\n{'x' * 50 * number}\r\n".encode()


def is_of(run: int, raw: bytes) -> bool:
    return raw.startswith(b"Subject: %d/" % run)


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    with nursery() as running:
        yield running


@pytest.mark.maco_lab(change=with_pop3)
@pytest.mark.slow
@pytest.mark.timeout(600)
@seeded
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_killed_poll_neither_loses_nor_doubles_a_mail(
    maco_lab: Lab, processes: Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: Way, seed: int
) -> None:
    if not way.moves:
        without = tuple(each for each in capabilities.CAPABILITIES if each.name != "MOVE")
        monkeypatch.setattr(capabilities, "CAPABILITIES", without)
    dice = random.Random(f"{seed} {way}")
    points = points_of(way)
    began = time.monotonic()
    for run in range(max(WANTED_RUNS, fewest_runs(way))):
        if run >= fewest_runs(way) and time.monotonic() - began > LONGEST_S:
            break
        poll = a_poll(maco_lab, tmp_path / f"{run}.db", way, run)
        mails = [mail(run, number) for number in range(dice.randint(1, 4))]
        mails += mails[: dice.randint(0, 1)]  # the very same bytes once more
        for each in mails:
            maco_lab.mail_server.deliver(poll.user, each)

        point = points[run % len(points)]
        story = f"killed at {point}"
        assert processes.killed_at(poll, point), f"no poll came to {point}"
        for _ in range(dice.randint(0, 2)):
            if dice.random() < 0.5:
                point = dice.choice(points)
                story += f", at {point}: {processes.killed_at(poll, point)}"
            else:
                seconds = dice.uniform(0, LONGEST_POLL_S)
                story += f", after {seconds:.3f} s: {processes.killed_after(poll, seconds)}"

        result = victim.run(poll)
        assert result.succeeded, f"{story}: {result}"
        # Mails of earlier runs come too where they are left on the server.
        assert Counter(each for each in in_inbox(poll).elements() if is_of(run, each)) == Counter(mails), story
        assert on_server(maco_lab, poll, run) == expected(way, mails), story


def test_as_many_polls_are_killed_as_promised() -> None:
    assert sum(fewest_runs(way) for way in WAYS) >= PROMISED_RUNS


def a_poll(lab: Lab, inbox: Path, way: Way, run: int) -> Poll:
    server = lab.mail_server
    user, password = next(iter(server.accounts.items()))
    return Poll(
        inbox=inbox,
        address=server.addresses["pop3s" if way.by is TransportProtocol.POP3 else "imaps"],
        host=lab.authority.settings.mail_host,
        root=lab.authority.root.identity.certificate.public_bytes(Encoding.DER),
        user=user,
        password=password,
        post_processing=way.how,
        archive_folder=f"Archive {run}" if way.how.archives else "",
        by=way.by,
    )


def in_inbox(poll: Poll) -> Counter[bytes]:
    inbox = Inbox(poll.inbox)
    try:
        return Counter(inbox.raw(each.id) for each in inbox.mails())
    finally:
        inbox.close()


def on_server(lab: Lab, poll: Poll, run: int) -> dict[str, Counter[tuple[bytes, bool]]]:
    """Return the mails of this run by folder, each with whether it is read."""
    folders = ["INBOX", poll.archive_folder] if poll.archive_folder else ["INBOX"]
    return {
        folder: Counter(
            (each.raw, "\\Seen" in each.flags)
            for each in lab.mail_server.mails(poll.user, folder)
            if is_of(run, each.raw)
        )
        for folder in folders
    }


def expected(way: Way, mails: list[bytes]) -> dict[str, Counter[tuple[bytes, bool]]]:
    there = Counter((each, way.how.marks_read) for each in mails)
    if way.how in (PostProcessing.MARK_READ, PostProcessing.LEAVE):
        return {"INBOX": there}
    gone: Counter[tuple[bytes, bool]] = Counter()
    if way.how is PostProcessing.DELETE:
        return {"INBOX": gone}
    return {"INBOX": gone, f"Archive {int(next(iter(mails)).split(b'/')[0].split()[-1])}": there}

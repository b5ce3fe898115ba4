"""MaCo's post-processings at a real Dovecot, with MOVE and without, killed, cut and numbered anew, and its settings."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Authority
from maco_client.fault_points import FaultPoint, FaultPointName
from maco_client.inbox import Inbox
from maco_client.settings import PostProcessing
from maco_wire.observation import Address
from tests.maco_client.killed import victim
from tests.maco_client.killed.test_killed_polls import in_inbox
from tests.maco_client.killed.victim import Nursery, Poll, nursery
from tests.real.dovecot import Dovecot, dovecot

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOST, PASSWORD = "mail.stadtwerke.example", "sesame"
MAILS = [f"Subject: {number}\r\nMessage-ID: <{number}@nb>\r\n\r\n{'x' * 500}\r\n".encode() for number in (1, 2)]
MAILS.append(MAILS[0])  # the very same bytes once more
HOWS: list[PostProcessing] = [each for each in PostProcessing if each is not PostProcessing.LEAVE]
BLOCK = 16 * 1024  # facts, section 2.6: partial fetch
RELAY_S = 20.0
WITHOUT_MOVE = "imap_capability = IMAP4rev1 UIDPLUS\n"
ALWAYS: tuple[FaultPointName, ...] = ("locked", "searched", "fetched", "committed", "post_processed", "closed")
KILLED: tuple[tuple[PostProcessing, FaultPointName], ...] = (
    *((PostProcessing.MARK_READ, point) for point in (*ALWAYS, "marked_read")),
    *((PostProcessing.DELETE, point) for point in (*ALWAYS, "deleted")),
)
LARGE = b"Subject: large\r\n\r\n" + b"0123456789" * 20_000 + b"\r\n"
KILLED_COPY: tuple[FaultPointName, ...] = ("archive_begun", "copied", "copy_recorded", "deleted", "post_processed")


@dataclass(frozen=True)
class At:
    """A Dovecot, and how it is polled; each test has a user of its own."""

    server: Dovecot
    poll: Poll

    def user(self, name: str, how: PostProcessing, folder: Path) -> Poll:
        archive = "Archive" if how.archives else ""
        return replace(self.poll, user=name, inbox=folder / f"{name}.db", post_processing=how, archive_folder=archive)


USERS = [f"user{number}" for number in range(50)]


def serve(folder: Path, more: str) -> Iterator[At]:
    root = Authority.root("Root", now=dt.datetime.now(dt.UTC))
    der = root.identity.certificate.public_bytes(Encoding.DER)
    with dovecot(folder, root.issue(HOST, dns_names=[HOST]), dict.fromkeys(USERS, PASSWORD), more) as server:
        poll = Poll(folder, server.imaps, HOST, der, "", PASSWORD, PostProcessing.MARK_READ, "")
        yield At(server, poll)


@pytest.fixture(scope="module")
def with_move(tmp_path_factory: pytest.TempPathFactory) -> Iterator[At]:
    yield from serve(tmp_path_factory.mktemp("move"), "")


@pytest.fixture(scope="module")
def without_move(tmp_path_factory: pytest.TempPathFactory) -> Iterator[At]:
    yield from serve(tmp_path_factory.mktemp("copy"), WITHOUT_MOVE)


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    with nursery() as running:
        yield running


def folders(at: At, poll: Poll) -> tuple[Counter[bytes], Counter[bytes]]:
    archived = at.server.mails(poll.user, poll.archive_folder) if poll.archive_folder else []
    return Counter(at.server.mails(poll.user)), Counter(archived)


def expected(how: PostProcessing) -> tuple[Counter[bytes], Counter[bytes]]:
    there, nothing = Counter(MAILS), Counter[bytes]()
    if how is PostProcessing.MARK_READ:
        return there, nothing
    return nothing, there if how.archives else nothing


@contextlib.contextmanager
def cut_after(address: Address, count: int) -> Iterator[Address]:
    """Forward one connection to ``address``, and end it both ways after so many bytes from there."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(2) as threads:
        listener.settimeout(RELAY_S)
        done = threads.submit(_forward, listener, address, count, threads)
        yield listener.getsockname()
        done.result(RELAY_S)


def _forward(listener: socket.socket, address: Address, count: int, threads: ThreadPoolExecutor) -> None:
    connection, _ = listener.accept()
    with connection, socket.create_connection(address, RELAY_S) as server:
        connection.settimeout(RELAY_S)
        there = threads.submit(_copy, connection, server)
        while count > 0 and (data := server.recv(min(count, 65_536))):
            connection.sendall(data)
            count -= len(data)
        for each in (connection, server):
            each.shutdown(socket.SHUT_RDWR)
        there.result(RELAY_S)
    assert count == 0, "the connection ended before it was cut"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was cut
        while data := source.recv(65_536):
            target.sendall(data)


@pytest.mark.parametrize("fixture", ["with_move", "without_move"])
@pytest.mark.parametrize("how", HOWS)
def test_each_mail_is_in_the_inbox_once_and_in_the_right_folder(
    request: pytest.FixtureRequest, tmp_path: Path, fixture: str, how: PostProcessing
) -> None:
    at: At = request.getfixturevalue(fixture)
    poll = at.user(USERS[HOWS.index(how)], how, tmp_path)
    for mail in MAILS:
        at.server.deliver(poll.user, mail)

    first, second = victim.run(poll), victim.run(poll)

    assert (first.succeeded, first.stored, second.succeeded, second.stored) == (True, len(MAILS), True, 0)
    assert sum(mail.duplicate_of is not None for mail in first.mails) == 1
    assert in_inbox(poll) == Counter(MAILS)
    assert folders(at, poll) == expected(how)


@pytest.mark.parametrize("point", KILLED_COPY)
def test_a_half_done_archive_is_finished_without_a_second_copy(
    without_move: At, processes: Nursery, tmp_path: Path, point: FaultPointName
) -> None:
    how = PostProcessing.ARCHIVE
    poll = without_move.user(USERS[10 + KILLED_COPY.index(point)], how, tmp_path)
    for mail in MAILS:
        without_move.server.deliver(poll.user, mail)

    assert processes.killed_at(poll, point)
    result = victim.run(poll)

    assert result.succeeded, result
    assert in_inbox(poll) == Counter(MAILS)
    assert folders(without_move, poll) == expected(how)


def test_a_move_that_was_not_answered_is_not_made_again(with_move: At, processes: Nursery, tmp_path: Path) -> None:
    poll = with_move.user(USERS[16], PostProcessing.ARCHIVE, tmp_path)
    for mail in MAILS:
        with_move.server.deliver(poll.user, mail)

    assert processes.killed_at(poll, "moved")
    assert victim.run(poll).succeeded
    assert folders(with_move, poll) == expected(PostProcessing.ARCHIVE)


@pytest.mark.parametrize(("how", "point"), KILLED)
def test_a_poll_that_is_killed_in_the_middle_neither_loses_nor_doubles_a_mail(
    with_move: At, processes: Nursery, tmp_path: Path, how: PostProcessing, point: FaultPointName
) -> None:
    poll = with_move.user(USERS[20 + KILLED.index((how, point))], how, tmp_path)
    for mail in MAILS:
        with_move.server.deliver(poll.user, mail)

    assert processes.killed_at(poll, point)
    result = victim.run(poll)

    assert result.succeeded, result
    assert in_inbox(poll) == Counter(MAILS)
    assert folders(with_move, poll) == expected(how)


def test_a_connection_that_is_cut_in_a_literal_loses_nothing(with_move: At, tmp_path: Path) -> None:
    poll = with_move.user(USERS[40], PostProcessing.DELETE, tmp_path)
    with_move.server.deliver(poll.user, MAILS[0])
    with_move.server.deliver(poll.user, LARGE)

    with cut_after(poll.address, len(LARGE) // 2) as relay:
        cut = victim.run(replace(poll, address=relay))
    again = victim.run(poll)

    assert (cut.succeeded, cut.stage, cut.error) == (False, "fetch", "Connection dropped by server?")
    assert again.succeeded, again
    assert in_inbox(poll) == Counter([MAILS[0], LARGE])
    assert folders(with_move, poll) == expected(PostProcessing.DELETE)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[At]:
    yield from serve(tmp_path, "")


@pytest.mark.parametrize("point", ["fetched", "committed", "marked_read"])
def test_a_dovecot_that_dies_during_a_poll_loses_and_doubles_nothing_once_it_is_back(
    mortal: At, tmp_path: Path, point: FaultPointName
) -> None:
    poll = mortal.user(USERS[0], PostProcessing.ARCHIVE_AND_MARK_READ, tmp_path)
    for mail in MAILS:
        mortal.server.deliver(poll.user, mail)

    broken = victim.run_through(poll, lambda now: mortal.server.kill() if now == point else None)
    with mortal.server.started_again():
        again, idle = victim.run(poll), victim.run(poll)
        left = folders(mortal, poll)

    assert (broken.succeeded, again.succeeded, idle.stored) == (False, True, 0), (broken, again)
    assert in_inbox(poll) == Counter(MAILS)
    assert left == expected(PostProcessing.ARCHIVE_AND_MARK_READ)


def test_blocks_of_a_partial_fetch_are_the_mail_again(with_move: At, tmp_path: Path) -> None:
    poll = replace(with_move.user(USERS[41], PostProcessing.MARK_READ, tmp_path), partial_fetch=True)
    head = b"Subject: block\r\n\r\n"
    mails = [LARGE, *(head + b"x" * (BLOCK + beyond - len(head) - 2) + b"\r\n" for beyond in (-1, 0, 1))]
    for mail in mails:
        with_move.server.deliver(poll.user, mail)

    assert victim.run(poll).succeeded
    assert in_inbox(poll) == Counter(mails)


def test_a_message_limit_is_kept_and_the_next_polls_bring_the_rest(with_move: At, tmp_path: Path) -> None:
    poll = replace(with_move.user(USERS[42], PostProcessing.MARK_READ, tmp_path), max_messages=2)
    names = [with_move.server.deliver(poll.user, mail) for mail in MAILS]

    first, read = victim.run(poll), with_move.server.flags(poll.user)
    others = [victim.run(poll).stored for _ in range(2)]

    assert (first.stored, others) == (2, [1, 0])
    assert sorted("\\Seen" in read[name] for name in names) == [False, True, True]
    assert in_inbox(poll) == Counter(MAILS)


async def test_two_polls_of_one_folder_wait_for_each_other(with_move: At, tmp_path: Path) -> None:
    poll = replace(with_move.user(USERS[43], PostProcessing.MARK_READ, tmp_path), selects_all=True)
    for mail in MAILS:
        with_move.server.deliver(poll.user, mail)
    moments: list[int] = []
    inbox = Inbox(poll.inbox)

    def told(number: int) -> FaultPoint:
        return lambda _: moments.append(number)

    try:
        results = await asyncio.gather(*(victim.poller_of(poll, inbox, told(number)).poll() for number in (1, 2)))
    finally:
        inbox.close()

    assert [each.succeeded for each in results] == [True, True]
    assert sorted(each.stored for each in results) == [0, len(MAILS)]
    assert in_inbox(poll) == Counter(MAILS)
    assert len(list(itertools.groupby(moments))) == 2, moments


def test_another_process_does_not_come_to_a_folder_that_is_polled(
    with_move: At, processes: Nursery, tmp_path: Path
) -> None:
    poll = with_move.user(USERS[44], PostProcessing.DELETE, tmp_path)
    for mail in MAILS:
        with_move.server.deliver(poll.user, mail)
    came: list[bool] = []

    def meanwhile(point: FaultPointName) -> None:
        if point in ("searched", "committed", "deleted"):
            came.append(processes.killed_at(poll, "locked"))

    assert victim.run_through(poll, meanwhile).stored == len(MAILS)
    assert came == [False] * 3
    assert processes.killed_at(poll, "locked"), "the lock is given back"
    assert victim.run(poll).succeeded, "a lock ends with its process"
    assert in_inbox(poll) == Counter(MAILS)
    assert folders(with_move, poll) == expected(PostProcessing.DELETE)


def test_a_mailbox_that_dovecot_numbers_anew_doubles_no_mail(with_move: At, tmp_path: Path) -> None:
    poll = replace(with_move.user(USERS[17], PostProcessing.MARK_READ, tmp_path), selects_all=True)
    for mail in MAILS:
        with_move.server.deliver(poll.user, mail)
    first = victim.run(poll)
    with_move.server.forget_numbers(poll.user)
    with_move.server.deliver(poll.user, b"Subject: new\r\n\r\n")
    second = victim.run(poll)

    assert (first.stored, second.succeeded, second.stored) == (len(MAILS), True, 1)
    assert first.mails[0].uid_validity != second.mails[0].uid_validity
    assert sum(mail.already_known for mail in second.mails) == len(MAILS)
    assert in_inbox(poll) == Counter([*MAILS, b"Subject: new\r\n\r\n"])

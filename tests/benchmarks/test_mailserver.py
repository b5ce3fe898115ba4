"""The benchmark of the mail server: its mails, its client, its table."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.mailserver.cli import OWNER
from benchmarks.mailserver.client import ImapClient
from benchmarks.mailserver.rows import ROWS, figures
from benchmarks.mailserver.scale import FULL, QUICK, UNSEEN, Scale, mail, mails
from benchmarks.relay.generator.opening import LoadError
from benchmarks.relay.report.machine import version_in
from benchmarks.relay.report.page import BEGIN, END, between_markers
from benchmarks.relay.report.results import line
from benchmarks.relay.report.table import WIDTH, terminal
from maco_wire.observation import Address
from tests.benchmarks.samples import samples


@contextmanager
def saying(*pieces: bytes) -> Iterator[Address]:
    """Greet one client and answer whatever it sends with ``pieces``."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"* OK ready\r\n")
            connection.recv(1000)
            for piece in pieces:
                connection.sendall(piece)
            connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        thread.join()


@pytest.mark.parametrize("size", [200, 1000, 10_000])
def test_a_mail_has_exactly_its_size_and_no_line_that_begins_with_a_dot(size: int) -> None:
    raw = mail(7, size)
    assert len(raw) == size
    assert raw.endswith(b"\r\n")
    assert b"\n." not in raw


def test_the_first_mails_of_a_mailbox_are_unread() -> None:
    assert [is_read for _, is_read in mails(UNSEEN + 2, 200)] == [False] * UNSEEN + [True] * 2


def test_an_answer_ends_with_its_tagged_line_however_it_comes() -> None:
    answer = [b"* 1 FETCH (BODY[] {6}\r\nx OK .)\r\n", b"t O", b"K done\r\n"]
    with saying(*answer) as address, ImapClient(address) as client:
        assert client.command(b"FETCH 1 BODY[]") == len(b"".join(answer))


def test_a_refused_command_is_no_measurement() -> None:
    with saying(b"t NO [SERVERBUG] no\r\n") as address, ImapClient(address) as client, pytest.raises(LoadError):
        client.command(b"NOOP")


@pytest.mark.parametrize("scale", [FULL, QUICK])
def test_every_figure_belongs_to_a_row_and_fits_into_the_table(scale: Scale) -> None:
    columns = [("ours", "ours"), ("dovecot", "Dovecot")]
    for figure in figures(scale):
        assert figure.key.partition(".")[0] in {row.key for row in ROWS}
        found = line(figure, {name: samples(figure.key, 99_999.0) for name, _ in columns}, {"dovecot"})
        assert found is not None
        assert max(len(row) for row in terminal([found], columns).splitlines()) <= WIDTH


def test_each_benchmark_writes_into_its_own_place_of_the_page() -> None:
    mine = [marker.replace("benchmarks.relay", OWNER) for marker in (BEGIN, END)]
    page = f"{BEGIN}\nrelay\n{END}\n{mine[0]}\nold\n{mine[1]}\n"
    assert between_markers(page, "new", OWNER) == f"{BEGIN}\nrelay\n{END}\n{mine[0]}\n\nnew\n\n{mine[1]}\n"


def test_the_version_of_dovecot_is_what_it_says() -> None:
    assert version_in("2.3.19.1 (9b53102964)\n") == "2.3.19.1"

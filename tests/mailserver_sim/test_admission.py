from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_wire.observation import Problem
from mailserver_sim import admission
from mailserver_sim.admission import MOST_REFUSALS, Admission, ListeningSocket
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, PROTOCOLS, TIMEOUT_S, RawClient, RunningServer

PLAIN_PROTOCOLS = ("imap", "smtp", "submission", "pop3")
# RFC 3501, section 7.1.5, with the code of RFC 5530; RFC 5321, section 3.8; RFC 3206, section 4
IMAP, SMTP, POP3 = b"* BYE [UNAVAILABLE] ", b"421 4.3.2 ", b"-ERR [SYS/TEMP] "
REFUSALS = {"imap": IMAP, "imaps": IMAP, "smtp": SMTP, "submission": SMTP, "smtps": SMTP, "pop3": POP3, "pop3s": POP3}


class Connection:
    """What is admitted or refused."""


def connect(server: RunningServer, protocol: str) -> RawClient:
    client = socket.create_connection(server.address(protocol), TIMEOUT_S)
    if protocol not in PLAIN_PROTOCOLS:
        client = server.client_context().wrap_socket(client, server_hostname=HOST_NAME)
    return RawClient(client)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_connection_beyond_the_limit_is_told_and_closed(start_server: StartServer, protocol: str) -> None:
    server = start_server(max_connections_per_port=2)
    with connect(server, protocol) as first, connect(server, protocol) as second:
        assert first.line()
        assert second.line()
        with connect(server, protocol) as third:
            rest = third.rest()
        assert rest.startswith(REFUSALS[protocol])
        assert rest.count(b"\r\n") == 1
        for other in PROTOCOLS:  # the limit is one of each port
            if other != protocol:
                with connect(server, other) as client:
                    assert client.line()
    assert server.loop.run(server.server._connections.all_gone(5))
    with connect(server, protocol) as again:
        assert not again.line().startswith(REFUSALS[protocol])


@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_many_refusals_are_one_report(start_server: StartServer, protocol: str) -> None:
    server = start_server(max_connections_per_port=1)
    with connect(server, protocol) as first:
        first.line()
        for _ in range(5):
            with connect(server, protocol) as client:
                assert client.rest()
    (problem,) = server.recorder.wait_for(Problem)
    assert problem.local == server.address(protocol)
    assert "more than 1 connections" in problem.text


@pytest.mark.parametrize("protocol", ["imaps", "smtps"])
def test_clients_that_are_refused_and_say_nothing_are_bounded_too(start_server: StartServer, protocol: str) -> None:
    server = start_server(max_connections_per_port=1)
    with connect(server, protocol) as first, contextlib.ExitStack() as silent:
        first.line()
        for _ in range(MOST_REFUSALS):
            silent.enter_context(socket.create_connection(server.address(protocol), TIMEOUT_S))
        with socket.create_connection(server.address(protocol), TIMEOUT_S) as beyond:
            assert beyond.recv(1) == b""


def test_a_port_is_reported_again_only_after_half_of_it_was_free() -> None:
    reports: list[str] = []
    port = Admission(4, reports.append)
    served = [Connection() for _ in range(4)]
    for each in served:
        port.admit(each)
    assert port.is_full
    for left in (1, 1, 0):
        refused = Connection()
        port.refuse(refused)
        port.leave(refused)
        assert len(reports) == 1
        port.leave(served.pop())
        if left:
            served.append(Connection())
            port.admit(served[-1])
    port.leave(served.pop())
    port.refuse(refused)
    assert len(reports) == 2


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListeningSocket]:
    monkeypatch.setattr(admission, "_last_logged_s", -1e9)
    with ListeningSocket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)
        yield listening


def test_who_waits_for_a_descriptor_is_closed_and_logged_once(
    listening: ListeningSocket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    really_accept = socket.socket.accept
    attempts = 0

    def accept(this: socket.socket) -> tuple[socket.socket, object]:
        nonlocal attempts
        attempts += 1
        if attempts % 2:  # with the reserve given away it works
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return really_accept(this)

    monkeypatch.setattr(socket.socket, "accept", accept)
    for _ in range(3):
        with socket.create_connection(listening.getsockname(), TIMEOUT_S) as client:
            with pytest.raises(BlockingIOError):
                listening.accept()
            assert client.recv(1) == b""
    assert [(each.levelno, each.exc_info) for each in caplog.records] == [(logging.WARNING, None)]


_STARVING = """
import asyncio, logging, resource, socket, ssl, sys
from pathlib import Path
from tests.mailserver_sim.running import LoopThread, RunningServer, make_cast
logging.basicConfig(stream=sys.stdout, format="LOG %(levelname)s %(message)s")
protocol = sys.argv[2]
server = RunningServer(LoopThread(), make_cast(), Path(sys.argv[1]))
address = server.address(protocol)
clients = [socket.socket() for _ in range(40)]
for client in clients:
    client.settimeout(10)
in_use = max(client.fileno() for client in clients)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 10, hard))
greeted = 0
for client in clients:
    client.connect(address)
for client in clients:
    try:
        greeted += bool(client.recv(100))
    except ConnectionError:
        pass
for client in clients:
    client.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
with socket.create_connection(address, 10) as client:
    print("greeted", 0 < greeted < 40, bool(client.recv(100)))
server.stop()
"""


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_a_server_without_descriptors_goes_on_later_and_logs_one_line(tmp_path: Path, protocol: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STARVING, str(tmp_path), protocol],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    lines = done.stdout.splitlines()
    assert "Traceback" not in done.stdout + done.stderr
    assert lines[-1] == "greeted True True", done
    assert [line for line in lines if line.startswith("LOG")] == [
        "LOG WARNING out of file descriptors: new connections to the mail server are closed"
    ]

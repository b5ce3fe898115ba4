from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest

from maco_wire.observation import Problem
from mailserver_sim.imap.transport import ImapTransport
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, TIMEOUT_S, USER, RawClient, RunningServer, mail


def test_a_client_that_does_not_log_in_is_told_and_closed(start_server: StartServer) -> None:
    server = start_server(login_timeout_s=0.1)
    with server.raw() as client:
        client.command(b"a NOOP")  # only a login counts
        assert client.rest().startswith(b"* BYE ")


def test_a_client_that_idles_too_long_is_told_and_closed(start_server: StartServer) -> None:
    server = start_server(idle_timeout_s=0.1)
    with server.raw_logged_in() as client:
        assert client.rest().startswith(b"* BYE ")


def test_a_client_at_work_is_not_closed_by_the_login_timeout(start_server: StartServer) -> None:
    server = start_server(login_timeout_s=0.2)
    with server.raw_logged_in() as client, server.raw() as idle:
        assert idle.rest().startswith(b"* BYE ")  # the timeout of one that came later has passed
        assert client.command(b"a NOOP")[-1].startswith(b"a OK")


@pytest.mark.slow
def test_a_large_mail_arrives_whole_at_a_slow_client(server: RunningServer) -> None:
    raw = mail(body="0123456789\r\n" * 400_000)
    server.deliver(raw)
    client = server.imap(login=False)
    client.login(USER, PASSWORD)
    client.select()
    fetched = client.fetch("1", "(BODY.PEEK[])")[1][0]
    assert isinstance(fetched, tuple)
    assert fetched[1] == raw
    client.logout()


@pytest.mark.slow
def test_a_client_that_leaves_in_the_middle_of_a_mail_is_no_problem(server: RunningServer) -> None:
    server.deliver(mail(body="x" * 20_000_000))
    for protocol in ("imap", "imaps"):
        client = server.raw_logged_in(protocol)
        client.command(b"s SELECT INBOX")
        client.send(b"f FETCH 1 BODY[]\r\n")
        client.line()
        client.close()
    assert server.loop.run(server.server._connections.all_gone(5))
    assert server.recorder.of(Problem) == []


STOPPED_S = 3.0
"""The server gives itself 0.35 s; a client that is waited for would take the 60 s of a login, or for ever."""


def test_stop_says_goodbye_and_does_not_wait_for_the_clients_end(start_server: StartServer) -> None:
    server = start_server()
    with server.raw() as plain, server.raw_logged_in() as secure:
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < STOPPED_S
        assert len(server.server._connections) == 0
        assert plain.rest().startswith(b"* BYE ")
        assert secure.rest().startswith(b"* BYE ")


@pytest.mark.slow
def test_stop_does_not_wait_for_a_client_that_does_not_read(start_server: StartServer) -> None:
    server = start_server()
    server.deliver(mail(body="x" * 20_000_000))
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.send(b"f FETCH 1 BODY[]\r\n")
        client.line()
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < STOPPED_S
        assert len(server.server._connections) == 0


FLOOD_TAG = b"t" * 4000
FLOOD = FLOOD_TAG + b" NOOP\r\n"
FLOOD_COUNT = 4000
MOST_UNSENT = 2 * 64 * 1024 + 2 * len(FLOOD)
"""Twisted's limit for a producer, as much again that its TLS collects first, and the answer that goes beyond it."""


class Unread:
    """Watch how much a server keeps for a client that does not read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        self.congested = threading.Event()
        send, pause = ImapTransport.send, ImapTransport.pauseProducing

        def watched_send(transport: ImapTransport, data: bytes) -> None:
            send(transport, data)
            self.most = max(self.most, len(transport.socket.dataBuffer) + transport.socket._tempDataLen)

        def watched_pause(transport: ImapTransport) -> None:
            pause(transport)
            self.congested.set()

        monkeypatch.setattr(ImapTransport, "send", watched_send)
        monkeypatch.setattr(ImapTransport, "pauseProducing", watched_pause)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Unread:
    return Unread(monkeypatch)


def push_until_stuck(client: RawClient, data: bytes) -> int:
    """Send without reading until the server takes no more; return how much it took."""
    client.connection.settimeout(0.3)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < len(data):
            sent += client.connection.send(data[sent : sent + 4096])
    client.connection.settimeout(TIMEOUT_S)
    return sent


@pytest.mark.parametrize("start", [RunningServer.raw, RunningServer.raw_logged_in])
def test_answers_that_are_not_read_do_not_pile_up_and_arrive_later(
    server: RunningServer, unread: Unread, start: Callable[[RunningServer], RawClient]
) -> None:
    with start(server) as client:
        sent = push_until_stuck(client, FLOOD * FLOOD_COUNT)
        assert sent < len(FLOOD) * FLOOD_COUNT
        assert unread.congested.is_set()
        assert unread.most <= MOST_UNSENT
        for _ in range(sent // len(FLOOD)):
            assert client.answer(FLOOD_TAG)[-1].startswith(FLOOD_TAG + b" OK ")
        client.send((FLOOD * FLOOD_COUNT)[sent : sent - sent % len(FLOOD) + len(FLOOD)])
        assert client.answer(FLOOD_TAG)[-1].startswith(FLOOD_TAG + b" OK ")
        assert unread.most <= MOST_UNSENT


@pytest.mark.slow
def test_idle_answers_that_are_not_read_do_not_pile_up(server: RunningServer, unread: Unread) -> None:
    with server.raw_logged_in() as client:
        client.send(b"i IDLE\r\n")
        client.line()
        sent = push_until_stuck(client, b"\n" * 300_000)  # each is answered by 30 bytes
        assert unread.congested.wait(TIMEOUT_S)
        for _ in range(sent):
            assert client.line().startswith(b"* BAD ")
        client.send(b"DONE\r\n")
        assert client.line().startswith(b"i OK ")
    assert unread.most <= MOST_UNSENT


def test_changes_and_signs_of_life_wait_while_an_idle_client_does_not_read(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(idle_keepalive_s=0.01)
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        (connection,) = server.server._connections
        assert isinstance(connection, ImapTransport)
        client.send(b"i IDLE\r\n")
        client.line()
        server.loop.call(connection.pauseProducing)
        sent: list[bytes] = []
        alive = threading.Semaphore(0)
        send, keep_alive = ImapTransport.send, ImapTransport.keep_alive

        def watched_send(transport: ImapTransport, data: bytes) -> None:
            sent.append(data)
            send(transport, data)

        def watched_keep_alive(transport: ImapTransport, line: bytes | None) -> None:
            alive.release()
            keep_alive(transport, line)

        monkeypatch.setattr(ImapTransport, "send", watched_send)
        monkeypatch.setattr(ImapTransport, "keep_alive", watched_keep_alive)
        server.deliver(mail())
        assert alive.acquire(timeout=TIMEOUT_S)
        assert alive.acquire(timeout=TIMEOUT_S)
        assert sent == []
        server.loop.call(connection.resumeProducing)
        assert sent[0] == b"* 1 EXISTS\r\n"


@pytest.mark.parametrize("logged_in", [False, True])
def test_timers_end_a_client_that_writes_and_never_reads(
    start_server: StartServer, unread: Unread, monkeypatch: pytest.MonkeyPatch, *, logged_in: bool
) -> None:
    monkeypatch.setattr("mailserver_sim.imap.transport.LINGER_S", 0.1)
    server = start_server(**{"idle_timeout_s" if logged_in else "login_timeout_s": 0.5})
    with server.raw_logged_in() if logged_in else server.raw() as client:
        # On a busy machine the server is sometimes faster than the flood; under TLS that is an end without goodbye.
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            push_until_stuck(client, FLOOD * FLOOD_COUNT)
        assert unread.congested.is_set()
        assert server.loop.run(server.server._connections.all_gone(5))


@pytest.mark.slow
def test_a_client_that_ends_tls_before_it_has_read_everything_leaves_nothing_behind(server: RunningServer) -> None:
    server.deliver(mail(body="x" * 20_000_000))
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.client_context().wrap_bio(incoming, outgoing, server_hostname=HOST_NAME)
    with plain:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        tls.write(b'l LOGIN edifact "se\\"cr\\\\et"\r\ns SELECT INBOX\r\nf FETCH 1 BODY[]\r\n')
        plain.sendall(outgoing.read())
        plain.recv(65536)
        with contextlib.suppress(ssl.SSLError):
            tls.unwrap()
        plain.sendall(outgoing.read())
        with contextlib.suppress(ConnectionError):
            while plain.recv(1 << 20):
                pass
    assert server.loop.run(server.server._connections.all_gone(5))


def test_what_comes_from_a_client_that_does_not_read_does_not_keep_it_alive(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    resets: list[object] = []
    with server.raw_logged_in():
        (connection,) = server.server._connections
        assert isinstance(connection, ImapTransport)
        monkeypatch.setattr(ImapTransport, "resetTimeout", lambda this: resets.append(this))  # noqa: PLW0108 - a method
        server.loop.call(connection.pauseProducing)
        server.loop.call(lambda: connection.plaintext_received(b"x"))
        assert resets == []
        server.loop.call(connection.resumeProducing)
        server.loop.call(lambda: connection.plaintext_received(b"x"))
        assert resets == [connection, connection]

from __future__ import annotations

import time

from maco_wire.observation import Problem
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import PASSWORD, USER, RunningServer, mail


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


def test_stop_says_goodbye_and_is_done_within_half_a_second(start_server: StartServer) -> None:
    server = start_server()
    with server.raw() as plain, server.raw_logged_in() as secure:
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 0.5
        assert len(server.server._connections) == 0
        assert plain.rest().startswith(b"* BYE ")
        assert secure.rest().startswith(b"* BYE ")


def test_stop_does_not_wait_for_a_client_that_does_not_read(start_server: StartServer) -> None:
    server = start_server()
    server.deliver(mail(body="x" * 20_000_000))
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.send(b"f FETCH 1 BODY[]\r\n")
        client.line()
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 0.5
        assert len(server.server._connections) == 0

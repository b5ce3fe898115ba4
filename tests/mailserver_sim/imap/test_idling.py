from __future__ import annotations

from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import RunningServer, mail


def test_new_mail_is_told_during_idle(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.send(b"i IDLE\r\n")
        assert client.line().startswith(b"+ ")
        server.deliver(mail())
        assert client.line() == b"* 1 EXISTS"
        assert client.line() == b"* 1 RECENT"
        client.send(b"DONE\r\n")
        assert client.line().startswith(b"i OK ")


def test_only_done_ends_idle(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.send(b"i IDLE\r\n")
        client.line()
        client.send(b"x LOGOUT\r\n")
        assert client.line().startswith(b"* BAD [CLIENTBUG] ")
        client.send(b"done\r\n")
        assert client.line().startswith(b"i OK ")


def test_the_server_is_heard_during_idle(start_server: StartServer) -> None:
    server = start_server(idle_keepalive_s=0.05)
    with server.raw_logged_in() as client:
        client.send(b"i IDLE\r\n")
        client.line()
        assert client.line().startswith(b"* OK ")
        assert client.line().startswith(b"* OK ")


def test_a_client_that_leaves_during_idle_leaves_nothing_behind(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.send(b"i IDLE\r\n")
        client.line()
    assert server.loop.run(server.server._connections.all_gone(5))
    assert server.server.store._listeners == {}


def test_noop_tells_new_mail(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        server.deliver(mail())
        assert client.command(b"a NOOP")[:-1] == [b"* 1 EXISTS", b"* 1 RECENT"]

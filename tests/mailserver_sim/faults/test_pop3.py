"""Every fault of POP3 as a client sees it: once, and then the server has recovered."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from maco_wire.observation import Login
from tests.mailserver_sim.faults.test_imap import assert_struck, break_at, connected
from tests.mailserver_sim.pop3.clients import ask, ask_long, log_in, raw_pop3s
from tests.mailserver_sim.running import HOST_NAME, USER, RawClient, RunningServer, mail

ENDS: dict[str, Callable[[RawClient], bytes]] = {"close": RawClient.rest, "reset": RawClient.rest_or_reset}


def test_a_connection_is_refused_in_the_greeting(server: RunningServer) -> None:
    break_at(server, "greeting.bye", protocol="pop3")

    with connected(server, "pop3") as refused:
        assert refused.rest() == b"-ERR [SYS/TEMP] Not now\r\n"
    with connected(server, "pop3") as greeted:
        assert greeted.line().startswith(b"+OK")
    assert_struck(server, "greeting.bye")


@pytest.mark.parametrize(("step", "invited"), [("starttls.not_offered", False), ("starttls.stripped", True)])
def test_stls_is_missing_for_one_connection(server: RunningServer, step: str, invited: bool) -> None:
    break_at(server, step, protocol="pop3")

    with server.raw("pop3") as client:
        for _ in range(2):
            told = ask_long(client, b"CAPA")
            assert (b"STLS" in told, b"USER" in told) == (False, invited)
        assert ask(client, b"USER " + USER.encode()).startswith(b"-ERR STLS first")
    with server.raw("pop3") as client:
        assert b"STLS" in ask_long(client, b"CAPA")
    assert_struck(server, step)


def test_stls_is_refused_once(server: RunningServer) -> None:
    break_at(server, "starttls.refused", protocol="pop3")

    with server.raw("pop3") as client:
        assert ask(client, b"STLS") == b"-ERR TLS is not available"
        assert ask(client, b"STLS").startswith(b"+OK")
    assert_struck(server, "starttls.refused")


def test_a_line_is_injected_behind_the_answer_to_stls(server: RunningServer) -> None:
    break_at(server, "starttls.injected", protocol="pop3", text="+OK Logged in")

    with server.raw("pop3") as client:
        assert ask(client, b"STLS") == b"+OK Begin TLS negotiation"
        assert client.line() == b"+OK Logged in"
    assert_struck(server, "starttls.injected")


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("protocol", ["pop3", "pop3s"])
def test_a_handshake_is_broken_with_a(server: RunningServer, protocol: str, how: str) -> None:
    break_at(server, "handshake.broken", protocol=protocol, how=how)
    plain = socket.create_connection(server.address(protocol), 10)
    if protocol == "pop3":
        client = RawClient(plain)
        client.line()
        assert ask(client, b"STLS").startswith(b"+OK")

    expected = ssl.SSLEOFError if how == "close" else ConnectionResetError
    with plain, pytest.raises(expected):
        server.client_context().wrap_socket(plain, server_hostname=HOST_NAME)

    assert_struck(server, "handshake.broken")


def test_the_second_login_fails_and_the_third_does_not(server: RunningServer) -> None:
    break_at(server, "login.refused", protocol="pop3s", after=1)

    with raw_pop3s(server) as first:
        log_in(first)
        assert ask(first, b"QUIT").startswith(b"+OK")
    with raw_pop3s(server) as client:
        ask(client, b"USER " + USER.encode())
        assert ask(client, b"PASS whatever") == b"-ERR [AUTH] Wrong user name or password"
        log_in(client)
    assert_struck(server, "login.refused")
    assert [each.succeeded for each in server.recorder.wait_for(Login, 3)] == [True, False, True]


@pytest.mark.parametrize("how", ENDS)
def test_the_connection_ends_behind_the_login_with_a(server: RunningServer, how: str) -> None:
    break_at(server, "login.dropped", protocol="pop3s", how=how)

    with raw_pop3s(server) as client:
        log_in(client)
        assert ENDS[how](client) == b""
    assert_struck(server, "login.dropped")


def test_a_maildrop_is_in_use_once(server: RunningServer) -> None:
    break_at(server, "mailbox.locked", protocol="pop3s")

    with raw_pop3s(server) as client:
        ask(client, b"USER " + USER.encode())
        assert ask(client, b"PASS whatever").startswith(b"-ERR [IN-USE]")
        log_in(client)
    assert_struck(server, "mailbox.locked")


@pytest.mark.parametrize("how", ENDS)
def test_a_message_is_cut_off_after_some_bytes_with_a(server: RunningServer, how: str) -> None:
    server.deliver(mail())
    break_at(server, "literal.cut", protocol="pop3s", bytes=7, how=how)

    with raw_pop3s(server) as client:
        log_in(client)
        assert ask(client, b"RETR 1") == f"+OK {len(mail())} octets".encode()
        rest = ENDS[how](client)
    assert rest == mail()[:7] or how == "reset"
    assert_struck(server, "literal.cut")
    with raw_pop3s(server) as client:
        log_in(client)
        assert ask(client, b"RETR 1").startswith(b"+OK")


def test_a_message_that_is_not_there_is_not_cut_off(server: RunningServer) -> None:
    break_at(server, "literal.cut", protocol="pop3s")

    with raw_pop3s(server) as client:
        log_in(client)
        assert ask(client, b"RETR 1").startswith(b"-ERR")
        assert ask(client, b"NOOP").startswith(b"+OK")

from __future__ import annotations

import socket

import pytest

from mailserver_sim.pop3.connection import LONGEST_LINE
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.pop3.clients import ask, ask_long, log_in, pop3s, raw_pop3s
from tests.mailserver_sim.running import TIMEOUT_S, RawClient, RunningServer, mail


def delivered(server: RunningServer, count: int) -> list[bytes]:
    mails = [mail(str(number), body=".\r\n..x") for number in range(count)]
    for each in mails:
        server.deliver(each)
    return mails


def test_a_mail_is_fetched_as_it_was_delivered(server: RunningServer) -> None:
    (raw,) = delivered(server, 1)
    client = pop3s(server)
    assert client.stat() == (1, len(raw))
    assert client.list()[1] == [b"1 %d" % len(raw)]
    assert b"\r\n".join([*client.retr(1)[1], b""]) == raw
    client.quit()


def test_what_is_deleted_goes_with_quit_and_not_before(server: RunningServer) -> None:
    delivered(server, 3)
    with log_in(raw_pop3s(server)) as client:
        assert ask(client, b"DELE 2").startswith(b"+OK")
        assert ask(client, b"DELE 2").startswith(b"-ERR")
        assert ask(client, b"RETR 2").startswith(b"-ERR")
        assert [line.split()[0] for line in ask_long(client, b"LIST")] == [b"1", b"3"]
        imap = server.imap()
        assert imap.select()[1] == [b"3"]
        assert ask(client, b"QUIT").startswith(b"+OK")
        assert imap.noop()[0] == "OK"
        assert imap.untagged_responses["EXPUNGE"] == [b"2"]
        imap.logout()


def test_a_session_that_ends_without_quit_removes_nothing(server: RunningServer) -> None:
    delivered(server, 1)
    with log_in(raw_pop3s(server)) as client:
        ask(client, b"DELE 1")
    assert server.loop.run(server.server._connections.all_gone(5))
    with log_in(raw_pop3s(server)) as client:
        assert ask(client, b"STAT").startswith(b"+OK 1 ")


def test_rset_takes_the_marks_back(server: RunningServer) -> None:
    delivered(server, 1)
    with log_in(raw_pop3s(server)) as client:
        ask(client, b"DELE 1")
        assert ask(client, b"STAT") == b"+OK 0 0"
        assert ask(client, b"RSET").startswith(b"+OK")
        assert ask(client, b"STAT").startswith(b"+OK 1 ")
        ask(client, b"QUIT")
    again = pop3s(server)
    assert again.stat()[0] == 1
    again.quit()


def test_unique_ids_stay_the_same_over_sessions(server: RunningServer) -> None:
    delivered(server, 2)
    with log_in(raw_pop3s(server)) as client:
        first = [line.split()[1] for line in ask_long(client, b"UIDL")]
        ask(client, b"DELE 1")
        ask(client, b"QUIT")
    with log_in(raw_pop3s(server)) as client:
        assert ask_long(client, b"UIDL") == [b"1 " + first[1]]
        assert ask(client, b"UIDL 1") == b"+OK 1 " + first[1]
    assert len(set(first)) == 2
    # RFC 1939, section 7: "consisting of one to 70 characters in the range 0x21 to 0x7E"
    assert all(0 < len(each) <= 70 and each.isascii() for each in first)


def test_top_sends_the_header_and_some_lines(server: RunningServer) -> None:
    server.deliver(mail("MSCONS", body="one\r\ntwo\r\nthree"))
    with log_in(raw_pop3s(server)) as client:
        lines = ask_long(client, b"TOP 1 2")
    assert lines[-3:] == [b"", b"one", b"two"]
    assert b"Subject: MSCONS" in lines


def test_a_mail_that_imap_has_removed_cannot_be_retrieved(server: RunningServer) -> None:
    delivered(server, 1)
    with log_in(raw_pop3s(server)) as client:
        imap = server.imap()
        imap.select()
        imap.store("1", "+FLAGS", "\\Deleted")
        imap.expunge()
        imap.logout()
        assert ask(client, b"RETR 1").startswith(b"-ERR")


def test_mail_that_arrives_is_for_the_next_session(server: RunningServer) -> None:
    with log_in(raw_pop3s(server)) as client:
        delivered(server, 1)
        assert ask(client, b"STAT") == b"+OK 0 0"


def test_commands_may_be_sent_at_once(server: RunningServer) -> None:
    delivered(server, 1)
    with log_in(raw_pop3s(server)) as client:
        client.send(b"NOOP\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n")
        rest = client.rest()
    assert rest.startswith(b"+OK")
    assert rest.endswith(b"+OK Marked as deleted\r\n+OK Goodbye\r\n")


def test_capabilities_are_those_of_the_state(server: RunningServer) -> None:
    always = {b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"EXPIRE NEVER"}
    always.add(b"IMPLEMENTATION maco-lab")
    with server.raw("pop3") as client:
        assert set(ask_long(client, b"CAPA")) == {*always, b"STLS"}
    with raw_pop3s(server) as client:
        assert set(ask_long(client, b"CAPA")) == {*always, b"USER", b"SASL PLAIN LOGIN"}
        assert set(ask_long(log_in(client), b"capa")) == always


@pytest.mark.parametrize("line", [b"STAT", b"RETR 1", b"DELE 1", b"NOOP", b"", b"XYZZY", b"\xff\x00"])
def test_nothing_else_is_possible_before_the_login(server: RunningServer, line: bytes) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, line).startswith(b"-ERR")
        assert ask(client, b"QUIT").startswith(b"+OK")


@pytest.mark.parametrize(
    "line", [b"RETR", b"RETR 0", b"RETR 2", b"RETR -1", b"RETR x", b"TOP 1", b"TOP 1 x", b"LIST 9"]
)
def test_a_message_that_there_is_not_is_refused(server: RunningServer, line: bytes) -> None:
    delivered(server, 1)
    with log_in(raw_pop3s(server)) as client:
        assert ask(client, line) == b"-ERR No such message"


def test_a_login_is_possible_once(server: RunningServer) -> None:
    with log_in(raw_pop3s(server)) as client:
        assert ask(client, b"USER edifact").startswith(b"-ERR")


def test_a_line_without_an_end_is_not_kept(server: RunningServer) -> None:
    with server.raw("pop3") as client:
        client.send(b"x" * (LONGEST_LINE + 1))
        assert client.rest().startswith(b"-ERR [SYS/PERM] The line is longer")
    assert server.loop.run(server.server._connections.all_gone(5))


def test_a_client_that_says_nothing_is_left(start_server: StartServer) -> None:
    server = start_server(login_timeout_s=0.2)
    with server.raw("pop3") as client:
        assert client.rest() == b""


def test_further_connections_are_refused_in_words(start_server: StartServer) -> None:
    server = start_server(max_connections_per_port=1)
    with server.raw("pop3"), RawClient(socket.create_connection(server.address("pop3"), TIMEOUT_S)) as second:
        assert second.rest() == b"-ERR [SYS/TEMP] Too many connections\r\n"


def test_a_server_that_stops_says_so(start_server: StartServer) -> None:
    server = start_server()
    with server.raw("pop3") as client:
        server.stop()
        assert client.rest().startswith(b"-ERR [SYS/TEMP] The server is stopping")


@pytest.mark.slow
def test_a_large_mail_waits_for_a_slow_reader(server: RunningServer) -> None:
    raw = mail(body="x" * 4_000_000)
    server.deliver(raw)
    with log_in(raw_pop3s(server)) as client:
        lines = ask_long(client, b"RETR 1")
        assert ask(client, b"NOOP").startswith(b"+OK")
    assert b"\r\n".join([*lines, b""]) == raw

"""Every fault of IMAP as a client sees it: once, and then the server has recovered."""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Callable

import pytest

from maco_wire.observation import FaultStruck
from mailserver_sim.faults.table import LOGIN_ANSWERS
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, USER, RawClient, RunningServer, mail

ENDS: dict[str, Callable[[RawClient], bytes]] = {"close": RawClient.rest, "reset": RawClient.rest_or_reset}


def break_at(server: RunningServer, step: str, **values: object) -> None:
    server.loop.call(lambda: server.server.break_at(step, **values))  # type: ignore[arg-type]


def assert_struck(server: RunningServer, step: str, times: int = 1) -> None:
    assert [each.step for each in server.recorder.wait_for(FaultStruck, times)] == [step] * times
    assert server.server.faults()[0].hits == times


def connected(server: RunningServer, protocol: str = "imap") -> RawClient:
    return RawClient(socket.create_connection(server.address(protocol), 10))


def test_a_greeting_of_bye_ends_one_connection(server: RunningServer) -> None:
    break_at(server, "greeting.bye")

    with connected(server) as refused:
        assert refused.rest() == b"* BYE [UNAVAILABLE] Not now\r\n"
    with connected(server) as greeted:
        assert greeted.line().startswith(b"* OK ")
    assert_struck(server, "greeting.bye")


def test_a_greeting_of_preauth_rules_starttls_out(server: RunningServer) -> None:
    break_at(server, "greeting.preauth")

    with connected(server) as client:
        assert client.line().startswith(b"* PREAUTH ")
        assert client.command(b"a STARTTLS")[-1].startswith(b"a BAD")
        assert client.command(b"b SELECT INBOX")[-1].startswith(b"b OK")
    assert_struck(server, "greeting.preauth")


def test_starttls_that_is_not_offered_is_missing_and_refused_on_that_connection_alone(server: RunningServer) -> None:
    break_at(server, "starttls.not_offered")

    with server.raw() as client:
        announced = client.command(b"a CAPABILITY")[0].split()
        assert (b"STARTTLS" in announced, b"LOGINDISABLED" in announced) == (False, True)
        assert client.command(b"b STARTTLS")[-1].startswith(b"b BAD")
    with server.raw() as client:
        assert b"STARTTLS" in client.command(b"a CAPABILITY")[0].split()
    assert_struck(server, "starttls.not_offered")


def test_starttls_that_is_stripped_makes_room_for_an_invitation_to_log_in(server: RunningServer) -> None:
    break_at(server, "starttls.stripped")

    with server.raw() as client:
        announced = client.command(b"a CAPABILITY")[0].split()
    assert (b"STARTTLS" in announced, b"LOGINDISABLED" in announced, b"AUTH=PLAIN" in announced) == (False, False, True)
    assert_struck(server, "starttls.stripped")


@pytest.mark.parametrize("answer", ["NO", "BAD"])
def test_starttls_is_refused_once_with(server: RunningServer, answer: str) -> None:
    break_at(server, "starttls.refused", answer=answer)

    with server.raw() as client:
        assert client.command(b"a STARTTLS")[-1].startswith(b"a " + answer.encode())
        assert client.command(b"b STARTTLS")[-1].startswith(b"b OK")
    assert_struck(server, "starttls.refused")


def test_a_line_is_injected_behind_the_answer_to_starttls(server: RunningServer) -> None:
    break_at(server, "starttls.injected", text="* OK injected")

    with server.raw() as client:
        client.send(b"a STARTTLS\r\n")
        assert (client.line(), client.line()) == (b"a OK Begin TLS negotiation now", b"* OK injected")
    assert_struck(server, "starttls.injected")


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_a_handshake_is_broken_with_a(server: RunningServer, protocol: str, how: str) -> None:
    break_at(server, "handshake.broken", how=how)
    plain = socket.create_connection(server.address(protocol), 10)
    if protocol == "imap":
        with plain.makefile("rb") as lines:
            lines.readline()
            plain.sendall(b"a STARTTLS\r\n")
            lines.readline()

    expected = ssl.SSLEOFError if how == "close" else ConnectionResetError
    with plain, pytest.raises(expected):
        server.client_context().wrap_socket(plain, server_hostname=HOST_NAME)

    assert_struck(server, "handshake.broken")
    server.raw_logged_in(protocol).close()


def test_the_second_login_fails_and_the_third_does_not(server: RunningServer) -> None:
    break_at(server, "login.refused", after=1)

    server.raw_logged_in().close()
    client = server.imap(login=False)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(USER, PASSWORD)
    assert client.login(USER, PASSWORD)[0] == "OK"
    client.logout()
    assert_struck(server, "login.refused")


@pytest.mark.parametrize("code", LOGIN_ANSWERS)
def test_a_login_is_refused_for_a_reason_of_rfc_5530(server: RunningServer, code: str) -> None:
    break_at(server, "login.refused", code=code)

    client = server.imap(login=False)
    with pytest.raises(imaplib.IMAP4.error) as refused:
        client.login(USER, PASSWORD)
    assert str(refused.value) == f"b'[{code}] {LOGIN_ANSWERS[code]}'"
    client.logout()


@pytest.mark.parametrize("how", ENDS)
def test_the_connection_ends_behind_the_login_with_a(server: RunningServer, how: str) -> None:
    break_at(server, "login.dropped", how=how)

    with server.raw_logged_in() as client:
        assert ENDS[how](client) == b""
    assert_struck(server, "login.dropped")


def test_a_locked_mailbox_cannot_be_selected_once(server: RunningServer) -> None:
    break_at(server, "mailbox.locked")

    with server.raw_logged_in() as client:
        assert client.command(b"a SELECT INBOX") == [b"a NO [INUSE] The mailbox is locked"]
        assert client.command(b"b SELECT INBOX")[-1].startswith(b"b OK [READ-WRITE]")
    assert_struck(server, "mailbox.locked")


def test_a_mailbox_that_is_read_only_takes_no_flags(server: RunningServer) -> None:
    server.deliver(mail())
    break_at(server, "mailbox.read_only")

    with server.raw_logged_in() as client:
        assert client.command(b"a SELECT INBOX")[-1] == b"a OK [READ-ONLY] SELECT completed"
        assert client.command(b"b STORE 1 +FLAGS (\\Seen)")[-1].startswith(b"b NO [READ-ONLY]")
    assert_struck(server, "mailbox.read_only")


def test_without_rights_a_mailbox_cannot_be_selected_and_the_one_before_is_closed(server: RunningServer) -> None:
    break_at(server, "mailbox.no_rights", after=1)

    with server.raw_logged_in() as client:
        assert client.command(b"a SELECT INBOX")[-1].startswith(b"a OK")
        assert client.command(b"b SELECT INBOX") == [b"b NO [NOPERM] You have no rights in this mailbox"]
        assert client.command(b"c FETCH 1 (FLAGS)")[-1].startswith(b"c BAD")
    assert_struck(server, "mailbox.no_rights")


def test_a_mailbox_is_not_created_once(server: RunningServer) -> None:
    break_at(server, "mailbox.not_created")

    with server.raw_logged_in() as client:
        assert client.command(b"a CREATE Erledigt") == [b"a NO [NOPERM] You may not create mailboxes"]
        assert client.command(b"b CREATE Erledigt")[-1].startswith(b"b OK")
    assert_struck(server, "mailbox.not_created")


def test_a_full_mailbox_takes_no_mail(server: RunningServer) -> None:
    break_at(server, "mailbox.over_quota")

    with server.raw_logged_in() as client:
        assert client.command(b"a APPEND INBOX {3+}\r\nabc") == [b"a NO [OVERQUOTA] The mailbox is full"]
        assert client.command(b"b APPEND INBOX {3+}\r\nabc")[-1].startswith(b"b OK")
    assert_struck(server, "mailbox.over_quota")


@pytest.mark.parametrize("command", [b"COPY", b"UID COPY", b"MOVE", b"UID MOVE"])
def test_a_full_mailbox_takes_no_message_of_another_one(server: RunningServer, command: bytes) -> None:
    server.deliver(mail())
    break_at(server, "mailbox.over_quota")

    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"b " + command + b" 1 Sent") == [b"b NO [OVERQUOTA] The mailbox is full"]
    assert_struck(server, "mailbox.over_quota")


def fetched(client: RawClient) -> bytes:
    client.command(b"a SELECT INBOX")
    client.send(b"b UID FETCH 1 (UID BODY.PEEK[])\r\n")
    return client.line()


@pytest.mark.parametrize("how", ENDS)
def test_a_literal_is_cut_off_after_some_bytes_with_a(server: RunningServer, how: str) -> None:
    server.deliver(mail())
    break_at(server, "literal.cut", bytes=7, how=how)

    with server.raw_logged_in() as client:
        announced = fetched(client)
        assert announced.endswith(b"{%d}" % len(mail()))
        rest = ENDS[how](client)
    assert rest == mail()[:7] or how == "reset"
    assert_struck(server, "literal.cut")


def test_only_a_literal_counts_for_a_fault_in_literals(server: RunningServer) -> None:
    server.deliver(mail())
    break_at(server, "literal.cut")

    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"c FETCH 1 (FLAGS UID)")[-1].startswith(b"c OK")
        assert server.server.faults()[0].hits == 0
        assert fetched(client).endswith(b"{%d}" % len(mail()))
        client.rest()
    assert_struck(server, "literal.cut")


@pytest.mark.parametrize("by", [5, -5])
def test_a_literal_is_announced_with_a_wrong_length(server: RunningServer, by: int) -> None:
    server.deliver(mail())
    break_at(server, "literal.wrong_length", by=by)

    with server.raw_logged_in() as client:
        assert fetched(client).endswith(b"{%d}" % (len(mail()) + by))
        assert client.read(len(mail())) == mail()
        client.answer(b"b")
        assert fetched(client).endswith(b"{%d}" % len(mail()))
    assert_struck(server, "literal.wrong_length")


def test_a_slow_answer_comes_whole_and_in_its_place(server: RunningServer) -> None:
    break_at(server, "answer.slow", delay_s=0.01)

    with server.raw_logged_in() as client:
        client.send(b"a NOOP\r\nc NOOP\r\n")
        assert (client.line()[:4], client.line()[:4]) == (b"a OK", b"c OK")
    assert_struck(server, "answer.slow")


def test_an_answer_in_drops_arrives_whole_and_before_the_next(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        break_at(server, "answer.dripping", bytes=100, pause_s=0.001)
        client.send(b"b UID FETCH 1 (UID BODY.PEEK[])\r\nd NOOP\r\n")
        assert client.line().endswith(b"{%d}" % len(mail()))
        assert client.read(len(mail())) == mail()
        assert [client.line()[:4] for _ in range(3)] == [b")", b"b OK", b"d OK"]
    assert_struck(server, "answer.dripping")


def test_an_answer_in_drops_is_finished_before_the_connection_ends(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        break_at(server, "answer.dripping", pause_s=60)
        client.send(b"a LOGOUT\r\n")
        assert client.rest() == b"* BYE Logging out\r\na OK LOGOUT completed\r\n"


def test_healing_ends_a_fault_that_would_strike_always(server: RunningServer) -> None:
    break_at(server, "mailbox.locked", count=0)

    with server.raw_logged_in() as client:
        assert [client.command(b"%c SELECT INBOX" % tag)[-1][2:4] for tag in b"abc"] == [b"NO"] * 3
        server.loop.call(server.server.heal)
        assert client.command(b"d SELECT INBOX")[-1].startswith(b"d OK")
    assert server.server.faults() == []


def test_a_fault_for_imaps_leaves_imap_alone(server: RunningServer) -> None:
    break_at(server, "greeting.bye", protocol="imaps")

    with connected(server) as client:
        assert client.line().startswith(b"* OK ")
    assert server.server.faults()[0].hits == 0

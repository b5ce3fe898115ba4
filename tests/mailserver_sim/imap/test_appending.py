from __future__ import annotations

import re

import pytest

from maco_wire.observation import MailAccepted
from mailserver_sim.settings import Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import PASSWORD, USER, RunningServer, mail

FIRST, SECOND = mail("first"), mail("second")


def literal(data: bytes) -> bytes:
    return b"{%d+}\r\n" % len(data) + data


def test_several_messages_come_with_their_own_flags_and_dates(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        line = b"a APPEND INBOX (\\Seen) " + literal(FIRST) + b' "17-Jul-1996 02:44:25 -0700" ' + literal(SECOND)
        # RFC 4315, section 3: with MULTIAPPEND, APPENDUID has a set of UIDs
        assert re.match(rb"a OK \[APPENDUID \d+ 1:2\] ", client.command(line)[-1])
        client.command(b"b EXAMINE INBOX")
        fetched = client.command(b"c FETCH 1:2 (FLAGS RFC822.SIZE)")
        date = client.command(b"d FETCH 2 INTERNALDATE")[0]
    assert fetched[0] == b"* 1 FETCH (FLAGS (\\Recent \\Seen) RFC822.SIZE %d)" % len(FIRST)
    assert fetched[1] == b"* 2 FETCH (FLAGS (\\Recent) RFC822.SIZE %d)" % len(SECOND)
    assert date == b'* 2 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")'
    assert [each.subject for each in server.recorder.of(MailAccepted)] == ["first", "second"]


@pytest.mark.parametrize(
    ("second", "answer"),
    [
        (literal(b""), b"a NO "),  # RFC 3502, section 6.3.11: a literal of no bytes takes everything back
        (b"(\\Recent) " + literal(SECOND), b"a BAD "),
        (b'"no date" ' + literal(SECOND), b"a BAD "),
        (b'"01-Jan-0001 00:00:00 +0100" ' + literal(SECOND), b"a BAD "),  # in UTC that is the year 0
        (b'"31-Dec-9999 23:59:59 -0100" ' + literal(SECOND), b"a BAD "),
        (literal(SECOND) + b" ", b"a BAD "),
    ],
)
def test_of_several_messages_none_is_appended_when_one_cannot_be(
    server: RunningServer, second: bytes, answer: bytes
) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a APPEND INBOX " + literal(FIRST) + b" " + second)[-1].startswith(answer)
        assert client.command(b"b STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 0)'


def test_all_messages_of_one_append_have_to_fit_the_quota_together(start_server: StartServer) -> None:
    server = start_server(accounts=(Account(USER, PASSWORD, quota_messages=1),))
    with server.raw_logged_in() as client:
        line = b"a APPEND INBOX " + literal(FIRST) + b" " + literal(SECOND)
        assert client.command(line)[-1].startswith(b"a NO [OVERQUOTA] ")  # RFC 9208, section 5.3
        assert client.command(b"b STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 0)'


def test_messages_of_one_append_are_bounded_together(start_server: StartServer) -> None:
    server = start_server(max_message_bytes=1000)
    with server.raw_logged_in() as client:
        client.send(b"a APPEND INBOX {600}\r\n")
        assert client.line().startswith(b"+ ")
        client.send(b"x" * 600 + b" {600}\r\n")
        assert client.line().startswith(b"a NO [TOOBIG] ")


def test_a_message_with_utf_8_in_its_header_comes_as_utf8(server: RunningServer) -> None:
    raw = mail("Zählerstände")
    line = b"APPEND INBOX UTF8 (~" + literal(raw) + b")"
    with server.raw_logged_in() as client:
        assert client.command(b"a " + line)[-1].startswith(b"a BAD [CLIENTBUG] ")  # RFC 6855, section 4
        client.command(b"b ENABLE UTF8=ACCEPT")
        assert client.command(b"c " + line)[-1].startswith(b"c OK ")
        assert client.command(b"d " + line.removesuffix(b")"))[-1].startswith(b"d BAD ")
        assert client.command(b"e STATUS INBOX (SIZE)")[0] == b'* STATUS "INBOX" (SIZE %d)' % len(raw)

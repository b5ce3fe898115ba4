from __future__ import annotations

from typing import Any

import pytest

from mailserver_sim.settings import Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import PASSWORD, USER, RunningServer, mail


def limited(start_server: StartServer, **limits: Any) -> RunningServer:
    return start_server(accounts=(Account(USER, PASSWORD, **limits),))


def test_usage_is_rounded_up_and_the_limit_down_to_units_of_1024_octets(start_server: StartServer) -> None:
    server = limited(start_server, quota_bytes=4095, quota_messages=10)
    with server.raw_logged_in() as client:
        client.command(b"a APPEND INBOX {1025+}\r\n" + b"x" * 1025)
        # RFC 9208, section 5.1: "STORAGE [...] in units of 1024 octets"
        assert client.command(b'b GETQUOTA ""')[0] == b'* QUOTA "" (STORAGE 2 3 MESSAGE 1 10)'


def test_all_mailboxes_of_an_account_have_its_one_root(start_server: StartServer) -> None:
    server = limited(start_server, quota_messages=5)
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        assert client.command(b"b GETQUOTAROOT archiv")[-1].startswith(b"b NO [NONEXISTENT] ")
        assert client.command(b"c GETQUOTAROOT Archiv") == [
            b'* QUOTAROOT "Archiv" ""',
            b'* QUOTA "" (MESSAGE 1 5)',
            b"c OK GETQUOTAROOT completed",
        ]


def test_an_account_without_limits_has_no_root(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a GETQUOTAROOT INBOX") == [b'* QUOTAROOT "INBOX"', b"a OK GETQUOTAROOT completed"]
        assert client.command(b'b GETQUOTA ""')[-1].startswith(b"b NO [NONEXISTENT] ")


def test_another_root_does_not_exist(start_server: StartServer) -> None:
    with limited(start_server, quota_messages=5).raw_logged_in() as client:
        assert client.command(b"a GETQUOTA other")[-1].startswith(b"a NO [NONEXISTENT] ")


@pytest.mark.parametrize("line", [b"APPEND INBOX {1+}\r\nx", b"COPY 1 INBOX", b"UID COPY 1 INBOX"])
def test_what_would_go_beyond_the_quota_is_refused_until_there_is_room(start_server: StartServer, line: bytes) -> None:
    server = limited(start_server, quota_messages=2)
    for _ in range(2):
        server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"b " + line)[-1].startswith(b"b NO [OVERQUOTA] ")
        client.command(b"c STORE 2 +FLAGS.SILENT (\\Deleted)")
        client.command(b"d EXPUNGE")
        assert client.command(b"e " + line)[-1].startswith(b"e OK ")


def test_a_message_can_be_moved_at_the_limit(start_server: StartServer) -> None:
    server = limited(start_server, quota_messages=1)
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        client.command(b"b SELECT INBOX")
        assert client.command(b"c MOVE 1 Archiv")[-1].startswith(b"c OK ")


def test_status_tells_what_expunge_would_free(server: RunningServer) -> None:
    for number in range(2):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 2 +FLAGS.SILENT (\\Deleted)")
        # RFC 9208, section 4.1.4
        status = client.command(b"c STATUS INBOX (DELETED DELETED-STORAGE)")[0]
    assert status == b'* STATUS "INBOX" (DELETED 1 DELETED-STORAGE %d)' % len(mail("1"))

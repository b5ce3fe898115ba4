from __future__ import annotations

import re

import pytest

from tests.mailserver_sim.running import RunningServer, mail


def test_select_tells_everything_a_client_needs(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.command(b"f STORE 1 +FLAGS (\\Seen $Done)")
        answer = client.command(b"t SELECT inbox")
    text = b"\n".join(answer)
    # RFC 3501, section 6.3.1: FLAGS, EXISTS, RECENT, UNSEEN, PERMANENTFLAGS, UIDNEXT, UIDVALIDITY
    assert b"* 3 EXISTS" in answer
    assert b"* OK [UNSEEN 2] " in text
    assert b"* OK [UIDNEXT 4] " in text
    assert re.search(rb"\* OK \[UIDVALIDITY \d+\] ", text)
    assert re.search(rb"\* FLAGS \(\$Done \\Answered .*\)", text)
    assert re.search(rb"\* OK \[PERMANENTFLAGS \(.*\\\*.*\)\] ", text)
    assert answer[-1].startswith(b"t OK [READ-WRITE] ")


def test_recent_is_claimed_by_the_first_select_and_not_by_examine(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        for line in (b"a EXAMINE INBOX", b"b SELECT INBOX"):
            assert b"* 1 RECENT" in client.command(line)
        assert b"* 0 RECENT" in client.command(b"c SELECT INBOX")


@pytest.mark.parametrize("command", [b"SELECT", b"EXAMINE", b"DELETE", b"SUBSCRIBE"])
def test_a_missing_mailbox_is_nonexistent(server: RunningServer, command: bytes) -> None:
    with server.raw_logged_in() as client:
        # RFC 5530, section 3: NONEXISTENT
        assert client.command(b"a " + command + b" Nowhere")[-1].startswith(b"a NO [NONEXISTENT] ")


def test_a_failed_select_leaves_no_mailbox_selected(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b SELECT Nowhere")
        assert client.command(b"c SEARCH ALL")[-1].startswith(b"c BAD ")


def test_examine_changes_nothing(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        assert client.command(b"a EXAMINE INBOX")[-1].startswith(b"a OK [READ-ONLY] ")
        client.command(b"b FETCH 1 BODY[]")
        assert client.command(b"c STORE 1 +FLAGS (\\Deleted)")[-1].startswith(b"c NO [READ-ONLY] ")
        assert client.command(b"d SEARCH SEEN")[0] == b"* SEARCH"


def test_close_removes_deleted_messages_without_a_word(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert len(client.command(b"c CLOSE")) == 1
        assert b"* 0 EXISTS" in client.command(b"d SELECT INBOX")


def test_unselect_removes_nothing(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 1 +FLAGS (\\Deleted)")
        client.command(b"c UNSELECT")
        assert b"* 1 EXISTS" in client.command(b"d SELECT INBOX")


def test_select_and_status_tell_the_highest_modseq(server: RunningServer) -> None:
    for number in range(2):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        assert b"* OK [HIGHESTMODSEQ 3] The last change" in client.command(b"a EXAMINE INBOX")
        client.command(b"b SELECT INBOX (CONDSTORE)")
        client.command(b"c STORE 1 +FLAGS (\\Seen)")
        assert client.command(b"d STATUS INBOX (HIGHESTMODSEQ)")[0] == b'* STATUS "INBOX" (HIGHESTMODSEQ 4)'


def test_another_parameter_of_select_is_bad(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a SELECT INBOX (QRESYNC)")[-1].startswith(b"a BAD ")

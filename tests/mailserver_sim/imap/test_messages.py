from __future__ import annotations

import re

import pytest

from maco_wire.observation import MailAccepted
from mailserver_sim.imap.wire import uid_set
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import RunningServer, mail


def test_append_stores_flags_and_date_and_tells_the_uid(server: RunningServer) -> None:
    raw = mail("appended")
    client = server.imap()
    answer = client.append("INBOX", "(\\Seen $Done)", '"17-Jul-1996 02:44:25 -0700"', raw)
    # RFC 4315, section 3: APPENDUID <uidvalidity> <uid>
    assert re.match(rb"\[APPENDUID \d+ 1\] ", answer[1][0])
    client.select()
    fetched = client.fetch("1", "(FLAGS INTERNALDATE BODY.PEEK[])")[1][0]
    assert isinstance(fetched, tuple)
    assert b'FLAGS ($Done \\Recent \\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700"' in fetched[0]
    assert fetched[1] == raw
    client.logout()
    (accepted,) = server.recorder.of(MailAccepted)
    assert (accepted.mailbox, accepted.uid, accepted.size, accepted.subject) == ("INBOX", 1, len(raw), "appended")


@pytest.mark.parametrize(
    "line", [b"APPEND Nowhere {3+}\r\nabc", b"COPY 1 Nowhere", b"UID COPY 1 Nowhere", b"MOVE 1 Nowhere"]
)
def test_a_missing_target_is_answered_with_trycreate(server: RunningServer, line: bytes) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        assert client.command(b"a " + line)[-1].startswith(b"a NO [TRYCREATE] ")


def test_a_message_over_the_limit_is_refused_before_it_is_sent(start_server: StartServer) -> None:
    server = start_server(max_message_bytes=1000)
    with server.raw_logged_in() as client:
        assert client.command(b"a APPEND INBOX {1001}")[-1].startswith(b"a NO [TOOBIG] ")
        assert client.command(b"b STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 0)'


def test_nobody_appends_large_literals_before_login(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a APPEND INBOX {1000000}")[-1].startswith(b"a BAD ")


def test_copy_keeps_flags_and_tells_both_uids(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        client.command(b"b SELECT INBOX")
        client.command(b"c STORE 2 FLAGS (\\Flagged)")
        # RFC 4315, section 3: COPYUID <uidvalidity> <source> <target>
        assert re.match(rb"d OK \[COPYUID \d+ 2:3 1:2\] ", client.command(b"d UID COPY 2:3 Archiv")[-1])
        client.command(b"e SELECT Archiv")
        assert client.command(b"f UID FETCH 1 FLAGS")[0] == b"* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))"


@pytest.mark.parametrize(
    ("item", "flags"),
    [
        (b"+FLAGS (\\Flagged)", b"\\Flagged \\Recent \\Seen"),
        (b"-FLAGS (\\Seen)", b"\\Recent"),
        (b"FLAGS (\\Draft $X)", b"$X \\Draft \\Recent"),
        (b"FLAGS ()", b"\\Recent"),
        (b"+FLAGS \\Flagged", b"\\Flagged \\Recent \\Seen"),
    ],
)
def test_store_answers_with_the_new_flags(server: RunningServer, item: bytes, flags: bytes) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 1 FLAGS.SILENT ($X)")  # told once, so no news below
        client.command(b"b STORE 1 FLAGS.SILENT (\\Seen)")
        assert client.command(b"c STORE 1 " + item)[:-1] == [b"* 1 FETCH (FLAGS (" + flags + b"))"]


def test_silent_store_is_silent_and_uid_store_tells_the_uid(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert len(client.command(b"b STORE 1 +FLAGS.SILENT (\\Seen)")) == 1
        answer = client.command(b"c UID STORE 1 -FLAGS (\\Seen)")
    assert answer[0] == b"* 1 FETCH (FLAGS (\\Recent) UID 1)"


def test_nobody_sets_recent(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"b STORE 1 +FLAGS (\\Recent)")[-1].startswith(b"b BAD ")


def test_uid_expunge_removes_only_the_named_messages(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        assert client.command(b"c UID EXPUNGE 2")[:-1] == [b"* 2 EXPUNGE"]
        assert client.command(b"d EXPUNGE")[:-1] == [b"* 2 EXPUNGE", b"* 1 EXPUNGE"]


def test_uid_sets_are_written_as_ranges() -> None:
    assert uid_set([1, 2, 3, 5, 7, 8]) == "1:3,5,7:8"


def test_move_tells_both_uids_before_the_messages_go(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        client.command(b"b SELECT INBOX")
        client.command(b"c STORE 3 FLAGS (\\Flagged)")
        answer = client.command(b"d UID MOVE 1,3 Archiv")
        # RFC 6851, section 4.3: COPYUID in an untagged OK, then EXPUNGE, then the tagged answer
        assert re.match(rb"\* OK \[COPYUID \d+ 1,3 1:2\] ", answer[0])
        assert answer[1:] == [b"* 3 EXPUNGE", b"* 1 EXPUNGE", b"d OK MOVE completed"]
        client.command(b"e SELECT Archiv")
        assert client.command(b"f UID FETCH 2 FLAGS")[0] == b"* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent))"


def test_moved_messages_are_gone_for_other_sessions_too(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client, server.raw_logged_in() as other:
        client.command(b"a CREATE Archiv")
        for each in (client, other):
            each.command(b"b SELECT INBOX")
        client.command(b"c MOVE 1 Archiv")
        assert other.command(b"d NOOP")[0] == b"* 1 EXPUNGE"


def test_nothing_is_moved_out_of_a_mailbox_opened_for_reading(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        client.command(b"b EXAMINE INBOX")
        assert client.command(b"c MOVE 1 Archiv")[-1].startswith(b"c NO [READ-ONLY] ")


@pytest.mark.parametrize("command", [b"COPY", b"MOVE"])
def test_messages_that_are_gone_are_neither_copied_nor_moved(server: RunningServer, command: bytes) -> None:
    for number in range(2):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client, server.raw_logged_in() as other:
        client.command(b"a CREATE Archiv")
        for each in (client, other):
            each.command(b"b SELECT INBOX")
        other.command(b"c STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.command(b"d EXPUNGE")
        answer = client.command(b"e " + command + b" 1:2 Archiv")
        assert answer[-1].startswith(b"e NO [EXPUNGEISSUED] ")  # RFC 2180, section 4.4.1; RFC 5530
        assert other.command(b"f STATUS Archiv (MESSAGES)")[-2] == b'* STATUS "Archiv" (MESSAGES 0)'


def test_a_move_within_one_mailbox_gives_new_uids(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b MOVE 1 INBOX")
        assert client.command(b"c UID SEARCH ALL")[0] == b"* SEARCH 2"

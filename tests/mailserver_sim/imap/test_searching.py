from __future__ import annotations

import datetime as dt
import sqlite3

import pytest

from mailserver_sim.imap import searching
from mailserver_sim.imap.connection import ImapConnection
from mailserver_sim.imap.search import Candidate, Cost, matches
from mailserver_sim.imap.search_keys import SearchKey
from mailserver_sim.store import messages
from mailserver_sim.store.values import Content
from tests.mailserver_sim.running import RawClient, RunningServer, mail


@pytest.mark.parametrize(
    "criteria",
    [
        "SUBJECT utilmd",
        "FROM zweiter@nb.example",
        "TO stadtwerke SUBJECT UTILMD",
        'HEADER "X-Kind" b',
        "OR SUBJECT utilmd BODY none",
    ],
)
def test_search_finds_one_of_two_mails(server: RunningServer, criteria: str) -> None:
    server.deliver(mail("MSCONS", x_kind="a"))
    server.deliver(mail("Re: UTILMD", x_kind="b", From="zweiter@nb.example"))
    client = server.imap()
    client.select()
    assert client.search(None, criteria) == ("OK", [b"2"])
    client.logout()


def test_search_by_date_compares_with_the_day_of_delivery(server: RunningServer) -> None:
    before = dt.datetime.now(dt.UTC)
    server.deliver(mail())
    client = server.imap()
    client.select()
    day, tomorrow = (f"{moment:%d-%b-%Y}" for moment in (before, before + dt.timedelta(days=2)))
    assert client.search(None, "SINCE", day)[1] == [b"1"]
    assert client.search(None, "BEFORE", tomorrow)[1] == [b"1"]
    assert client.search(None, "SINCE", tomorrow)[1] == [b""]
    client.logout()


def test_no_hit_still_sends_an_untagged_search(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        # RFC 3501, section 6.4.4: "REQUIRED untagged response: SEARCH"
        assert client.command(b"a SEARCH DELETED") == [b"* SEARCH", b"a OK SEARCH completed"]


def test_uid_search_gives_uids(server: RunningServer) -> None:
    for _ in range(2):
        server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.command(b"a STORE 1 +FLAGS (\\Deleted)")
        client.command(b"b EXPUNGE")
        assert client.command(b"c UID SEARCH ALL")[0] == b"* SEARCH 2"
        assert client.command(b"d SEARCH ALL")[0] == b"* SEARCH 1"


def test_an_unknown_charset_is_named_bad_with_the_known_ones(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        answer = client.command(b"a SEARCH CHARSET KOI8-R ALL")
    assert answer[-1].startswith(b"a NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1 ISO-8859-15 WINDOWS-1252)] ")


def test_a_utf_8_literal_is_found(server: RunningServer) -> None:
    server.deliver(mail("=?utf-8?q?Z=C3=A4hler?="))
    client = server.imap()
    client.select()
    client.literal = "zähler".encode()  # type: ignore[assignment] # imaplib takes bytes here
    assert client.search("UTF-8", "SUBJECT")[1] == [b"1"]
    client.logout()


def test_a_search_by_modseq_tells_the_highest_of_those_found(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b STORE 1 +FLAGS.SILENT (\\Seen)")
        # RFC 7162, section 3.1.5
        assert client.command(b"c SEARCH MODSEQ 4")[0] == b"* SEARCH 1 3 (MODSEQ 5)"
        assert client.command(b'd SEARCH MODSEQ "/flags/\\\\draft" all 5')[0] == b"* SEARCH 1 (MODSEQ 5)"
        assert client.command(b"e SEARCH NOT MODSEQ 4")[0] == b"* SEARCH 2 (MODSEQ 3)"
        assert client.command(b"f SEARCH OR MODSEQ 6 (MODSEQ 7)")[0] == b"* SEARCH"
        assert client.command(b"g SEARCH ALL")[0] == b"* SEARCH 1 2 3"


@pytest.mark.parametrize(
    ("returned", "keys", "expected"),
    [
        # RFC 4731, section 3.2, and its table
        (b"MIN", b"MODSEQ 1", b" MIN 1 MODSEQ 5"),
        (b"MAX", b"MODSEQ 1", b" MAX 3 MODSEQ 4"),
        (b"MIN MAX", b"MODSEQ 1", b" MIN 1 MAX 3 MODSEQ 5"),
        (b"MIN MAX", b"2:3 MODSEQ 1", b" MIN 2 MAX 3 MODSEQ 4"),
        (b"MAX COUNT", b"MODSEQ 1", b" MAX 3 COUNT 3 MODSEQ 5"),
        (b"", b"NOT (2:3 MODSEQ 1)", b" ALL 1 MODSEQ 5"),
        (b"COUNT", b"MODSEQ 6", b" COUNT 0"),
        (b"COUNT", b"ALL", b" COUNT 3"),
    ],
)
def test_an_extended_search_by_modseq_tells_the_highest_of_those_it_returns(
    server: RunningServer, returned: bytes, keys: bytes, expected: bytes
) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"p SELECT INBOX")
        client.command(b"p STORE 1 +FLAGS.SILENT (\\Seen)")
        (answer, _) = client.command(b"a SEARCH RETURN (" + returned + b") " + keys)
    assert answer == b'* ESEARCH (TAG "a")' + expected


@pytest.mark.parametrize(
    "line", [b"SEARCH MODSEQ 1", b"SEARCH RETURN (SAVE) MODSEQ 1", b"SORT (DATE) UTF-8 MODSEQ 1",
             b"THREAD REFERENCES UTF-8 MODSEQ 1"],
)  # fmt: skip
def test_who_searches_by_modseq_is_told_modseq_from_then_on(server: RunningServer, line: bytes) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b " + line)
        # RFC 7162, section 3.1: a "CONDSTORE enabling command"
        assert client.command(b"c STORE 1 +FLAGS (\\Seen)")[0] == b"* 1 FETCH (FLAGS (\\Recent \\Seen) MODSEQ (3))"


@pytest.mark.parametrize(
    ("keys", "looked_at"),
    [(b"UNSEEN", [4]), (b"UNDELETED 2:3", [3, 4]), (b"BODY UNA UNSEEN", [4]), (b"$", [3]), (b"ALL", [2, 3, 4, 5])],
)
def test_no_more_messages_are_looked_at_than_can_match(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, keys: bytes, looked_at: list[int]
) -> None:
    seen: list[int] = []

    def noted(key: SearchKey, message: Candidate, now: dt.datetime) -> bool:
        seen.append(message.info.uid)
        return matches(key, message, now)

    with prepared(server) as client:
        client.command(b"a STORE 1,2,4 +FLAGS.SILENT (\\Seen)")
        client.command(b"b SEARCH RETURN (SAVE) 2")
        monkeypatch.setattr(searching, "matches", noted)
        client.command(b"c SEARCH " + keys)
    assert seen == looked_at


def test_what_is_saved_can_be_moved_and_is_then_gone(server: RunningServer) -> None:
    with prepared(server) as client:
        client.command(b"a CREATE Ziel")
        client.command(b"b SEARCH RETURN (SAVE) 2:3")
        assert client.command(b"c UID MOVE $ Ziel")[-1].startswith(b"c OK ")
        assert client.command(b"d SEARCH $")[0] == b"* SEARCH"
        assert client.command(b"e STATUS Ziel (MESSAGES)")[0] == b'* STATUS "Ziel" (MESSAGES 2)'


def prepared(server: RunningServer, count: int = 4) -> RawClient:
    """A client with so many mails of the subjects 1, 2, ...; the second one is gone, so UIDs and numbers differ."""
    for number in range(count + 1):
        server.deliver(mail(f"mail {number}"))
    client = server.raw_logged_in()
    client.command(b"p SELECT INBOX")
    client.command(b"p STORE 1 +FLAGS (\\Deleted)")
    client.command(b"p EXPUNGE")
    return client


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # RFC 4731, section 3.1
        (b"SEARCH RETURN (MIN MAX) ALL", b"MIN 1 MAX 4"),
        (b"UID SEARCH RETURN (MIN MAX) ALL", b"UID MIN 2 MAX 5"),
        (b"SEARCH RETURN () ALL", b"ALL 1:4"),
        (b"UID SEARCH RETURN (ALL COUNT) OR 1:2 4", b"UID ALL 2:3,5 COUNT 3"),
        (b"search return (count) all", b"COUNT 4"),
        (b"SEARCH RETURN (MIN MAX ALL COUNT) DELETED", b"COUNT 0"),
        (b"SEARCH RETURN (ALL) DELETED", b""),
        (b"SEARCH RETURN (SAVE COUNT) ALL", b"COUNT 4"),
    ],
)
def test_an_extended_search_returns_what_it_is_asked_for(server: RunningServer, line: bytes, expected: bytes) -> None:
    with prepared(server) as client:
        (answer, _) = client.command(b"a " + line)
    assert answer == b'* ESEARCH (TAG "a")' + (b" " + expected if expected else b"")


@pytest.mark.parametrize(
    ("returned", "keys", "uids"),
    [
        # RFC 5182, section 2.1, and its table of what is saved
        (b"SAVE", b"2:3", b"3,4"), (b"SAVE ALL", b"2:3", b"3,4"), (b"SAVE COUNT MIN", b"2:3", b"3,4"),
        (b"SAVE MIN", b"2:4", b"3"), (b"SAVE MAX", b"2:4", b"5"), (b"SAVE MIN MAX", b"2:4", b"3,5"),
        (b"SAVE", b"DELETED", b""),
    ],
)  # fmt: skip
def test_the_saved_result_is_what_the_dollar_sign_means(
    server: RunningServer, returned: bytes, keys: bytes, uids: bytes
) -> None:
    expected = [b"* SEARCH" + b"".join(b" " + uid for uid in uids.split(b",") if uid)]
    with prepared(server) as client:
        answer = client.command(b"a SEARCH RETURN (" + returned + b") " + keys)
        assert len(answer) == (1 if returned == b"SAVE" else 2)  # "does not return an ESEARCH response"
        assert client.command(b"b UID SEARCH $")[:-1] == expected
        assert client.command(b"c UID SEARCH UID $")[:-1] == expected
        assert client.command(b"d UID SEARCH ALL NOT NOT $")[:-1] == expected


def test_the_saved_result_can_be_fetched_stored_and_copied(server: RunningServer) -> None:
    with prepared(server) as client:
        client.command(b"a CREATE Ziel")
        client.command(b"b SEARCH RETURN (SAVE) 2:3")
        assert client.command(b"c FETCH $ UID")[:-1] == [b"* 2 FETCH (UID 3)", b"* 3 FETCH (UID 4)"]
        assert len(client.command(b"d UID STORE $ +FLAGS.SILENT (\\Flagged)")) == 1
        assert b"3:4 1:2" in client.command(b"e COPY $ Ziel")[-1]
        assert client.command(b"f UID SEARCH FLAGGED")[0] == b"* SEARCH 3 4"


def test_what_is_saved_loses_what_is_removed_and_ends_with_the_mailbox(server: RunningServer) -> None:
    with prepared(server) as client:
        client.command(b"a SEARCH RETURN (SAVE) 2:3")
        client.command(b"b STORE 2 +FLAGS.SILENT (\\Deleted)")
        client.command(b"c EXPUNGE")
        assert client.command(b"d UID SEARCH $")[0] == b"* SEARCH 4"
        client.command(b"e SELECT INBOX")
        assert client.command(b"f UID SEARCH $")[0] == b"* SEARCH"


def test_a_search_that_fails_saves_nothing_and_one_that_is_no_command_leaves_what_is_saved(
    server: RunningServer,
) -> None:
    with prepared(server) as client:
        client.command(b"a SEARCH RETURN (SAVE) 1")
        assert client.command(b"b SEARCH RETURN (SAVE) FOO")[-1].startswith(b"b BAD ")
        assert client.command(b"c UID SEARCH $")[0] == b"* SEARCH 2"
        # RFC 5182, section 2.1: a NO "MUST set the search result variable to the empty sequence"
        assert client.command(b"d SEARCH RETURN (SAVE) CHARSET KOI8-R ALL")[-1].startswith(b"d NO ")
        assert client.command(b"e UID SEARCH $")[0] == b"* SEARCH"


@pytest.mark.parametrize("arguments", [b"RETURN (FOO) ALL", b"RETURN (ALL)", b"RETURN ALL", b"RETURN (ALL ALL", b"$,1"])
def test_what_is_no_extended_search_is_bad(server: RunningServer, arguments: bytes) -> None:
    with prepared(server) as client:
        assert client.command(b"a SEARCH " + arguments)[-1].startswith(b"a BAD ")


def test_a_text_in_latin_1_is_found(server: RunningServer) -> None:
    server.deliver(mail("=?utf-8?q?Z=C3=A4hler?="))
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        client.send(b"a SEARCH CHARSET ISO-8859-1 SUBJECT {6+}\r\nz\xe4hler\r\n")
        assert client.answer(b"a")[0] == b"* SEARCH 1"


@pytest.mark.parametrize(
    ("keys", "header", "body"),
    [(b"UNSEEN", 0, 0), (b"LARGER 1 SINCE 1-Jan-2020", 0, 0), (b"SUBJECT mail", 3, 0), (b"BODY UNA", 0, 3),
     (b"BODY UNA 2", 0, 1), (b"OR BODY UNA ALL", 0, 0), (b"BODY UNA SUBJECT x", 3, 0), (b"NOT SEEN TEXT mail", 3, 0)],
)  # fmt: skip
def test_no_more_is_read_than_the_keys_need(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, keys: bytes, header: int, body: int
) -> None:
    read: list[str] = []

    def read_header(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> bytes:
        read.append("header")
        return messages.read_header(connection, mailbox_id, uid)

    def read_content(connection: sqlite3.Connection, mailbox_id: int, uid: int) -> Content | None:
        read.append("body")
        return messages.read_content(connection, mailbox_id, uid)

    monkeypatch.setattr(searching, "read_header", read_header)
    monkeypatch.setattr(searching, "read_content", read_content)
    with prepared(server, 3) as client:
        assert client.command(b"a SEARCH " + keys)[-1].startswith(b"a OK ")
    assert (read.count("header"), read.count("body")) == (header, body)


def test_others_have_their_turn_during_a_long_search(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[None] = []
    let_others_run = ImapConnection.let_others_run

    async def counted(connection: ImapConnection) -> None:
        turns.append(None)
        await let_others_run(connection)

    monkeypatch.setattr(ImapConnection, "let_others_run", counted)
    monkeypatch.setattr(searching, "MESSAGES_AT_A_TIME", dict.fromkeys(Cost, 2))
    with prepared(server) as client:
        assert client.command(b"a SEARCH BODY UNA")[0] == b"* SEARCH 1 2 3 4"
    assert len(turns) == 2

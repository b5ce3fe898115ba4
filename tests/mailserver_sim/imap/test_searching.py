from __future__ import annotations

import datetime as dt

import pytest

from tests.mailserver_sim.running import RunningServer, mail


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
    assert answer[-1].startswith(b"a NO [BADCHARSET (US-ASCII UTF-8)] ")


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

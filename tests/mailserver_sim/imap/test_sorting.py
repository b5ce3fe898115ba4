from __future__ import annotations

import pytest

from tests.mailserver_sim.running import RawClient, RunningServer, mail


@pytest.fixture
def client(server: RunningServer) -> RawClient:
    """A client whose INBOX has three mails; their UIDs are 2, 3 and 4."""
    for subject in ("gone", "b", "Re: a", "a"):
        server.deliver(mail(subject))
    opened = server.raw_logged_in()
    opened.command(b"p SELECT INBOX")
    opened.command(b"p STORE 1 +FLAGS (\\Deleted)")
    opened.command(b"p EXPUNGE")
    return opened


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # RFC 5256, section 3
        (b"SORT (SUBJECT) UTF-8 ALL", b"SORT 2 3 1"),
        (b"UID SORT (REVERSE SIZE SUBJECT) US-ASCII ALL", b"SORT 3 4 2"),
        (b"SORT (SIZE) UTF-8 DELETED", b"SORT"),
        (b"SORT (SUBJECT) UTF-8 OR 1 3", b"SORT 3 1"),
        (b"THREAD ORDEREDSUBJECT UTF-8 ALL", b"THREAD (1)(2 3)"),
        (b"UID THREAD REFERENCES UTF-8 ALL", b"THREAD (2)(4 3)"),
        (b"THREAD REFERENCES UTF-8 DELETED", b"THREAD"),
        # RFC 5267, section 3.1: MIN and MAX are the ends of the order
        (b"SORT RETURN (MIN MAX ALL COUNT) (SUBJECT) UTF-8 ALL", b'ESEARCH (TAG "a") MIN 2 MAX 1 ALL 2:3,1 COUNT 3'),
        (b"UID SORT RETURN () (SUBJECT) UTF-8 1", b'ESEARCH (TAG "a") UID ALL 2'),
    ],
)
def test_messages_are_told_in_their_order(client: RawClient, line: bytes, expected: bytes) -> None:
    with client:
        assert client.command(b"a " + line)[:-1] == [b"* " + expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # RFC 7162, section 7: search-sort-mod-seq; the last change was that of UID 3.
        (b"SORT (SUBJECT) UTF-8 MODSEQ 1", b"SORT 2 3 1 (MODSEQ 7)"),
        (b"UID SORT (SUBJECT) UTF-8 NOT UID 3 MODSEQ 1", b"SORT 4 2 (MODSEQ 5)"),
        (b"SORT (SUBJECT) UTF-8 MODSEQ 8", b"SORT"),
        (b"SORT RETURN (MIN) (SUBJECT) UTF-8 MODSEQ 1", b'ESEARCH (TAG "a") MIN 2 MODSEQ 7'),
        (b"THREAD ORDEREDSUBJECT UTF-8 MODSEQ 1", b"THREAD (1)(2 3)"),
    ],
)
def test_a_sort_by_modseq_tells_the_highest_of_those_found(client: RawClient, line: bytes, expected: bytes) -> None:
    with client:
        client.command(b"p UID STORE 3 +FLAGS.SILENT (\\Seen)")
        assert client.command(b"a " + line)[:-1] == [b"* " + expected]


def test_a_sorted_result_can_be_saved(client: RawClient) -> None:
    with client:
        assert client.command(b"a SORT RETURN (SAVE) (SUBJECT) UTF-8 2:3") == [b"a OK SORT completed"]
        assert client.command(b"b UID SEARCH $")[0] == b"* SEARCH 3 4"


@pytest.mark.parametrize(
    "line",
    [
        b"SORT (FOO) UTF-8 ALL", b"SORT UTF-8 ALL", b"SORT (DATE) ALL", b"SORT (DATE) UTF-8", b"SORT (DATE) UTF-8 FOO",
        b"THREAD FOO UTF-8 ALL", b"THREAD REFERENCES ALL", b"THREAD", b"SORT",
    ],
)  # fmt: skip
def test_what_is_no_sort_is_bad(client: RawClient, line: bytes) -> None:
    with client:
        assert client.command(b"a " + line)[-1].startswith(b"a BAD ")


@pytest.mark.parametrize("line", [b"SORT (DATE) KOI8-R ALL", b"THREAD REFERENCES KOI8-R ALL"])
def test_an_unknown_charset_is_refused(client: RawClient, line: bytes) -> None:
    with client:
        assert client.command(b"a " + line)[-1].startswith(b"a NO [BADCHARSET (US-ASCII ")

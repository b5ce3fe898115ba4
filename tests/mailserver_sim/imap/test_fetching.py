from __future__ import annotations

import imaplib

import pytest

from tests.mailserver_sim.running import RunningServer, mail

RAW = mail("MSCONS", "0123456789")


def fetched(client: imaplib.IMAP4, item: str) -> tuple[bytes, bytes]:
    """Return the label before the literal, and the literal."""
    answer = client.fetch("1", item)[1][0]
    assert isinstance(answer, tuple)
    return answer


@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [
        # RFC 3501, section 6.4.5: "any partial fetch that attempts to read beyond the end of the text is truncated"
        (0, 10, RAW[:10]),
        (5, 7, RAW[5:12]),
        (0, 10**9, RAW),
        (len(RAW) - 3, 10, RAW[-3:]),
    ],
)
def test_partial_fetch_gives_the_asked_bytes_under_the_origin_alone(
    server: RunningServer, offset: int, count: int, expected: bytes
) -> None:
    server.deliver(RAW)
    client = server.imap()
    client.select()
    label, data = fetched(client, f"(BODY.PEEK[]<{offset}.{count}>)")
    assert label == b"1 (BODY[]<%d> {%d}" % (offset, len(expected))
    assert data == expected
    client.logout()


@pytest.mark.parametrize("offset", [len(RAW), len(RAW) + 1, 4_000_000_000])
def test_partial_fetch_beyond_the_end_is_an_empty_string(server: RunningServer, offset: int) -> None:
    server.deliver(RAW)
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        answer = client.command(b"f FETCH 1 BODY.PEEK[]<%d.5>" % offset)
    assert answer[0] == b'* 1 FETCH (BODY[]<%d> "")' % offset


def test_a_mail_read_in_pieces_is_the_mail(server: RunningServer) -> None:
    raw = mail(body="line of text\r\n" * 20_000)  # as JavaMail reads it: 16 KB at a time
    server.deliver(raw)
    client = server.imap()
    client.select()
    pieces = [fetched(client, f"(BODY.PEEK[]<{offset}.16384>)")[1] for offset in range(0, len(raw), 16384)]
    assert len(pieces) > 1
    assert b"".join(pieces) == raw
    client.logout()


def test_body_sets_seen_and_tells_so_and_peek_does_not(server: RunningServer) -> None:
    server.deliver(mail())
    client = server.imap()
    client.select()
    client.fetch("1", "(BODY.PEEK[])")
    assert client.search(None, "UNSEEN")[1] == [b"1"]
    answer = client.fetch("1", "(BODY[TEXT])")[1]
    assert b"FLAGS (\\Recent \\Seen)" in b"".join(part for part in answer if isinstance(part, bytes))
    assert client.search(None, "UNSEEN")[1] == [b""]
    client.logout()


def test_everything_of_a_message_can_be_asked_at_once(server: RunningServer) -> None:
    server.deliver(RAW)
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        answer = client.command(b"f UID FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE INTERNALDATE)")[0]
    assert answer.startswith(b"* 1 FETCH (UID 1 RFC822.SIZE %d ENVELOPE (" % len(RAW))
    assert b'"MSCONS" (("Netz" NIL "netz" "nb.example"))' in answer
    assert b'BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 12 1 ' in answer


def test_a_missing_part_is_nil(server: RunningServer) -> None:
    server.deliver(RAW)
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        assert client.command(b"f FETCH 1 BODY.PEEK[2]")[0] == b"* 1 FETCH (BODY[2] NIL)"


def test_a_number_beyond_the_last_is_bad_and_a_uid_beyond_the_last_is_nothing(server: RunningServer) -> None:
    server.deliver(RAW)
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        assert client.command(b"a FETCH 2 FLAGS")[-1].startswith(b"a BAD ")
        assert client.command(b"b UID FETCH 2 FLAGS") == [b"b OK FETCH completed"]


def test_a_message_removed_by_another_session_is_told_when_it_may_be(server: RunningServer) -> None:
    server.deliver(RAW)
    server.deliver(RAW)
    with server.raw_logged_in() as client, server.raw_logged_in() as other:
        client.command(b"a SELECT INBOX")
        other.command(b"b SELECT INBOX")
        other.command(b"c STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.command(b"d EXPUNGE")
        answer = client.command(b"e FETCH 1:2 (UID RFC822.HEADER)")
        assert answer[-1].startswith(b"e NO [EXPUNGEISSUED] ")
        # RFC 3501, section 7.4.1: no EXPUNGE while a FETCH, STORE or SEARCH is in progress
        assert not [line for line in answer if line.endswith(b"EXPUNGE")]
        assert b"* 1 EXPUNGE" in client.command(b"f NOOP")


def test_changedsince_returns_what_has_changed_with_its_modseq(server: RunningServer) -> None:
    for number in range(3):
        server.deliver(mail(str(number)))
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        # RFC 7162, section 3.1.4.1: MODSEQ comes though it was not asked for
        assert client.command(b"b FETCH 1:* (FLAGS) (CHANGEDSINCE 2)")[:-1] == [
            b"* 2 FETCH (FLAGS (\\Recent) MODSEQ (3))",
            b"* 3 FETCH (FLAGS (\\Recent) MODSEQ (4))",
        ]
        client.command(b"c STORE 1 +FLAGS.SILENT (\\Seen)")
        assert client.command(b"d UID FETCH 1:* MODSEQ (CHANGEDSINCE 4)")[:-1] == [b"* 1 FETCH (UID 1 MODSEQ (5))"]


def test_a_message_that_is_seen_by_being_fetched_has_a_new_modseq(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX (CONDSTORE)")
        answer = client.command(b"b FETCH 1 BODY[TEXT]<0.1>")
    assert b" FLAGS (\\Recent \\Seen) MODSEQ (3))" in b"\n".join(answer)


@pytest.mark.parametrize("modifier", [b"(CHANGEDSINCE x)", b"(UNCHANGEDSINCE 1)", b"()", b"(CHANGEDSINCE 1) "])
def test_another_modifier_is_bad(server: RunningServer, modifier: bytes) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"b FETCH 1 FLAGS " + modifier)[-1].startswith(b"b BAD ")

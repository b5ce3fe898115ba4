from __future__ import annotations

import pytest

from tests.mailserver_sim.running import RawClient, RunningServer, mail


def with_mails(server: RunningServer, count: int, select: bytes = b"SELECT INBOX") -> RawClient:
    """Return a client with the mailbox open; message 1 has MODSEQ 2, message 2 has 3, and so on."""
    for number in range(count):
        server.deliver(mail(str(number)))
    client = server.raw_logged_in()
    client.command(b"s " + select)
    return client


def test_a_message_changed_since_is_left_alone_and_named(server: RunningServer) -> None:
    with with_mails(server, 3) as client:
        answer = client.command(b"a STORE 1:3 (UNCHANGEDSINCE 3) +FLAGS (\\Seen)")
        # RFC 7162, section 3.1.3: MODIFIED has message numbers for STORE ...
        assert answer == [
            b"* 1 FETCH (FLAGS (\\Recent \\Seen) MODSEQ (5))",
            b"* 2 FETCH (FLAGS (\\Recent \\Seen) MODSEQ (5))",
            b"a OK [MODIFIED 3] Conditional STORE failed",
        ]


def told(keywords: bytes) -> list[bytes]:
    """Return the lines that tell of new keywords; ``keywords`` are all that there are."""
    system = rb"\Answered \Deleted \Draft \Flagged \Seen"
    return [
        b"* FLAGS (%b %b)" % (keywords, system),
        rb"* OK [PERMANENTFLAGS (%b \* %b)] Flags that are kept" % (keywords, system),
    ]


def test_a_new_keyword_is_told_before_its_first_fetch_and_then_no_more(server: RunningServer) -> None:
    with with_mails(server, 2) as client, server.raw_logged_in() as other:
        other.command(b"a SELECT INBOX")
        own = [client.command(b"a STORE %d +FLAGS ($X)" % number) for number in (1, 2)]
        assert own[0][:-1] == [*told(b"$X"), *own[0][2:-1]]
        assert [line[:9] for line in own[0][2:-1]] == [b"* 1 FETCH"]
        assert [line[:9] for line in own[1][:-1]] == [b"* 2 FETCH"]
        heard = other.command(b"b NOOP")
        assert heard[:2] == told(b"$X")
        assert [line[:9] for line in heard[2:-1]] == [b"* 1 FETCH", b"* 2 FETCH"]


def test_a_keyword_that_comes_with_a_message_is_told_in_idle(server: RunningServer) -> None:
    with with_mails(server, 1) as client, server.raw_logged_in() as other:
        client.send(b"a IDLE\r\n")
        assert client.line().startswith(b"+ ")
        other.command(b"b APPEND INBOX ($New) {1+}\r\nx")
        assert client.line() == b"* 2 EXISTS"
        assert client.line().endswith(b" RECENT")
        assert [client.line(), client.line()] == told(b"$New")
        client.send(b"DONE\r\n")
        client.answer(b"a")


def test_uid_store_names_the_uids_that_were_modified(server: RunningServer) -> None:
    with with_mails(server, 4) as client:
        client.command(b"a STORE 1 +FLAGS.SILENT (\\Deleted)")
        client.command(b"b EXPUNGE")
        answer = client.command(b"c UID STORE 2:4 (UNCHANGEDSINCE 4) +FLAGS.SILENT ($X)")
        # ... and UIDs for UID STORE; SILENT or not, the new MODSEQ is told.
        assert answer == [
            *told(b"$X"),
            b"* 1 FETCH (UID 2 MODSEQ (7))",
            b"* 2 FETCH (UID 3 MODSEQ (7))",
            b"c OK [MODIFIED 4] Conditional STORE failed",
        ]


def test_unchangedsince_0_fails_for_every_message(server: RunningServer) -> None:
    with with_mails(server, 2) as client:
        answer = client.command(b"a STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)")
    assert answer == [b"a OK [MODIFIED 1:2] Conditional STORE failed"]


def test_a_message_that_is_gone_makes_the_store_fail_for_it_alone(server: RunningServer) -> None:
    with with_mails(server, 2) as client, server.raw_logged_in() as other:
        other.command(b"s SELECT INBOX")
        other.command(b"a STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.command(b"b EXPUNGE")
        answer = client.command(b"c STORE 1:2 +FLAGS.SILENT (\\Flagged)")
        # RFC 5530, section 3; STORE must not tell EXPUNGE (RFC 3501, section 7.4.1)
        assert answer[-1].startswith(b"c NO [EXPUNGEISSUED] ")
        assert not [line for line in answer if b"EXPUNGE" in line.split(b"[")[0]]
        # RFC 7162, section 3.1.3: NO with MODIFIED when both happened
        assert client.command(b"d STORE 1:2 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)") == [
            b"d NO [MODIFIED 1] Conditional STORE failed"
        ]
        assert client.command(b"e UID STORE 1:2 -FLAGS.SILENT (\\Flagged)")[-1].startswith(b"e OK ")


@pytest.mark.parametrize("enabling", [b"x ENABLE CONDSTORE", b"x FETCH 1 MODSEQ", b"x SEARCH MODSEQ 1"])
def test_flags_changed_by_others_come_with_modseq_once_it_is_enabled(server: RunningServer, enabling: bytes) -> None:
    with with_mails(server, 1) as client, server.raw_logged_in() as other:
        other.command(b"s SELECT INBOX")
        other.command(b"a STORE 1 +FLAGS (\\Seen)")
        assert client.command(b"b NOOP")[0] == b"* 1 FETCH (FLAGS (\\Recent \\Seen) UID 1)"
        client.command(enabling)
        other.command(b"c STORE 1 -FLAGS (\\Seen)")
        # RFC 7162, section 3.1: from then on every FETCH response that tells a change has MODSEQ
        assert client.command(b"d NOOP")[0] == b"* 1 FETCH (FLAGS (\\Recent) UID 1 MODSEQ (4))"


@pytest.mark.parametrize(
    "modifier", [b"(UNCHANGEDSINCE) ", b"(UNCHANGEDSINCE x) ", b"(UNCHANGEDSINCE 1)", b"(CHANGEDSINCE 1) ", b"() "]
)
def test_another_modifier_is_bad(server: RunningServer, modifier: bytes) -> None:
    with with_mails(server, 1) as client:
        assert client.command(b"a STORE 1 " + modifier + b"FLAGS (\\Seen)")[-1].startswith(b"a BAD ")

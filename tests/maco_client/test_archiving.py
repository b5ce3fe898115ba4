"""Archiving on the wire: MOVE, or COPY with a memory that outlives the loss of its answer."""

from __future__ import annotations

import pytest

from maco_client.results import PollResult
from maco_client.settings import PostProcessing, Protection
from tests.maco_client.bench import Bench, make_connection
from tests.maco_client.scripted_server import (
    Expect,
    Script,
    ScriptedServer,
    Step,
    answered,
    found,
    greeting,
    in_clear,
    left,
    logged_in,
    opened,
    running,
    sent,
    sent_together,
    stored,
)

MAIL = b"Subject: MSCONS\r\nMessage-ID: <1@nb.example>\r\n\r\nUNA\r\n"
OTHER = b"Subject: MSCONS\r\nMessage-ID: <2@nb.example>\r\n\r\nUNA\r\n"
ARCHIVING = make_connection(Protection.OFF, post_processing=PostProcessing.ARCHIVE, archive_folder="Archive")
OPEN = [*greeting(), *in_clear(), *logged_in(), *opened()]
FETCHED = [*OPEN, *found(4), *sent(4, MAIL)]
IS_THERE = answered(rb'LIST "" "Archive"', b'LIST () "/" Archive')
NO_MOVE = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 UIDPLUS")
ASKED = answered(rb'STATUS "Archive" \(UIDVALIDITY UIDNEXT\)', b"STATUS Archive (UIDVALIDITY 3 UIDNEXT 10)")
COPIED = answered(rb'UID COPY 4 "Archive"', completion=b"OK [COPYUID 3 4 10] done")
DELETED = stored(4, rb"\\Deleted")
CUT_AT_COPY: list[Step] = [*FETCHED, *IS_THERE, *NO_MOVE, *ASKED, Expect(rb"UID COPY .*")]
FOUND_AGAIN = [*OPEN, *found(4, sizes=[len(MAIL)])]
SELECTED_AGAIN = answered(rb'SELECT "INBOX"', b"1 EXISTS", b"OK [UIDVALIDITY 7] valid")


def looked(*uids: int, uid_validity: int = 3, lowest: int = 10) -> list[Step]:
    """Open the archive folder and find mails of the same size."""
    numbers = b"".join(b" %d" % uid for uid in uids)
    return [
        *answered(rb'EXAMINE "Archive"', b"9 EXISTS", b"OK [UIDVALIDITY %d] valid" % uid_validity),
        *answered(
            rb"UID SEARCH UID %d:\* LARGER %d SMALLER %d" % (lowest, len(MAIL) - 1, len(MAIL) + 1), b"SEARCH" + numbers
        ),
    ]


async def poll(bench: Bench, *scripts: Script) -> tuple[PollResult, ScriptedServer]:
    server = ScriptedServer([*scripts])
    async with running(server):
        for _ in scripts:
            result = await bench.poller(ARCHIVING, server.address).poll()
    assert server.surprises == []
    return result, server


async def test_a_server_with_move_is_asked_to_move(bench: Bench) -> None:
    moves = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 MOVE UIDPLUS")
    moved = answered(rb'UID MOVE 4 "Archive"', b"OK [COPYUID 3 4 10] moved", b"1 EXPUNGE")
    result, _ = await poll(bench, [*FETCHED, *IS_THERE, *moves, *moved, *left()])
    assert result.succeeded, result
    assert result.mails[0].post_processed


async def test_mails_that_were_fetched_together_are_archived_together(bench: Bench) -> None:
    copied = answered(rb'UID COPY 4:5 "Archive"', completion=b"OK [COPYUID 3 4:5 10:11] done")
    deleted = stored(b"4:5", rb"\\Deleted")
    fetched = [*OPEN, *found(4, 5), *sent_together(b"4:5", {4: MAIL, 5: OTHER})]
    result, _ = await poll(bench, [*fetched, *IS_THERE, *NO_MOVE, *ASKED, *copied, *deleted, *left()])
    assert result.succeeded, result


async def test_a_mail_that_copyuid_does_not_name_was_gone_and_is_left_alone(bench: Bench) -> None:
    copied = answered(rb'UID COPY 4:5 "Archive"', completion=b"OK [COPYUID 3 5 10] done")
    fetched = [*OPEN, *found(4, 5), *sent_together(b"4:5", {4: MAIL, 5: OTHER})]
    script = [*fetched, *IS_THERE, *NO_MOVE, *ASKED, *copied, *stored(5, rb"\\Deleted"), *left()]
    result, _ = await poll(bench, script)
    assert result.succeeded, result


async def test_a_copy_whose_answer_was_lost_is_found_and_not_made_again(bench: Bench) -> None:
    copy = answered(rb"UID FETCH 12 \(UID BODY\.PEEK\[\]\)", b"9 FETCH (UID 12 BODY[] {%d}\r\n%b)" % (len(MAIL), MAIL))
    again = [*FOUND_AGAIN, *IS_THERE, *looked(12), *copy, *SELECTED_AGAIN, *DELETED, *left()]
    result, _ = await poll(bench, CUT_AT_COPY, again)
    assert result.succeeded, result
    assert len(bench.inbox.mails()) == 1


async def test_a_copy_that_was_never_made_is_made(bench: Bench) -> None:
    copied = [*IS_THERE, *NO_MOVE, *ASKED, *COPIED, *DELETED]
    again = [*FOUND_AGAIN, *IS_THERE, *looked(), *SELECTED_AGAIN, *copied, *left()]
    result, _ = await poll(bench, CUT_AT_COPY, again)
    assert result.succeeded, result


async def test_another_mail_of_the_same_size_is_not_taken_for_the_copy(bench: Bench) -> None:
    other = answered(
        rb"UID FETCH 12 \(UID BODY\.PEEK\[\]\)", b"9 FETCH (UID 12 BODY[] {%d}\r\n%b)" % (len(MAIL), OTHER)
    )
    copied = [*IS_THERE, *NO_MOVE, *ASKED, *COPIED, *DELETED]
    again = [*FOUND_AGAIN, *IS_THERE, *looked(12), *other, *SELECTED_AGAIN, *copied, *left()]
    result, _ = await poll(bench, CUT_AT_COPY, again)
    assert result.succeeded, result


async def test_a_mail_that_was_in_the_archive_before_is_not_taken_for_the_copy(bench: Bench) -> None:
    # RFC 3501, section 6.4.8: "10:*" also finds the last mail if its UID is 9.
    copied = [*IS_THERE, *NO_MOVE, *ASKED, *COPIED, *DELETED]
    again = [*FOUND_AGAIN, *IS_THERE, *looked(9), *SELECTED_AGAIN, *copied, *left()]
    result, _ = await poll(bench, CUT_AT_COPY, again)
    assert result.succeeded, result


async def test_an_archive_that_was_numbered_anew_is_looked_through_as_a_whole(bench: Bench) -> None:
    copy = answered(rb"UID FETCH 2 \(UID BODY\.PEEK\[\]\)", b"9 FETCH (UID 2 BODY[] {%d}\r\n%b)" % (len(MAIL), MAIL))
    looked_through = looked(2, uid_validity=4, lowest=1)
    again = [*FOUND_AGAIN, *IS_THERE, *looked_through, *copy, *SELECTED_AGAIN, *DELETED, *left()]
    result, _ = await poll(bench, CUT_AT_COPY, again)
    assert result.succeeded, result


async def test_a_copy_that_was_answered_is_not_made_again(bench: Bench) -> None:
    cut: list[Step] = [*FETCHED, *IS_THERE, *NO_MOVE, *ASKED, *COPIED, Expect(rb"UID STORE .*")]
    result, _ = await poll(bench, cut, [*FOUND_AGAIN, *DELETED, *left()])
    assert result.succeeded, result


async def test_a_server_without_uidplus_is_believed_that_it_has_copied(bench: Bench) -> None:
    copied = answered(rb'UID COPY 4 "Archive"')
    result, _ = await poll(bench, [*FETCHED, *IS_THERE, *NO_MOVE, *ASKED, *copied, *DELETED, *left()])
    assert result.succeeded, result


@pytest.mark.parametrize("argument", [b"3 4 10:11", b"3 4", b"3 4 10 x", b"x 4 10", b"3 1:4294967295 1:4294967295"])
async def test_a_copyuid_that_makes_no_sense_ends_the_poll(bench: Bench, argument: bytes) -> None:
    copied = answered(rb'UID COPY 4 "Archive"', completion=b"OK [COPYUID %b] done" % argument)
    result, _ = await poll(bench, [*FETCHED, *IS_THERE, *NO_MOVE, *ASKED, *copied])
    assert (result.succeeded, result.stage) == (False, "post_process")

"""The parts of the comparison with Dovecot that need no Dovecot: reading scripts, and the normal form of answers."""

from __future__ import annotations

import pytest

from tests.real.transcript.normal import normal
from tests.real.transcript.player import Answered
from tests.real.transcript.reasons import REASONS
from tests.real.transcript.steps import Sent, read_script, scripts


def answered(*responses: bytes, line: str = "A NOOP") -> tuple[str, ...]:
    (step,) = read_script("test", line).steps
    return normal(Answered(step, [response + b"\r\n" for response in responses]))


def test_every_reason_of_a_script_is_written_down_and_every_reason_is_used() -> None:
    assert {step.reason for script in scripts() for step in script.steps} - {""} == set(REASONS)


def test_a_step_has_its_literals_and_its_lines_behind_continuations() -> None:
    (first, second) = read_script(
        "test", "# none\nA APPEND x {mail plain} {text+ a\\xff}  ## why\nB IDLE >> DONE\n"
    ).steps
    assert (first.session, first.reason, first.pieces[0]) == ("A", "why", b"APPEND x ")
    assert first.pieces[3] == Sent(b"a\xff", waits=False)
    assert (second.pieces, second.then, second.left_open) == ((b"IDLE",), (b"DONE",), False)


@pytest.mark.parametrize("line", ["NOOP", "a NOOP", " NOOP"])
def test_what_is_no_step_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no step"):
        read_script("test", line)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"* 1 EXISTS", b"* FLAGS ()", b"t1 OK a"), (b"* FLAGS ()", b"* 1 EXISTS", b"t2 OK b")),
        ((b"* SEARCH 2 1", b"t1 OK"), (b"* SEARCH 1 2", b"t1 OK")),
        ((b'* LIST (\\B \\A) "/" x', b"t1 OK"), (b'* LIST (\\A \\B \\Marked) "/" "x"', b"t1 OK")),
        (
            (b"* 1 FETCH (UID 1 FLAGS (\\B \\A))", b"t1 OK"),
            (b"* 1 FETCH (FLAGS (\\A \\B))", b"* 1 FETCH (UID 1)", b"t1 OK"),
        ),
        ((b'* 1 FETCH (BODY[] "a\\"b")', b"t1 OK"), (b'* 1 FETCH (BODY[] {3}\r\na"b)', b"t1 OK")),
        ((b"* 3 EXPUNGE", b"* 1 EXPUNGE", b"t1 OK"), (b"* 1 EXPUNGE", b"* 2 EXPUNGE", b"t1 OK")),
        ((b"* 4 EXISTS", b"* 2 EXPUNGE", b"t1 OK"), (b"* 2 EXPUNGE", b"* 3 EXISTS", b"t1 OK")),
        ((b"* 2 RECENT", b"t1 OK"), (b"t1 OK",)),
        ((b"* OK [UIDVALIDITY 5] x", b"t1 OK"), (b"* OK [UIDVALIDITY 7] y", b"t1 OK")),
        ((b"t1 OK [COPYUID 5 1 2] x",), (b"t1 OK [COPYUID 7 1 2] y",)),
        ((b"* STATUS inbox (UNSEEN 1 MESSAGES 2)", b"t1 OK"), (b'* STATUS "INBOX" (MESSAGES 2 UNSEEN 1)', b"t1 OK")),
        (
            (b'* 1 FETCH (INTERNALDATE "05-Nov-2020 00:30:00 +0100")', b"t1 OK"),
            (b'* 1 FETCH (INTERNALDATE " 4-Nov-2020 23:30:00 +0000")', b"t1 OK"),
        ),
        (
            (b'* 1 FETCH (BODY ("TEXT" "PLAIN" ("CHARSET" "x") NIL NIL "7BIT" 1 1))', b"t1 OK"),
            (b'* 1 FETCH (BODY ("text" "plain" ("charset" "x") NIL NIL "7bit" 1 1))', b"t1 OK"),
        ),
        ((b"* SEARCH 2 1 (MODSEQ 5)", b"t1 OK"), (b"* SEARCH 1 2 (MODSEQ 7)", b"t1 OK")),
        ((b"* 1 FETCH (MODSEQ (5))", b"t1 OK"), (b"* 1 FETCH (MODSEQ (7))", b"t1 OK")),
        ((b"* STATUS x (HIGHESTMODSEQ 5)", b"t1 OK"), (b"* STATUS x (HIGHESTMODSEQ 7)", b"t1 OK")),
        ((b"* ESEARCH COUNT 1 MODSEQ 5", b"t1 OK"), (b"* ESEARCH MODSEQ 7 COUNT 1", b"t1 OK")),
        (
            (b'* ESEARCH (TAG "t1") UID COUNT 1 ALL 1', b"t1 OK"),
            (b'* ESEARCH (TAG "t9") UID ALL 1 COUNT 1', b"t1 OK"),
        ),
    ],
)  # fmt: skip
def test_what_a_server_may_choose_makes_no_difference(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    assert answered(*one) == answered(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"t1 OK x",), (b"t1 NO x",)),
        ((b"t1 NO [CANNOT] x",), (b"t1 NO x",)),
        ((b"* SORT 2 1", b"t1 OK"), (b"* SORT 1 2", b"t1 OK")),
        ((b"* SORT 2 1 (MODSEQ 5)", b"t1 OK"), (b"* SORT 2 1", b"t1 OK")),
        ((b"* SEARCH 1 (MODSEQ 5)", b"t1 OK"), (b"* SEARCH 1", b"t1 OK")),
        ((b"* ESEARCH COUNT 1 MODSEQ 5", b"t1 OK"), (b"* ESEARCH COUNT 1", b"t1 OK")),
        ((b"* 1 FETCH (BODY[] NIL)", b"t1 OK"), (b'* 1 FETCH (BODY[] "NIL")', b"t1 OK")),
        ((b"* 2 EXPUNGE", b"t1 OK"), (b"* 1 EXPUNGE", b"t1 OK")),
        ((b"* BYE x", b""), (b"t1 OK",)),
        ((b"* ESEARCH UID ALL 1", b"t1 OK"), (b"* ESEARCH ALL 1", b"t1 OK")),
        (
            (b'* 1 FETCH (BODY ("TEXT" "PLAIN" ("NAME" "X") NIL NIL "7BIT" 1 1))', b"t1 OK"),
            (b'* 1 FETCH (BODY ("TEXT" "PLAIN" ("NAME" "x") NIL NIL "7BIT" 1 1))', b"t1 OK"),
        ),
    ],
)
def test_what_a_server_says_makes_a_difference(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    assert answered(*one) != answered(*other)

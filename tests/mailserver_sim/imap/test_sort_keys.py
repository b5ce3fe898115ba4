from __future__ import annotations

import datetime as dt
import time

import pytest

from mailserver_sim.headers import LONGEST_DECODED
from mailserver_sim.imap.sort_keys import Criterion, Sortable, base_subject, in_order, read_criteria
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.store.values import MessageInfo


def message(uid: int, header: str = "", *, hour: int = 0, size: int = 1) -> Sortable:
    arrived = dt.datetime(2026, 11, 3, hour, tzinfo=dt.UTC)
    return Sortable(MessageInfo(uid, frozenset(), arrived, size), header.replace("\n", "\r\n").encode())


def order(messages: list[Sortable], criteria: bytes) -> list[int]:
    return [each.info.uid for each in in_order(messages, read_criteria(Arguments((criteria,))))]


@pytest.mark.parametrize(
    ("subject", "base", "is_answer"),
    [
        # RFC 5256, section 2.1, step by step
        ("", "", False),
        ("plain", "plain", False),
        ("two  \t words ", "two words", False),
        ("Re: plain", "plain", True),
        ("RE : re: fw: Fwd[2]: plain", "plain", True),
        ("[list] Re: plain", "plain", True),
        ("Re: [list] plain", "plain", True),
        ("[list] [other] plain", "plain", False),
        ("[list]", "[list]", False),
        ("[list] ", "[list]", False),
        ("plain (fwd) (FWD)", "plain", True),
        ("[fwd: plain]", "plain", True),
        ("[Fwd: Re: [list] plain (fwd)]", "plain", True),
        ("Re:", "", True),
        ("regards", "regards", False),
        ("plain Re: x", "plain Re: x", False),
        ("AW: plain", "AW: plain", False),
    ],
)
def test_a_subject_has_this_base(subject: str, base: str, *, is_answer: bool) -> None:
    assert base_subject(subject) == (base, is_answer)


@pytest.mark.parametrize("piece", ["[a]", "(fwd)", "re:", "[", " ", "[fwd:", "]", "re[a]"])
def test_no_subject_takes_long(piece: str) -> None:
    begin = time.process_time()
    base_subject(piece * (LONGEST_DECODED // len(piece)))
    base_subject("x" + piece * (LONGEST_DECODED // len(piece)))
    assert time.process_time() - begin < 2  # a way through the whole subject for every piece takes minutes


def test_messages_are_sorted_by_each_criterion() -> None:
    first = message(1, "Subject: b\nFrom: Zoe <a@x>\nTo: c@x\nDate: Tue, 3 Nov 2026 10:00:00 +0000\n", hour=2, size=5)
    second = message(
        2, "Subject: Re: A\nFrom: b@x, a@x\nTo: b@x\nCc: a@x\nDate: Tue, 3 Nov 2026 10:30:00 +0100\n", size=7
    )
    messages = [first, second]
    assert order(messages, b"(SUBJECT)") == [2, 1]
    assert order(messages, b"(FROM)") == [1, 2]  # "addr-mailbox of the first"
    assert order(messages, b"(TO)") == [2, 1]
    assert order(messages, b"(CC)") == [1, 2]
    assert order(messages, b"(DATE)") == [2, 1]  # by UTC
    assert order(messages, b"(ARRIVAL)") == [2, 1]
    assert order(messages, b"(SIZE)") == [1, 2]
    assert order(messages, b"(REVERSE SIZE)") == [2, 1]


def test_equal_messages_stay_in_the_order_of_the_mailbox_also_reversed() -> None:
    messages = [message(uid, "Subject: x\n", size=uid % 2) for uid in range(1, 5)]
    assert order(messages, b"(REVERSE SUBJECT)") == [1, 2, 3, 4]
    assert order(messages, b"(SUBJECT REVERSE SIZE)") == [1, 3, 2, 4]


@pytest.mark.parametrize("header", ["", "Date: yesterday\n", "Date: Tue, 31 Feb 2026 00:00:00 +0000\n"])
def test_a_message_without_a_valid_date_was_sent_when_it_arrived(header: str) -> None:
    assert message(1, header, hour=5).sent.hour == 5


def test_a_date_without_a_zone_is_taken_for_utc() -> None:
    assert message(1, "Date: Tue, 3 Nov 2026 10:00:00 -0000\n").sent == dt.datetime(2026, 11, 3, 10, tzinfo=dt.UTC)


def test_the_ids_of_references_come_before_those_of_in_reply_to() -> None:
    both = message(1, "Message-ID: <m@x>\nReferences: <a@x> junk <b@x>\nIn-Reply-To: <c@x>\n")
    assert (both.message_id, both.references) == ("<m@x>", ["<a@x>", "<b@x>"])
    assert message(1, "In-Reply-To: mail <a@x> of <b@x>\n").references == ["<a@x>"]
    assert message(1, "Message-ID: none\n").message_id == ""


def test_criteria_are_read_with_reverse_for_the_next_one_alone() -> None:
    assert read_criteria(Arguments((b"(reverse date SUBJECT)",))) == [
        Criterion("DATE", reverse=True),
        Criterion("SUBJECT"),
    ]


@pytest.mark.parametrize(
    "text",
    [b"()", b"(FOO)", b"(REVERSE)", b"(REVERSE REVERSE DATE)", b"DATE", b"(DATE", b"(" + b"DATE " * 20 + b"DATE)"],
)
def test_what_is_no_list_of_criteria_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        read_criteria(Arguments((text,)))

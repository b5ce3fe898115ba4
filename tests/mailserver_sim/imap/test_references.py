from __future__ import annotations

import time

import pytest

from mailserver_sim.imap.references import DEEPEST, references
from mailserver_sim.imap.sort_keys import Sortable
from mailserver_sim.imap.threads import thread_list
from tests.mailserver_sim.imap.test_sort_keys import message


def mails(*headers: str) -> list[Sortable]:
    """Messages 1, 2, ... in the order of their dates; ``a < b c`` is message a that references b and c."""
    made = []
    for number, header in enumerate(headers, 1):
        names, _, subject = header.partition(":")
        own, _, named = names.partition("<")
        lines = f"Message-ID: <{own.strip()}@x>\n" if own.strip() else ""
        if named:
            lines += "References: " + " ".join(f"<{each}@x>" for each in named.split()) + "\n"
        made.append(message(number, lines + f"Subject: {subject or number}\n", hour=number))
    return made


def threaded(messages: list[Sortable]) -> str:
    return thread_list(references(messages), {each.info.uid: each.info.uid for each in messages}).decode().strip()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # RFC 5256, section 3, REFERENCES, step by step
        (("a", "b < a", "c < a b"), "(1 2 3)"),
        (("a", "b < a", "c < a"), "(1 (2)(3))"),
        (("c < a b", "b < a", "a"), "(3 2 1)"),  # the order of the mailbox is no matter
        (("a", "c < a lost"), "(1 2)"),  # what is not there is left out
        (("b < lost", "c < lost"), "((1)(2))"),  # but not made two roots
        (("b < lost",), "(1)"),
        (("a < b", "b < a"), "(2 1)"),  # no loop: the first that names the other is its answer
        (("a < a",), "(1)"),
        (("a", "a < a"), "(1 2)"),  # an ID that was seen before is another message
        (("", ""), "(1)(2)"),
        (("a < x", "b < y a", "c < y"), "(1 2)(3)"),  # a parent stays, whatever others say
        # step 5: by subject
        (("a:x", "b:Re: x"), "(1 2)"),
        (("a:Re: x", "b:x"), "(2 1)"),
        (("a:x", "b:x"), "((1)(2))"),
        (("a:x", "b:x", "c:x", "d:Re: x"), "((1)(2)(3)(4))"),
        (("a:Re: x", "b:Re: x"), "((1)(2))"),
        (("a < lost:x", "b < lost:x", "c:x"), "((1)(2)(3))"),
        (("a < lost:x", "b < lost:x", "c < gone:x", "d < gone:x"), "((1)(2)(3)(4))"),
        (("a: ", "b: "), "(1)(2)"),  # an empty subject gathers nobody
    ],
)
def test_these_messages_are_these_threads(headers: tuple[str, ...], expected: str) -> None:
    assert threaded(mails(*headers)) == expected


def test_threads_and_answers_are_in_the_order_of_their_dates() -> None:
    messages = [
        message(1, "Message-ID: <a@x>\nSubject: a\n", hour=5),
        message(2, "References: <a@x>\nSubject: b\n", hour=4),
        message(3, "References: <a@x>\nSubject: c\n", hour=3),
        message(4, "Subject: d\n", hour=1),
    ]
    assert threaded(messages) == "(4)(1 (3)(2))"


def test_a_long_conversation_takes_no_time_and_is_cut_where_it_is_too_deep() -> None:
    count = 10 * DEEPEST
    chain = [message(n, f"Message-ID: <{n}@x>\nReferences: <{n - 1}@x>\nSubject: {n}\n") for n in range(1, count)]
    begin = time.process_time()
    assert 9 < threaded(chain).count("(") < 20
    assert threaded(chain[::-1]).count("(") == 1  # from the last answer on, nobody is looked for above
    assert time.process_time() - begin < 5  # a look at everything above for every message takes minutes

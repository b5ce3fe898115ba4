from __future__ import annotations

import pytest

from mailserver_sim.imap.threads import Thread, ordered_subject, thread_list
from tests.mailserver_sim.imap.test_sort_keys import message

NUMBERS = {number: number for number in range(5_001)}


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ([], b""),
        # RFC 5256, section 4, THREAD response: its two examples
        (
            [
                Thread(2),
                Thread(3, [Thread(6, [Thread(4, [Thread(23)]), Thread(44, [Thread(7, [Thread(96)])])])]),
            ],
            b" (2)(3 6 (4 23)(44 7 96))",
        ),
        ([Thread(None, [Thread(3), Thread(5)])], b" ((3)(5))"),
    ],
)
def test_threads_are_written_so(threads: list[Thread], expected: bytes) -> None:
    assert thread_list(threads, NUMBERS) == expected


def test_a_conversation_of_any_depth_can_be_written() -> None:
    thread = Thread(5_000)
    for number in range(4_999, 0, -1):
        thread = Thread(number, [thread, Thread(number)] if number % 2 else [thread])
    written = thread_list([thread], NUMBERS)
    assert written.count(b"(") == written.count(b")") > 2_500


def test_messages_of_one_subject_are_one_thread_and_the_first_has_the_others_below_it() -> None:
    messages = [
        message(1, "Subject: b\n", hour=2), message(2, "Subject: Re: a\n", hour=3), message(3, "Subject: A\n", hour=1),
        message(4, "Subject: Fwd: a\n", hour=4),
    ]  # fmt: skip
    assert thread_list(ordered_subject(messages), NUMBERS) == b" (3 (2)(4))(1)"

from __future__ import annotations

import pytest

from mailserver_sim.imap.sequence import parse_sequence_set
from mailserver_sim.imap.tokens import CommandSyntaxError


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        # RFC 3501, section 9: "if [...] UID of 2:4 [...]"; examples of seq-range and sequence-set with 15 messages
        (b"2,4:7,9,12:*", [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]),
        (b"*:4,5:7", [*range(4, 16)]),
        (b"*", [15]),
        (b"4:2", [2, 3, 4]),
        (b"1:4294967295", [*range(1, 16)]),
        # RFC 3501, section 6.4.8: "559:*" always includes the UID of the last message in the mailbox.
        (b"559:*", [15]),
        (b"99", []),
    ],
)
def test_a_set_chooses_among_the_numbers_there_are(text: bytes, chosen: list[int]) -> None:
    assert parse_sequence_set(text).among(range(1, 16)) == chosen


@pytest.mark.parametrize(
    "text",
    [
        *(b"0", b"1:", b":1", b",1", b"1,,2", b"4294967296", b"1:2:3", b""),
        *(b"01", b"00000000001999", b"1:00000000001" + b"9" * 5000),  # the last one is more than Python reads
    ],
)
def test_what_is_no_set_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        parse_sequence_set(text)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [(b"3,1:2", ((1, 3),)), (b"5:*,2,7:6", ((2, 2), (5, 15))), (b"1:9,3:4", ((1, 9),)), (b"20", ((20, 20),))],
)
def test_ranges_that_touch_are_one(text: bytes, ranges: tuple[tuple[int, int], ...]) -> None:
    found = parse_sequence_set(text).up_to(15)
    assert found.ranges == ranges
    assert [number for number in range(25) if number in found] == found.among(range(25))


def test_nothing_is_chosen_of_nothing() -> None:
    assert parse_sequence_set(b"1:*").among([]) == []


def test_a_number_beyond_the_last_is_noticed() -> None:
    assert parse_sequence_set(b"1:16").exceeds(15)
    assert not parse_sequence_set(b"1:*").exceeds(15)

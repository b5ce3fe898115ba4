from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailserver_sim.store.uids import UidRuns, runs_of

UIDS = st.frozensets(st.integers(1, 60)).map(sorted)


def packed(uids: list[int]) -> UidRuns:
    return UidRuns(runs_of(uids))


def assert_is(found: UidRuns, uids: list[int]) -> None:
    """Check the UIDs, and that neighbours are in one run."""
    assert list(found) == uids
    assert list(found.runs()) == list(runs_of(uids))


def test_neighbours_are_one_run() -> None:
    assert list(packed([2, 3, 4, 9, 11, 12]).runs()) == [(2, 4), (9, 9), (11, 12)]


def test_a_mailbox_is_what_its_gaps_leave() -> None:
    assert_is(UidRuns.between_gaps(10, [(1, 2), (5, 5), (8, 9)]), [3, 4, 6, 7])
    assert_is(UidRuns.between_gaps(1, []), [])
    assert_is(UidRuns.between_gaps(4, [(1, 3)]), [])


@given(UIDS, st.integers(-70, 70), st.integers(-70, 70), st.sampled_from([None, 1, 2, -1]))
def test_it_is_a_sequence_like_a_list(uids: list[int], start: int, stop: int, step: int | None) -> None:
    found = packed(uids)
    assert len(found) == len(uids)
    assert found[start:stop:step] == uids[start:stop:step]
    assert [found[place] for place in range(-len(uids), len(uids))] == uids + uids
    assert [uid for uid in range(-1, 62) if uid in found] == uids
    with pytest.raises(IndexError):
        found[len(uids)]


@given(UIDS)
def test_numbers_count_from_one(uids: list[int]) -> None:
    assert [packed(uids).number(uid) for uid in uids] == list(range(1, len(uids) + 1))


@given(UIDS, UIDS, st.integers(0, 61))
def test_adding_and_removing_leave_the_right_ones(uids: list[int], others: list[int], lowest: int) -> None:
    higher = [uid + max(uids, default=0) for uid in others]
    assert_is(packed(uids).with_added(higher), uids + higher)
    assert_is(packed(uids).without(others), [uid for uid in uids if uid not in others])
    assert_is(packed(uids).since(lowest), [uid for uid in uids if uid >= lowest])


@given(UIDS, st.integers(1, 5))
def test_gaps_and_runs_are_two_sides_of_one_thing(uids: list[int], behind: int) -> None:
    uid_next = max(uids, default=0) + behind
    gaps = runs_of(uid for uid in range(1, uid_next) if uid not in uids)
    assert_is(UidRuns.between_gaps(uid_next, gaps), uids)


def test_a_large_mailbox_takes_no_more_memory_than_its_runs() -> None:
    large = UidRuns([(1, 1_000_000)])
    assert len(list(large.without([500_000]).runs())) == 2
    assert large.number(999_999) == 999_999
    assert large[-1] == 1_000_000

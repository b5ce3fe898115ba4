"""Targets of both kinds, met and missed."""

from __future__ import annotations

import pytest

from benchmarks.relay.report.targets import Target, Verdict, best, few_digits, short


@pytest.mark.parametrize(
    ("target", "ours", "peer", "said"),
    [
        (Target(0.95, "higher"), 95.0, 100.0, "met"),
        (Target(0.95, "higher"), 80.0, 100.0, "missed by 0.15"),
        (Target(1.3, "lower"), 13.0, 10.0, "met"),
        (Target(1.3, "lower"), 15.0, 10.0, "missed by 0.20"),
        (Target(20, "lower", "itself"), 19.0, None, "met"),
        (Target(60, "lower", "itself"), 249.0, 500.0, "missed by 189"),
        (Target(1000, "higher", "itself"), 400.0, 1.0, "missed by 600"),
    ],
)
def test_a_verdict_says_by_how_much(target: Target, ours: float, peer: float | None, said: str) -> None:
    assert str(target.verdict(ours, peer)) == said


@pytest.mark.parametrize(("ours", "peer"), [(None, 1.0), (1.0, None), (None, None)])
def test_nothing_is_judged_that_was_not_measured(ours: float | None, peer: float | None) -> None:
    assert Target(1.1, "lower").verdict(ours, peer) is None


def test_a_verdict_carries_the_ratio_that_it_judges() -> None:
    assert Target(2, "higher").verdict(300.0, 100.0) == Verdict(3.0, 0.0)


@pytest.mark.parametrize(("better", "expected"), [("higher", 3.0), ("lower", 2.0)])
def test_the_best_is_the_best_of_the_peers(better: str, expected: float) -> None:
    figures = {"none": 9.0, "ours": 1.0, "a": 3.0, "b": 2.0, "absent": None}

    assert best(figures, {"a", "b", "absent"}, "higher" if better == "higher" else "lower") == expected


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (99.94, "99.9"), (9.876, "9.88"), (0.0, "0.00")])
def test_numbers_are_shown_with_about_three_digits(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("target", "text"), [(Target(0.95, "higher"), "≥ 0.95 x"), (Target(60, "lower", "itself"), "≤ 60")]
)
def test_a_target_says_whether_it_is_a_ratio(target: Target, text: str) -> None:
    assert str(target) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.50"), (1234.0, "1234"), (9996.0, "10.0k"), (99_960.0, "100k"), (999_499.0, "999k"), (1.1e6, "1.1M")],
)
def test_where_room_is_short_numbers_take_five_characters(value: float, text: str) -> None:
    assert few_digits(value) == text

"""The benchmark of taps: its table; and that it does measure polls of both labs."""

from __future__ import annotations

import pytest

from benchmarks.taps import Cost, measure, table
from maco_lab.background import background_loop


def test_the_table_judges_taps_and_shows_chance_beside_them() -> None:
    lines = table([Cost("way-a", True, 0.030, 0.032, 0.0021), Cost("way-a", False, 0.030, 0.030, 0.0)]).splitlines()

    assert {line.count("|") for line in lines} == {10}
    assert lines[2].endswith("| 2,100 | 700 | 7.0% | below 10% | met |")
    assert lines[3].endswith("| 0 |  | 0.0% |  |  |")


def test_a_tenth_is_too_much() -> None:
    assert "missed" in table([Cost("way-a", True, 0.030, 0.033, 0.003)])


@pytest.mark.slow
def test_each_way_is_measured_with_taps_and_without() -> None:
    costs = background_loop().run(measure(2, rounds=1))

    assert [(cost.connection, cost.has_taps) for cost in costs] == [
        (way, has_taps) for has_taps in (True, False) for way in ("way-a", "way-b")
    ]
    assert all(cost.without > 0 and cost.other > 0 for cost in costs)

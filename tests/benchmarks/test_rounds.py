"""Whose turn it is, and how large a run is."""

from __future__ import annotations

from benchmarks.relay.contestants.field import CEILING, FIELD, OURS, without_one_hop
from benchmarks.relay.contestants.shape import Shape
from benchmarks.relay.measurements import ROWS, growth
from benchmarks.relay.report.figures import FIGURES
from benchmarks.relay.rounds import takes_part, turns
from benchmarks.relay.scale import FULL


def test_each_round_has_everyone_once() -> None:
    assert all(sorted(turns(FIELD, number), key=FIELD.index) == list(FIELD) for number in range(10))


def test_each_round_begins_with_another_contestant() -> None:
    assert len({turns(FIELD, number)[0].name for number in range(0, 10, 2)}) == 5


def test_a_row_of_proxies_has_no_ceiling() -> None:
    (idle,) = [row for row in ROWS if row.key == "idle"]

    assert not takes_part(idle, CEILING)
    assert takes_part(idle, OURS)


def test_without_its_module_ours_is_in_no_row_of_one_hop() -> None:
    ours = without_one_hop(OURS)

    assert {row.shape for row in ROWS if takes_part(row, ours)} == {Shape.TWO_HOPS}


def test_every_row_has_figures_and_every_figure_a_row() -> None:
    assert {figure.key.partition(".")[0] for figure in FIGURES} == {row.key for row in ROWS}


def test_a_proxy_gets_no_more_idle_connections_than_it_has_descriptors_for() -> None:
    assert FULL.idle_connections(20_000, slow=False) == 9_850
    assert FULL.idle_connections(1 << 20, slow=False) == 10_000
    assert FULL.idle_connections(1 << 20, slow=True) == 2_000


def test_levels_that_need_more_descriptors_than_there_are_are_left_out() -> None:
    assert FULL.levels_within(4_096) == [1, 32, 500]
    assert FULL.levels_within(20_000) == [1, 32, 500, 5_000]


def test_growth_is_that_of_the_dearest_level() -> None:
    assert growth({1: 2.0, 32: 1.0, 500: 3.0}) == 50.0

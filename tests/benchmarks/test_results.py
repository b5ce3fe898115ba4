"""From samples to medians, spreads and ratios."""

from __future__ import annotations

import pytest

from benchmarks.relay.bench import Sample
from benchmarks.relay.report.figures import FIGURES, Figure
from benchmarks.relay.report.results import cell, disturbance, line
from benchmarks.relay.report.targets import Target
from tests.benchmarks.samples import samples

SPEED = Figure("down1.speed", "bulk", "MB/s", "higher", Target(0.95, "higher"))
PEERS = {"haproxy", "nginx"}


def test_a_cell_has_the_median_and_both_ends() -> None:
    found = cell("a", samples("a", 9, 1, 4))

    assert found is not None
    assert (found.lowest, found.median, found.highest) == (1, 4, 9)


def test_a_contestant_without_the_figure_has_no_cell() -> None:
    assert cell("a", samples("b", 1)) is None


@pytest.mark.parametrize(("share", "too_busy"), [(0.59, False), (0.61, True)])
def test_a_generator_over_sixty_percent_of_a_core_is_flagged(share: float, too_busy: bool) -> None:
    found = cell("a", samples("a", 1, generator=share), must_be_light=True)

    assert found is not None
    assert found.generator_too_busy is too_busy


def test_a_busy_generator_is_no_defect_where_bulk_is_measured() -> None:
    found = cell("a", samples("a", 1, generator=0.9))

    assert found is not None
    assert not found.generator_too_busy


def test_the_ratio_is_to_the_best_peer_and_not_to_the_ceiling() -> None:
    measured = {"none": samples(SPEED.key, 900), "ours": samples(SPEED.key, 150)}
    peers = {"haproxy": samples(SPEED.key, 300), "nginx": samples(SPEED.key, 100)}

    found = line(SPEED, measured | peers, PEERS)

    assert found is not None
    assert found.ratio == 0.5


def test_without_a_peer_there_is_no_verdict() -> None:
    found = line(SPEED, {"ours": samples(SPEED.key, 150), "haproxy": []}, PEERS)

    assert found is not None
    assert found.verdict is None


def test_a_figure_that_nobody_brought_has_no_line() -> None:
    assert line(SPEED, {"ours": []}, PEERS) is None


def test_each_figure_has_a_key_of_its_own() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES) > 30


@pytest.mark.parametrize(("others", "is_said"), [((0.0, 0.05, 3.0), False), ((0.0, 0.2, 0.2), True)])
def test_a_busy_machine_is_named(others: tuple[float, ...], is_said: bool) -> None:
    said = disturbance([{"ours": [Sample({}, 0.1, 0.1, share) for share in others]}])

    assert ("NOT QUIET" in said) is is_said


def test_the_disturbance_is_said_in_percent_of_a_core() -> None:
    rows = [{"ours": [Sample({}, 0.1, 0.1, 0.02), Sample({}, 0.1, 0.1, 0.04)]}, {"ssh": [Sample({}, 0.1, 0.1, 0.5)]}]

    assert disturbance(rows) == "4% of a core in the median sample, 50% at most"

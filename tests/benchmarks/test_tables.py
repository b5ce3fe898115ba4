"""The table in the terminal, and the one in the page."""

from __future__ import annotations

import pytest

from benchmarks.relay.contestants.field import FIELD
from benchmarks.relay.report.figures import FIGURES, Figure
from benchmarks.relay.report.page import BEGIN, END, NoMarkersError, between_markers, markdown
from benchmarks.relay.report.results import Line, line
from benchmarks.relay.report.table import WIDTH, terminal
from benchmarks.relay.report.targets import Target
from tests.benchmarks.samples import samples

COLUMNS = [(each.name, each.title) for each in FIELD]
PEERS = {each.name for each in FIELD if each.is_peer}
SPEED = Figure("down1.speed", "bulk down, 1 stream", "MB/s", "higher", Target(0.95, "higher"))


def lines(figure: Figure, *values: float, generator: float = 0.2) -> list[Line]:
    measured = {name: samples(figure.key, *values, generator=generator) for name, _ in COLUMNS}
    found = line(figure, measured, PEERS, must_be_light=True)
    assert found is not None
    return [found]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)
@pytest.mark.parametrize("values", [(0.001, 0.002), (9_994.0, 9_996.0), (1_000_000.0, 1_100_000.0)])
def test_the_table_fits_into_160_columns(figure: Figure, values: tuple[float, float]) -> None:
    table = terminal(lines(figure, *values, generator=0.99), COLUMNS)

    assert max(len(row) for row in table.splitlines()) <= WIDTH


def test_the_table_says_median_spread_generator_ratio_and_verdict() -> None:
    columns = [("ours", "ours"), ("haproxy", "haproxy")]
    measured = {"ours": samples(SPEED.key, 90, 70, 80), "haproxy": samples(SPEED.key, 100)}
    found = line(SPEED, measured, PEERS)
    assert found is not None

    above, below = terminal([found], columns).splitlines()[1:]

    assert above.split() == ["bulk", "down,", "1", "stream", "80.0", "100", "0.80", "≥", "0.95", "x"]
    assert below.split() == ["MB/s", "70.0-90.0", "g20", "100-100", "g20", "missed", "by", "0.15"]


def test_the_table_flags_a_generator_that_is_too_busy() -> None:
    assert "g61!" in terminal(lines(SPEED, 1, generator=0.61), COLUMNS)


def test_the_column_of_an_absent_peer_is_there_and_empty() -> None:
    found = line(SPEED, {"ours": samples(SPEED.key, 5)}, PEERS)
    assert found is not None

    row = markdown([found], [("ours", "ours"), ("ssh", "ssh -R")], {}).splitlines()[3]

    assert row == "| bulk down, 1 stream | MB/s | 5.00 (5.00-5.00; g 20 %) |  |  |"


def test_the_page_lists_facts_and_targets() -> None:
    text = markdown(lines(SPEED, 100), COLUMNS, {"date": "today"})

    assert "- date: today" in text
    assert "| bulk down, 1 stream | ≥ 0.95 x | 1.00 | met |" in text


def test_the_table_takes_the_place_between_the_markers_and_nothing_else() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nprose\n"

    assert between_markers(page, "new") == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nprose\n"


@pytest.mark.parametrize("page", ["prose", f"{BEGIN} without an end", f"{END} and then {BEGIN}"])
def test_a_page_without_markers_stays_as_it_is(page: str) -> None:
    with pytest.raises(NoMarkersError):
        between_markers(page, "new")

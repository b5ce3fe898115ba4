"""The benchmark of the administration: its table and its exit code; and that it asks labs of both kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import administration
from benchmarks.administration import IN_MEMORY, KEPT, Figures, main, measure_labs, table

FAST, SLOW = Figures("GET", IN_MEMORY, [1.0] * 100, 10.0), Figures("PUT", KEPT, [1.0] * 97 + [11.0] * 3, 10.0)


def test_the_table_judges_the_99th_percentile() -> None:
    assert table([FAST, SLOW]).splitlines()[2:] == [
        "| GET | in memory | 1.00 | 1.00 | 10 | met |",
        "| PUT | `--state` | 1.00 | 11.00 | 10 | missed |",
    ]


@pytest.mark.parametrize(("figures", "code"), [([FAST], 0), ([FAST, SLOW], 1)])
def test_a_limit_that_is_missed_ends_with_1_and_is_on_the_page(
    figures: list[Figures], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- benchmarks.administration writes from here -->\nold\n"
        "<!-- benchmarks.administration writes up to here -->\nb\n"
    )
    monkeypatch.setattr(administration, "measure_labs", lambda: figures)

    assert main(["--page", str(page)]) == code

    text = page.read_text()
    assert table(figures) in text
    assert "other processes used meanwhile" in text
    assert "old" not in text


@pytest.mark.slow
def test_labs_of_both_kinds_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("MAPPINGS", 50), ("REQUESTS", 10), ("LISTS", 10)):
        monkeypatch.setattr(administration, name, count)

    figures = measure_labs()

    assert [each.lab for each in figures] == [IN_MEMORY] * 8 + [KEPT] * 8
    assert all(each.median > 0 for each in figures)

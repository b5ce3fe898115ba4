from __future__ import annotations

from pathlib import Path

from mailserver_sim.faults.page import page
from mailserver_sim.faults.table import FAULTS

PAGE = Path(__file__).parents[3] / "docs/faults.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m mailserver_sim.faults.page > docs/faults.md"


def test_the_page_has_a_row_for_every_fault() -> None:
    rows = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]

    assert rows == list(FAULTS)

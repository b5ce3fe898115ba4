"""The table for the terminal, within 160 columns: two lines for each figure.

Above the medians, the ratio of ours to the best peer, and the target; below the unit, lowest to highest, with ``g`` the
percentage of one core that the busiest process of the load generator had (``!`` if that is too much), and the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from benchmarks.relay.report.results import Cell, Line
from benchmarks.relay.report.targets import few_digits, short

WIDTH = 160
TITLE, CELL, RATIO = 31, 15, 8
Columns: TypeAlias = Sequence[tuple[str, str]]
"""Name and title of each contestant."""


def terminal(lines: Sequence[Line], columns: Columns) -> str:
    """Return the table."""
    head = f"{'':{TITLE}}" + "".join(f"{title:>{CELL}}" for _, title in columns)
    rows = [f"{head}{'to best':>{RATIO}} target"]
    for line in lines:
        rows += _two_lines(line, columns)
    return "\n".join(row.rstrip() for row in rows) + "\n"


def _two_lines(line: Line, columns: Columns) -> list[str]:
    cells = [line.cells.get(name) for name, _ in columns]
    above = "".join(f"{short(cell.median) if cell else '':>{CELL}}" for cell in cells)
    below = "".join(f"{_spread(cell) if cell else '':>{CELL}}" for cell in cells)
    ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
    target = str(line.figure.target) if line.figure.target and line.verdict else ""
    return [
        f"{line.figure.title:{TITLE}}{above}{ratio:>{RATIO}} {target}",
        f"{'  ' + line.figure.unit:{TITLE}}{below}{'':{RATIO}} {line.verdict or ''}",
    ]


def _spread(cell: Cell) -> str:
    return f"{short_range(cell)} g{cell.generator * 100:.0f}{'!' if cell.generator_too_busy else ''}"


def short_range(cell: Cell) -> str:
    """Write lowest to highest in as few characters as say something."""
    return f"{few_digits(cell.lowest)}-{few_digits(cell.highest)}"

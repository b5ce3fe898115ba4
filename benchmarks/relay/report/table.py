"""The table for the terminal, within 160 columns: two lines for each figure.

Above the medians, the ratio of ours to the best peer, the target and the verdict; below lowest to highest, and with
``g`` the share of one core that the busiest process of the load generator had.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.relay.report.results import Cell, Line
from benchmarks.relay.report.targets import short

TITLE, UNIT, CELL, RATIO = 34, 6, 13, 9
Columns = Sequence[tuple[str, str]]
"""Name and title of each contestant."""


def terminal(lines: Sequence[Line], columns: Columns) -> str:
    """Return the table."""
    head = f"{'':{TITLE}}{'':{UNIT}}" + "".join(f"{title:>{CELL}}" for _, title in columns)
    rows = [f"{head}{'to best':>{RATIO}}  target"]
    for line in lines:
        rows += _two_lines(line, columns)
    return "\n".join(row.rstrip() for row in rows) + "\n"


def _two_lines(line: Line, columns: Columns) -> list[str]:
    cells = [line.cells.get(name) for name, _ in columns]
    above = "".join(f"{exact(cell.median) if cell else '':>{CELL}}" for cell in cells)
    below = "".join(f"{_spread(cell):>{CELL}}" for cell in cells)
    ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
    target = str(line.figure.target) if line.figure.target and line.verdict else ""
    return [
        f"{line.figure.title:{TITLE}}{line.figure.unit:{UNIT}}{above}{ratio:>{RATIO}}  {target}",
        f"{'':{TITLE + UNIT}}{below}{'':{RATIO}}  {line.verdict or ''}",
    ]


def _spread(cell: Cell | None) -> str:
    if cell is None:
        return ""
    flag = "!" if cell.generator_too_busy else ""
    spread = short_range(cell)
    share = f" g{cell.generator * 100:.0f}{flag}"
    return spread + share if len(spread + share) < CELL else share


def short_range(cell: Cell) -> str:
    """Write lowest to highest in as few characters as say something."""
    return f"{_thousands(cell.lowest)}-{_thousands(cell.highest)}"


def _thousands(value: float) -> str:
    if abs(value) >= 99_950:
        return f"{value / 1000:.0f}k"
    return f"{value / 1000:.1f}k" if abs(value) >= 9_995 else short(value).replace(",", "")


def exact(value: float) -> str:
    """Write a median."""
    return short(value)

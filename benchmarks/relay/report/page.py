"""The Markdown table, and its place in a page between two marker comments; what stands around them stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.relay.report.results import Cell, Line
from benchmarks.relay.report.table import Columns, short_range
from benchmarks.relay.report.targets import short

OWNER = "benchmarks.relay"
BEGIN = f"<!-- {OWNER} writes from here -->"
END = f"<!-- {OWNER} writes up to here -->"


class NoMarkersError(Exception):
    """The page has no place for the table."""


def markdown(lines: Sequence[Line], columns: Columns, facts: Mapping[str, str]) -> str:
    """Return facts about the run, the table, and the list of targets."""
    table = [_row(["", "unit", *(title for _, title in columns), "to best peer"])]
    table.append(_row(["---", *["---:" for _ in range(len(columns) + 2)]]))
    for line in lines:
        cells = [_cell(line.cells.get(name)) for name, _ in columns]
        ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
        table.append(_row([line.figure.title, line.figure.unit, *cells, ratio]))
    targets = [_row(["target", "bound", "found", ""]), _row(["---", "---:", "---:", "---"])]
    for line in lines:
        if line.figure.target and line.verdict:
            found = short(line.verdict.found)
            targets.append(_row([line.figure.title, str(line.figure.target), found, str(line.verdict)]))
    said = [f"- {name}: {value}" for name, value in facts.items()]
    return "\n".join([*said, "", *table, "", *targets])


def write_between_markers(page: Path, text: str, owner: str = OWNER) -> None:
    """Put ``text`` in the place of ``owner``. Raises NoMarkersError if the page has none."""
    page.write_text(between_markers(page.read_text(encoding="utf-8"), text, owner), encoding="utf-8")


def between_markers(page: str, text: str, owner: str = OWNER) -> str:
    """Return ``page`` with ``text`` instead of what stood between the markers of ``owner``."""
    first, last = (marker.replace(OWNER, owner) for marker in (BEGIN, END))
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise NoMarkersError(f"the page needs the lines {first} and {last}")
    return f"{before}{first}\n\n{text.strip()}\n\n{last}{after}"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    flag = " **generator too busy**" if cell.generator_too_busy else ""
    return f"{short(cell.median)} ({short_range(cell)}; g {cell.generator * 100:.0f} %{flag})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

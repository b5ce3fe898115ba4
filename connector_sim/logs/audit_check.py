"""Find out whether an audit log is as it was written: no entry changed, removed, moved or cut off.

What can be found: everything that was done to the files alone. Whoever may write the side file too can rewrite both
from some entry on; only an earlier ``Link`` that was noted elsewhere shows that, and is asked for as ``known``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector_sim.logs.audit_file import audit_files
from connector_sim.logs.audit_head import read_head
from connector_sim.logs.audit_line import HEADER, BadLine, Line, Link, first_link, read_line
from connector_sim.logs.names import AUDIT, AUDIT_HEADS

MAX_LINE = 64 * 1024
"""Characters; a line that was written has less than a quarter of that."""

MOST_FINDINGS = 100
"""Findings of one log; who has broken more has broken all of it."""


@dataclass(slots=True)
class Checked:
    """What came of one log; it is whole if there are no findings."""

    scope: str
    entries: int = 0
    last: Link | None = None
    """Its newest entry: to be noted elsewhere, if one wants to be sure."""
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no fault: what a sudden end, or reading while it is written, leaves behind."""


def check_logs(folder: Path, known: Mapping[str, Link] | None = None) -> list[Checked]:
    """Check every audit log in a connector's log folder; raises OSError.

    ``known`` are entries that were noted before, by scope.
    """
    known = known or {}
    scopes = {each.name for each in (folder / AUDIT).iterdir() if each.is_dir()} if (folder / AUDIT).is_dir() else set()
    heads = {each.stem for each in (folder / AUDIT_HEADS).glob("*.json")}
    return [check_log(folder, scope, known.get(scope)) for scope in sorted(scopes | heads | set(known))]


def check_log(folder: Path, scope: str, known: Link | None = None) -> Checked:
    """Check one. Raises OSError."""
    checked = Checked(scope)
    head = read_head(folder / AUDIT_HEADS / f"{scope}.json")
    before = head.base if head else first_link(scope)
    is_known = known is None or known.number <= before.number
    for line in _lines(folder / AUDIT / scope, checked):
        if line.number <= before.number and not checked.entries and head:
            _note(checked, "there are entries from before the side file's begin")
            continue
        _compare(before, line, checked)
        before = Link(line.number, line.hash)
        checked.entries += 1
        if known and line.number == known.number:
            is_known = line.hash == known.hash
        if head and line.number == head.last.number and line.hash != head.last.hash:
            _find(checked, f"entry {line.number} is not the one that the side file knows")
    checked.last = before
    if head is None:
        _find(checked, "there is no side file: whether the end was cut off cannot be told")
    elif before.number < head.last.number:
        _find(checked, f"entries {before.number + 1} to {head.last.number} are missing at the end")
    elif before.number > head.last.number:
        checked.notes.append(f"{before.number - head.last.number} entries are newer than the side file")
    if not is_known and known:
        _find(checked, f"entry {known.number} is not the one that was noted")
    return checked


def _compare(before: Link, line: Line, checked: Checked) -> None:
    """Compare an entry with the one before it."""
    if line.number <= before.number:
        _find(checked, f"entry {line.number} stands behind entry {before.number}")
    elif line.number > before.number + 1:
        _find(checked, f"entries {before.number + 1} to {line.number - 1} are missing")
    elif not line.follows(before.hash):
        _find(checked, f"entry {line.number} was changed, or entry {before.number} before it")


def _lines(folder: Path, checked: Checked) -> Iterator[Line]:
    for path in audit_files(folder):
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for number, text in enumerate(iter(lambda: file.readline(MAX_LINE), ""), 1):
                if len(text) < MAX_LINE and not text.endswith("\n"):
                    checked.notes.append(f"{path.name}: the last line is not whole")
                    continue
                if number == 1 and text == f"{HEADER}\n":
                    continue
                try:
                    yield read_line(text.removesuffix("\n"))
                except BadLine:
                    _find(checked, f"{path.name}:{number} is no line of an audit log")


def _find(checked: Checked, text: str) -> None:
    if len(checked.findings) < MOST_FINDINGS:
        checked.findings.append(text)


def _note(checked: Checked, text: str) -> None:
    if text not in checked.notes:
        checked.notes.append(text)

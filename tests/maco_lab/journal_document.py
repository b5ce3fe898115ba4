"""Write what is made from the code of the journal: its JSON Schema, and the tables of fields in docs/journal.md.

Run ``python -m tests.maco_lab.journal_document`` after a change of ``maco_wire.observation`` or ``journal_fields``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from maco_lab.journal_fields import CERTIFICATE_FIELDS, COMMON_FIELDS, FIELDS, LINE_FIELDS
from maco_lab.journal_schema import is_always_there, schema_text, summary, type_of
from maco_wire.observation import CertificateSummary, Observation
from maco_wire.observation_fields import field_types, observation_kinds

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "maco_lab" / "journal.schema.json"
PAGE = ROOT / "docs" / "journal.md"
BEGIN = "<!-- made by tests/maco_lab/journal_document.py: begin -->\n"
END = "<!-- made by tests/maco_lab/journal_document.py: end -->\n"
LINE_TYPES = {"v": "whole number", "n": "whole number", "t": "number", "kind": "text"}


def page_with_tables(page: str) -> str:
    """Return the page with the tables that belong into it."""
    before, _, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    assert end, "the page has lost its marks"
    return before + BEGIN + "\n" + "\n".join(_tables()) + "\n" + END + behind


def _tables() -> Iterator[str]:
    yield from _section("every line", "In front of the fields of its kind each line has:")
    yield from _rows([(name, LINE_TYPES[name], "always", LINE_FIELDS[name]) for name in LINE_FIELDS])
    yield from (_row(each) for each in _fields(Observation, COMMON_FIELDS))
    for name, kind in observation_kinds().items():
        yield from _section(f"`{name}`", summary(kind))
        yield from _rows(_fields(kind, FIELDS[name]))
    yield from _section("certificate", summary(CertificateSummary))
    yield from _rows([(n, t, "always", m) for n, t, _, m in _fields(CertificateSummary, CERTIFICATE_FIELDS)])


def _section(heading: str, text: str) -> Iterator[str]:
    yield from ("", f"### {heading}", "", text, "")


def _fields(kind: Any, meanings: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    hints = field_types(kind)
    return [
        (
            field.name,
            type_of(hints[field.name]),
            "always" if is_always_there(field, hints[field.name]) else "",
            meanings[field.name],
        )
        for field in dataclasses.fields(kind)
        if field.name in meanings
    ]


def _rows(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    yield "| field | type | there | meaning |"
    yield "|---|---|---|---|"
    yield from (_row(each) for each in rows)


def _row(row: tuple[str, str, str, str]) -> str:
    name, type_, there, meaning = row
    return f"| `{name}` | {type_} | {there} | {meaning} |"


def main() -> None:
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The lines of an audit log: what a spreadsheet reads, and what chains them."""

from __future__ import annotations

import csv
import hashlib

import pytest

from connector_sim.logs.audit_entry import MAX_FIELD, AuditEntry, clean
from connector_sim.logs.audit_line import COLUMNS, HEADER, BadLine, Link, first_link, next_line, read_line

AT = 1_790_000_000.25
ENTRY = AuditEntry(AT, "modify-BackendMapping", "Administrator", "a:1", "{x=1, y=2}", "{x=2}", 'said "no", then yes')


def test_a_line_is_csv_and_has_its_columns_in_order() -> None:
    link, line = next_line(Link(41, "ab" * 32), ENTRY)

    assert next(csv.reader([line])) == [
        "42", "2026-09-21 14:13:20.250 +0000", "modify-BackendMapping", "Administrator", "a:1", "{x=1, y=2}", "{x=2}",
        'said "no", then yes', link.hash,
    ]  # fmt: skip
    assert ",".join(COLUMNS) == HEADER
    assert link.number == 42


def test_the_hash_covers_the_one_before_and_everything_before_the_last_comma() -> None:
    before = Link(41, "ab" * 32)
    link, line = next_line(before, ENTRY)

    assert link.hash == hashlib.sha256(f"{before.hash}\n{line[:-65]}".encode()).hexdigest()


def test_the_first_line_follows_on_the_name_of_the_log() -> None:
    assert first_link("a") != first_link("b")
    assert first_link("a").number == 0


def test_a_line_that_was_written_is_read_again() -> None:
    before = first_link("stadtwerke")
    link, text = next_line(before, ENTRY)
    line = read_line(text)

    assert (line.number, line.type, line.message, line.hash) == (1, ENTRY.type, ENTRY.message, link.hash)
    assert line.follows(before.hash)
    assert not line.follows(link.hash)


@pytest.mark.parametrize("text", ["", "x", HEADER, "1,2", '1,"a', "x" * 70, "1,2,3,4,5,6,7,8," + "g" * 64])
def test_what_is_no_line_is_told(text: str) -> None:
    with pytest.raises(BadLine):
        read_line(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("two\r\nlines\x00", "two\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}lines\N{REPLACEMENT CHARACTER}"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@x", "'@x"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("x" * (MAX_FIELD + 5), "x" * (MAX_FIELD - 1) + "\N{HORIZONTAL ELLIPSIS}"),
    ],
)
def test_a_field_is_one_bounded_line_and_no_formula(text: str, written: str) -> None:
    assert clean(text) == written

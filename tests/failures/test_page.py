"""The committed page has a row for every test of this folder, and no other."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.failures.matrix import PAGE, SECTIONS
from tests.failures.test_referenced import ROWS

FOLDER = Path(__file__).parent
ROW = re.compile(r"^\|.*\| `(?P<file>[\w/]+\.py)::(?P<name>[^`]+)` \|$", re.MULTILINE)
NOT_SHOWN_UNDER_THEIR_OWN_NAME = "test_referenced"


def page_tests() -> list[str]:
    return [f"{row['file']}::{row['name']}" for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def names_of_this_folder() -> Iterator[str]:
    """Yield every test that takes the matrix, with the ID of its parameters."""
    for file in sorted(FOLDER.glob("test_*.py")):
        if file.stem == NOT_SHOWN_UNDER_THEIR_OWN_NAME:
            continue
        module = importlib.import_module(f"tests.failures.{file.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and "matrix" in inspect.signature(function).parameters:
                yield from (f"failures/{file.name}::{name}{ending}" for ending in endings(function))


def endings(function: object) -> list[str]:
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    cases = [mark.args[1] for mark in marks if mark.name == "parametrize"]
    assert len(cases) < 2
    return [f"[{case.id}]" for case in cases[0]] if cases else [""]


def test_the_page_has_a_row_for_every_test() -> None:
    expected = {*names_of_this_folder(), *(row.test.removeprefix("tests/") for row in ROWS.values())}

    assert len(expected) > 60
    assert expected - set(page_tests()) == set()


def test_the_page_has_no_row_twice_and_none_of_a_test_that_is_gone() -> None:
    shown = page_tests()
    elsewhere = {name for name in shown if name.startswith("integration/")}

    assert len(shown) == len(set(shown))
    assert set(shown) - elsewhere - set(names_of_this_folder()) == set()
    assert len(elsewhere) == len(ROWS) + 2, "the rows of tests/integration: mistakes in the lab file, and two tokens"


def test_the_page_holds_nothing_that_changes_from_run_to_run() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert not re.findall(r"127\.0\.0\.1:\d", page)
    assert not re.findall(r"\b20\d\d-\d\d-\d\d\b", page)
    assert not re.findall(r"\b[0-9a-f]{16}\b", page), "trace IDs"


def test_the_page_holds_no_secret() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [secret for secret in ("Postfach", "lab-secret", "eyJ") if secret in page] == []


def test_every_file_of_this_folder_has_a_section_and_the_other_way_round() -> None:
    files = {file.stem.removeprefix("test_") for file in FOLDER.glob("test_*.py")} - {"page", "referenced"}

    assert files == set(SECTIONS)


def test_a_row_that_no_longer_holds_fails_its_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.failures import matrix

    outdated = tmp_path / "page.md"
    outdated.write_text(PAGE.read_text(encoding="utf-8").replace("0x04", "0x05"), encoding="utf-8")
    monkeypatch.setattr(matrix, "PAGE", outdated)
    row = next(row for row in matrix.PAGE.read_text(encoding="utf-8").splitlines() if "0x05" in row)

    matrix.compare(row)
    with pytest.raises(AssertionError, match="out of date"):
        matrix.compare(row.replace("0x05", "0x04"))

"""Every test is in exactly one tier: `make test` or `make test-real`; `make check` runs a part of the former."""

from __future__ import annotations

import re
import tomllib
from itertools import chain, combinations
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

ROOT = Path(__file__).parent.parent
MARKERS = ("slow", "real")
MARKED = [frozenset(marks) for marks in chain.from_iterable(combinations(MARKERS, n) for n in range(len(MARKERS) + 1))]


def tier(target: str) -> str:
    """Return pytest's marker expression in a target of the Makefile."""
    recipe = re.compile(rf"^{target}:.*\n(?:\t.*\n)*\t\$\(BIN\)/pytest .*-m \"([^\"]+)\"", re.MULTILINE)
    found = recipe.search((ROOT / "Makefile").read_text())
    assert found
    return found[1]


def runs(target: str, marks: frozenset[str]) -> bool:
    """Tell whether a target runs a test with these markers."""

    def has(name: str, /, **_: str | int | bool | None) -> bool:
        assert name in MARKERS, "an expression that asks for more could leave a test out"
        return name in marks

    return Expression.compile(tier(target)).evaluate(has)


@pytest.mark.parametrize("marks", MARKED, ids=lambda marks: "_and_".join(sorted(marks)) or "unmarked")
def test_a_test_is_run_by_one_of_the_two_tiers_and_by_no_other_whatever_its_markers(marks: frozenset[str]) -> None:
    assert [runs(target, marks) for target in ("test", "test-real")].count(True) == 1


def test_the_fast_tests_are_those_without_a_marker() -> None:
    assert [marks for marks in MARKED if runs("check", marks)] == [frozenset()]


def test_ci_runs_both_tiers_and_the_same_fast_tests_as_make_check() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    called = re.findall(r"^tier [\w-]+ (?:env \w+=\w+ )?(make [\w-]+)$", script, re.MULTILINE)
    assert called == ["make lint", "make test", "make test-real"]
    assert f"-m '{tier('check')}'" in script


def test_nothing_else_leaves_tests_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]

    assert settings["testpaths"] == ["tests"]
    options = settings["addopts"].split()
    assert "--strict-markers" in options
    assert [each for each in options if re.match(r"-m|-k|--ignore|--deselect", each)] == []

"""What docs/rest-api.md says of each endpoint is what the code does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from connector_sim.admin.endpoints import ENDPOINTS
from tests.connector_sim.admin.catalogue import OWN, facts, ours
from tests.connector_sim.admin.coverage import PAGE, SERVED, page, state
from tests.connector_sim.admin.proofs import PROOFS

NO_EFFECT = ("empty", "as it is")


def test_the_page_tells_the_state_of_every_endpoint() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert written == page(written), "write it anew: python -m tests.connector_sim.admin.coverage"


def test_nothing_is_served_that_the_facts_do_not_have_and_that_is_not_ours() -> None:
    known = {(each.method, each.path.partition("?")[0]) for each in (*facts(), *ours())}

    assert set(SERVED) - known == set()


def test_every_endpoint_that_is_needed_for_mail_acts() -> None:
    must = [each for each in facts() if each.mark == "MUST"]
    role = ("POST", f"{OWN}/haRole")  # roles change by a switch alone, and a connector without a shadow has but one

    assert must
    assert [(each.method, each.path) for each in must if state(each) != "acts"] == [role]
    assert [state(each) for each in must if (each.method, each.path) == role] == ["takes only what is so"]


def test_each_change_that_acts_names_the_test_that_proves_it() -> None:
    acting = {(each.method, each.path) for each in ENDPOINTS if each.changes and each.state == "acts"}

    assert set(PROOFS) == acting


@pytest.mark.parametrize(("change", "proof"), PROOFS.items(), ids=" ".join)
def test_the_test_that_proves_a_change_is_there_and_makes_it(change: tuple[str, str], proof: tuple[str, str]) -> None:
    module, name = proof
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}

    called = {each.id for each in ast.walk(functions[name]) if isinstance(each, ast.Name)}  # a helper may make it
    parts = [functions[name], *(functions[each] for each in called & set(functions))]
    assert change[0] in {each.value for part in parts for each in ast.walk(part) if isinstance(each, ast.Constant)}


def test_what_is_always_empty_or_as_it_was_changes_nothing() -> None:
    assert {
        (each.method, each.path.rpartition("/")[2]): each.state for each in ENDPOINTS if each.state in NO_EFFECT
    } == {
        ("GET", "corrupted"): "empty",
        ("GET", "backends"): "empty",
        ("POST", "haRole"): "as it is",
    }


def test_what_is_ours_is_outside_of_the_products_paths() -> None:
    assert [each.path for each in ours() if each.path.startswith("/api/")] == []

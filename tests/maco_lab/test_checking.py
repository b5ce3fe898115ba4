"""Which mappings of a running lab are checked, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab import checking
from maco_lab.checking import Wanted
from maco_lab.testing.lab import Lab


def check(lab: Lab, target: str = "") -> list[dict[str, Any]]:
    return lab.thread.run(lab.running.check(Wanted(target)))


@pytest.mark.parametrize(
    ("target", "connector", "virtual"),
    [("", "", ""), ("Mail:143", "", "mail:143"), ("scc/mail:1-2", "scc", "mail:1-2"), ("a/b/m:1", "a/b", "m:1")],
)
def test_a_target_names_a_mapping_and_perhaps_its_connector(target: str, connector: str, virtual: str) -> None:
    assert (Wanted(target).connector, Wanted(target).virtual) == (connector, virtual)


def test_all_mappings_are_checked_in_their_order(maco_lab: Lab) -> None:
    found = check(maco_lab)

    assert [each["virtual"].partition(":")[2] for each in found] == ["143", "993", "993", "587"]
    assert {(each["connector"], each["subaccount"], each["result"]) for each in found} == {
        ("scc", "stadtwerke", "Reachable")
    }


@pytest.mark.parametrize(
    ("target", "count"), [("scc/MAILBOX.virtual:993", 1), ("mailbox.virtual:993", 1), ("other/x:1", 0), ("x:1", 0)]
)
def test_the_wanted_one_alone_is_checked(maco_lab: Lab, target: str, count: int) -> None:
    assert len(check(maco_lab, target)) == count


def test_what_could_not_be_checked_in_time_is_unchecked(maco_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ALL_S", 0.0)

    assert {each["result"] for each in check(maco_lab)} == {"Unchecked"}

"""The two ways of a lab file are found by what they are, and a change touches what it must and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.lab_model import LabModel
from maco_lab.scenarios import ways
from maco_lab.scenarios.table import SCENARIOS, NotPossible
from maco_lab.scenarios.ways import Way
from maco_lab.testing.settings import Change, lab_text


def model(change: Change = lambda _: None) -> LabModel:
    return lab_text(change).parsed().model


def found(way: Way | None) -> tuple[str, str, str] | None:
    return (way.connection.name, way.server.name, way.mapping.protocol) if way else None


def test_the_default_lab_file_has_both_ways() -> None:
    assert found(ways.way_a(model())) == ("way-a", "mail-starttls", "TCP")
    assert found(ways.way_b(model())) == ("way-b", "mail-tcp-tls", "TCPS")


def without_protection(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"][0]["protection"] = "Off"
    data["maco"]["email_connections"][1]["protection"] = "STARTTLS Mandatory"


def test_what_does_not_fit_is_no_way() -> None:
    assert (ways.way_a(model(without_protection)), ways.way_b(model(without_protection))) == (None, None)


def elsewhere(data: dict[str, Any]) -> None:
    data["hosts"]["mail.stadtwerke.example:143"] = "192.0.2.1:143"


@pytest.mark.parametrize(("change", "own"), [(lambda _: None, True), (elsewhere, False)])
def test_a_way_to_a_real_mail_server_does_not_end_at_the_lab(change: Change, own: bool) -> None:
    changed = model(change)
    way = ways.way_a(changed)

    assert way is not None
    assert ways.ends_at_the_lab(changed, way) is own


def test_a_scenario_that_needs_the_labs_own_mail_server_says_so() -> None:
    (stripped,) = [each for each in SCENARIOS if each.name == "starttls-stripped"]

    with pytest.raises(NotPossible, match="not the lab's own"):
        stripped.change(model(elsewhere))


@pytest.mark.parametrize("each", SCENARIOS, ids=lambda each: each.name)
def test_every_scenario_changes_the_landscape_and_neither_its_addresses_nor_its_accounts(each: Any) -> None:
    before = model()
    after = each.change(before)

    assert after != before
    assert (after.cloud, after.hosts, after.page) == (before.cloud, before.hosts, before.page)
    assert (after.mail_server.ports, after.mail_server.accounts) == (
        before.mail_server.ports,
        before.mail_server.accounts,
    )
    assert [each.name for each in after.maco.email_connections] == [each.name for each in before.maco.email_connections]


def test_names_of_scenarios_can_stand_in_a_path() -> None:
    names = [each.name for each in SCENARIOS]

    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in names)

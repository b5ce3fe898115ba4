"""The marker ``maco_lab(change=...)``: one test's lab file is changed on top of ``maco_lab_settings``."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change


def note(text: str) -> Change:
    """Return a change that leaves a trace, in the order of the changes."""

    def change(data: dict[str, Any]) -> None:
        before = data["mail_server"]["host_name"].removesuffix(".example")
        data["mail_server"]["host_name"] = f"{before}.{text}.example"

    return change


def host_name(lab: Lab) -> str:
    return lab.running.file.model.mail_server.host_name


@pytest.mark.maco_lab(change=note("one"))
def test_a_marked_test_has_the_default_lab_after_its_change(maco_lab: Lab) -> None:
    assert host_name(maco_lab) == "mail.stadtwerke.one.example"


def test_its_neighbour_has_the_default_lab(maco_lab: Lab) -> None:
    assert host_name(maco_lab) == "mail.stadtwerke.example"


@pytest.mark.maco_lab(change=note("class"))
class TestClass:
    @pytest.fixture
    def maco_lab_settings(self) -> Change:
        return note("settings")

    @pytest.mark.maco_lab(change=note("test"))
    def test_the_settings_come_first_and_the_innermost_marker_last(self, maco_lab: Lab) -> None:
        assert host_name(maco_lab) == "mail.stadtwerke.settings.class.test.example"


@pytest.mark.parametrize("text", [pytest.param("x", marks=pytest.mark.maco_lab(change=note("x"))), "stadtwerke"])
def test_a_case_may_carry_a_change(maco_lab: Lab, text: str) -> None:
    assert host_name(maco_lab).split(".")[-2] == text


@pytest.mark.parametrize("maco_lab_settings", [note("x"), note("y")], ids=["x", "y"])
def test_the_settings_may_be_a_parameter(maco_lab: Lab, request: pytest.FixtureRequest) -> None:
    assert host_name(maco_lab) == f"mail.stadtwerke.{request.node.callspec.id}.example"

"""The teaching scenarios of a lab, as data: ``maco_lab.scenarios`` has them and switches them."""

from __future__ import annotations

from maco_lab.page import shapes
from maco_lab.scenarios.switchboard import Switch, Switchboard


def scenarios_shape(board: Switchboard) -> shapes.Scenarios:
    """Return every switch as it stands."""
    return shapes.Scenarios(scenarios=[_scenario(each) for each in board.switches()], since=board.since)


def _scenario(switch: Switch) -> shapes.Scenario:
    told = switch.scenario
    return shapes.Scenario(
        name=told.name,
        title=told.title,
        about=told.about,
        system=told.system,
        setting=told.setting,
        expect=told.expect,
        is_on=switch.is_on,
        why_not=switch.why_not,
    )

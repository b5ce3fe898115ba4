from __future__ import annotations

import pytest

from connector_sim.on_premise.ha.master import MasterMachine
from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.ha.states import Do, MasterState

SETTINGS = HaSettings(check_interval_s=30)


def _in(state: MasterState) -> MasterMachine:
    machine = MasterMachine(SETTINGS)
    if state is not MasterState.ALONE:
        machine.bind(0, "shadow")
    if state in {MasterState.CONNECTED, MasterState.BROKEN}:
        machine.synchronized(0, "shadow")
    if state is MasterState.BROKEN:
        machine.tick(90)
    return machine


@pytest.mark.parametrize("state", MasterState)
def test_every_state_can_be_reached(state: MasterState) -> None:
    assert _in(state).state is state


@pytest.mark.parametrize("state", MasterState)
def test_a_shadow_may_bind_again_at_any_time(state: MasterState) -> None:
    machine = _in(state)
    assert (machine.bind(100, "shadow"), machine.state) == (True, "BINDING")


@pytest.mark.parametrize(("state", "admitted"), [(each, each in {"ALONE", "BROKEN"}) for each in MasterState])
def test_another_shadow_is_declined_until_the_first_is_lost(state: MasterState, admitted: bool) -> None:
    # By SAP's page on master and shadow administration only one shadow is supported.
    machine = _in(state)
    assert (machine.bind(100, "another"), machine.shadow) == (admitted, "another" if admitted else "shadow")


@pytest.mark.parametrize(("state", "connected"), [(each, each != "ALONE") for each in MasterState])
def test_a_shadow_that_has_fetched_the_configuration_is_connected(state: MasterState, connected: bool) -> None:
    machine = _in(state)
    assert machine.synchronized(100, "shadow") is connected
    assert machine.state == ("CONNECTED" if connected else "ALONE")


@pytest.mark.parametrize(("state", "known"), [(each, each in {"CONNECTED", "BROKEN"}) for each in MasterState])
def test_a_check_counts_only_of_a_shadow_that_has_the_configuration(state: MasterState, known: bool) -> None:
    machine = _in(state)
    assert machine.checked(100, "shadow") is known
    assert machine.state == ("CONNECTED" if known else state)


@pytest.mark.parametrize("state", MasterState)
def test_a_check_of_somebody_else_counts_for_nothing(state: MasterState) -> None:
    machine = _in(state)
    assert (machine.checked(100, "another"), machine.synchronized(100, "another"), machine.state) == (
        False,
        False,
        state,
    )


@pytest.mark.parametrize("state", [MasterState.BINDING, MasterState.CONNECTED])
def test_a_shadow_is_lost_when_nothing_was_heard_of_it_for_three_intervals(state: MasterState) -> None:
    # The same page has the three times the check period.
    machine = _in(state)
    assert (machine.next_at, machine.tick(89.9), machine.state) == (90, [], state)
    assert (machine.tick(90), machine.state) == ([Do.ASK_ROLE], "BROKEN")


def test_each_check_begins_the_three_intervals_anew() -> None:
    machine = _in(MasterState.CONNECTED)
    machine.checked(80, "shadow")
    assert (machine.tick(90), machine.next_at) == ([], 170)


def test_a_shadow_that_is_lost_is_asked_for_its_role_once_an_interval() -> None:
    machine = _in(MasterState.BROKEN)
    assert (machine.next_at, machine.tick(119.9), machine.tick(120), machine.next_at) == (120, [], [Do.ASK_ROLE], 150)


@pytest.mark.parametrize("state", MasterState)
def test_a_shadow_that_leaves_leaves_the_master_alone(state: MasterState) -> None:
    machine = _in(state)
    machine.left("shadow")
    assert (machine.state, machine.shadow, machine.next_at) == ("ALONE", "", None)


def test_somebody_elses_goodbye_is_not_heard() -> None:
    machine = _in(MasterState.CONNECTED)
    machine.left("another")
    assert machine.state is MasterState.CONNECTED


@pytest.mark.parametrize("state", MasterState)
def test_a_reset_forgets_the_shadow(state: MasterState) -> None:
    machine = _in(state)
    machine.reset()
    assert (machine.state, machine.shadow, machine.tick(1000)) == ("ALONE", "", [])

from __future__ import annotations

import pytest

from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.ha.shadow import ShadowMachine
from connector_sim.on_premise.ha.states import Do, ShadowState

# facts, section 2.5: "interval 30 s, takeover delay 10 s"
SETTINGS = HaSettings(check_interval_s=30, takeover_delay_s=10)


def _ready(now: float = 0) -> ShadowMachine:
    machine = ShadowMachine(SETTINGS)
    machine.connect()
    machine.handshaken()
    machine.synchronized(now, revision=1)
    return machine


def _lost() -> ShadowMachine:
    """Return a shadow whose checks at 30, 60 and 90 s were not answered."""
    machine = _ready()
    for now in (30, 60, 90):
        assert machine.tick(now) == [Do.CHECK]
        machine.missed(now, "no answer")
    return machine


def _in(state: ShadowState) -> ShadowMachine:
    machine = ShadowMachine(SETTINGS)
    match state:
        case ShadowState.INITIAL:
            return machine
        case ShadowState.READY:
            return _ready()
        case ShadowState.LOST:
            return _lost()
        case ShadowState.DISCONNECTING:
            machine = _ready()
            machine.disconnect()
            return machine
    machine.connect()
    if state is ShadowState.INITSYNC:
        machine.handshaken()
    if state is ShadowState.DISCONNECTED:
        machine.failed(0, "refused")
    return machine


@pytest.mark.parametrize("state", ShadowState)
def test_every_state_can_be_reached(state: ShadowState) -> None:
    assert _in(state).state is state


@pytest.mark.parametrize(
    ("state", "does"),
    [(each, [Do.SHAKE_HANDS] if each in {"INITIAL", "DISCONNECTED"} else []) for each in ShadowState],
)
def test_connect_shakes_hands_unless_it_has_a_master(state: ShadowState, does: list[Do]) -> None:
    assert _in(state).connect() == does


@pytest.mark.parametrize(
    ("state", "does"),
    [(each, [Do.SAY_GOODBYE] if each in {"HANDSHAKE", "INITSYNC", "READY", "LOST"} else []) for each in ShadowState],
)
def test_disconnect_says_goodbye_to_a_master(state: ShadowState, does: list[Do]) -> None:
    assert _in(state).disconnect() == does


def test_a_goodbye_ends_disconnected_and_nothing_is_due() -> None:
    machine = _in(ShadowState.DISCONNECTING)
    machine.gone()
    assert (machine.state, machine.next_at) == ("DISCONNECTED", None)


def test_a_handshake_is_followed_by_synchronizing() -> None:
    machine = _in(ShadowState.HANDSHAKE)
    assert (machine.handshaken(), machine.state) == ([Do.SYNCHRONIZE], "INITSYNC")


@pytest.mark.parametrize("state", [ShadowState.HANDSHAKE, ShadowState.INITSYNC])
def test_what_fails_before_it_is_ready_ends_disconnected_and_is_tried_again_an_interval_later(
    state: ShadowState,
) -> None:
    machine = _in(state)
    machine.failed(100, "refused")
    assert (machine.state, machine.message, machine.next_at) == ("DISCONNECTED", "refused", 130)
    assert machine.tick(129.9) == []
    assert machine.tick(130) == [Do.SHAKE_HANDS]


def test_a_shadow_that_is_ready_checks_once_an_interval() -> None:
    machine = _ready(now=5)
    assert (machine.next_at, machine.tick(34.9), machine.tick(35), machine.next_at) == (35, [], [Do.CHECK], None)
    assert (machine.alive(36, 1), machine.next_at) == ([], 66)


def test_a_configuration_that_has_changed_is_fetched_again() -> None:
    machine = _ready()
    machine.tick(30)
    assert (machine.alive(30, 2), machine.state) == ([Do.SYNCHRONIZE], "READY")
    machine.synchronized(31, 2)
    assert (machine.next_at, machine.alive(61, 2)) == (61, [])


def test_a_configuration_that_could_not_be_fetched_is_tried_again_with_the_next_check() -> None:
    machine = _ready()
    machine.alive(30, 2)
    machine.failed(31, "broken")
    assert (machine.state, machine.next_at) == ("READY", 61)
    assert machine.alive(61, 2) == [Do.SYNCHRONIZE]


def test_a_master_is_lost_after_three_missed_intervals() -> None:
    machine = _ready()
    states = []
    for now in (30, 60, 90):
        machine.tick(now)
        machine.missed(now, "no answer")
        states.append(str(machine.state))
    assert (states, machine.message) == (["READY", "READY", "LOST"], "no answer")


def test_how_many_may_be_missed_is_a_setting() -> None:
    machine = ShadowMachine(HaSettings(missed_checks=1))
    machine.connect()
    machine.handshaken()
    machine.synchronized(0, 1)
    machine.missed(30, "no answer")
    assert machine.state is ShadowState.LOST


def test_an_answer_in_between_begins_the_count_anew() -> None:
    machine = _ready()
    for now in (30, 60):
        machine.missed(now, "no answer")
    machine.alive(90, 1)
    machine.missed(120, "no answer")
    machine.missed(150, "no answer")
    assert machine.state is ShadowState.READY


def test_the_master_is_taken_over_from_when_the_delay_has_passed_too() -> None:
    machine = _lost()
    assert (machine.next_at, machine.tick(99.9), machine.tick(100)) == (100, [], [Do.TAKE_OVER])
    machine.taken_over()
    assert (machine.has_taken_over, machine.next_at) == (True, None)


def test_a_master_that_comes_back_within_the_delay_stays_master() -> None:
    machine = _lost()
    machine.alive(99, 1)
    assert (machine.state, machine.message, machine.next_at) == ("READY", "the master is back", 129)


def test_checks_go_on_during_a_long_delay() -> None:
    machine = ShadowMachine(HaSettings(check_interval_s=30, takeover_delay_s=100, missed_checks=1))
    machine.connect()
    machine.handshaken()
    machine.synchronized(0, 1)
    machine.missed(30, "no answer")
    assert machine.tick(60) == [Do.CHECK]
    machine.missed(60, "no answer")
    assert (machine.state, machine.tick(90), machine.tick(130)) == ("LOST", [Do.CHECK], [Do.TAKE_OVER])


def test_a_shadow_that_could_not_take_over_stays_one_and_goes_on_checking_and_trying() -> None:
    # SAP's page on the failover process has it ping the master and try to connect to the cloud meanwhile.
    machine = _lost()
    machine.tick(100)
    machine.not_taken_over(101, "not one subaccount")
    assert (machine.state, machine.message, machine.next_at) == ("LOST", "not one subaccount", 131)
    assert machine.tick(131) == [Do.TAKE_OVER]


@pytest.mark.parametrize(("state", "does"), [(each, [Do.TAKE_OVER] if each == "READY" else []) for each in ShadowState])
def test_only_a_shadow_that_is_ready_takes_over_when_asked(state: ShadowState, does: list[Do]) -> None:
    assert _in(state).asked_to_take_over() == does


def test_a_shadow_that_was_asked_in_vain_checks_on() -> None:
    machine = _ready()
    machine.asked_to_take_over()
    machine.not_taken_over(10, "not one subaccount")
    assert (machine.state, machine.next_at) == ("READY", 40)


@pytest.mark.parametrize(
    ("state", "does"), [(each, [Do.SHAKE_HANDS] if each in {"READY", "LOST"} else []) for each in ShadowState]
)
def test_a_master_that_does_not_know_its_shadow_any_more_is_bound_to_anew(state: ShadowState, does: list[Do]) -> None:
    assert _in(state).rebind() == does


@pytest.mark.parametrize("state", ShadowState)
def test_answers_that_come_too_late_change_nothing(state: ShadowState) -> None:
    machine = _in(state)
    if state not in {ShadowState.READY, ShadowState.LOST}:
        machine.missed(1000, "late")
        assert machine.alive(1000, 7) == []
    if state is not ShadowState.HANDSHAKE:
        assert machine.handshaken() == []
    if state not in {ShadowState.INITSYNC, ShadowState.READY}:
        machine.synchronized(1000, 7)
    if state is not ShadowState.DISCONNECTING:
        machine.gone()
    assert machine.state is state


@pytest.mark.parametrize("state", ShadowState)
def test_only_a_shadow_without_a_master_is_reset(state: ShadowState) -> None:
    machine = _in(state)
    expected = state in {ShadowState.INITIAL, ShadowState.DISCONNECTED}
    assert (machine.reset(), machine.state) == (expected, "INITIAL" if expected else state)

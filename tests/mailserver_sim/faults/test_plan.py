from __future__ import annotations

from typing import Any

import pytest

from mailserver_sim.faults.plan import Fault, Faults
from mailserver_sim.setting_errors import SettingsError

LOGIN = "login.refused"


def strikes(faults: Faults, times: int, protocol: str = "imap") -> list[bool]:
    return [faults.strike(LOGIN, protocol) is not None for _ in range(times)]


def test_a_fault_passes_then_strikes_then_is_over() -> None:
    faults = Faults([Fault(LOGIN, count=2, after=1)])

    assert strikes(faults, 5) == [False, True, True, False, False]
    (state,) = faults.states()
    assert (state.passed, state.hits, state.over) == (1, 2, True)


def test_a_count_of_0_strikes_until_it_is_healed() -> None:
    faults = Faults([Fault(LOGIN, count=0)])

    assert strikes(faults, 9) == [True] * 9
    faults.heal()
    assert strikes(faults, 1) == [False]


def test_a_fault_for_one_listener_leaves_the_others_alone() -> None:
    faults = Faults([Fault(LOGIN, protocol="imaps")])

    assert strikes(faults, 1, "imap") == [False]
    assert strikes(faults, 1, "imaps") == [True]


def test_of_two_at_one_step_the_first_that_is_not_over_counts() -> None:
    faults = Faults([Fault(LOGIN), Fault(LOGIN, after=1)])

    assert strikes(faults, 4) == [True, False, True, False]


def test_a_hit_carries_every_parameter_of_its_step() -> None:
    faults = Faults([Fault("literal.cut", parameters={"bytes": 3})])

    hit = faults.strike("literal.cut", "imap")

    assert hit is not None
    assert (hit.number, hit.parameters) == (1, {"bytes": 3, "how": "close"})


def test_restoring_arms_those_of_the_settings_anew_and_no_others() -> None:
    faults = Faults([Fault(LOGIN)])
    faults.arm(Fault(LOGIN))
    assert strikes(faults, 2) == [True, True]

    faults.restore()

    assert strikes(faults, 2) == [True, False]


def test_a_state_is_plain_data() -> None:
    faults = Faults([Fault("starttls.refused", protocol="imap", parameters={"answer": "BAD"})])
    faults.strike("starttls.refused", "imap")

    assert faults.states()[0].as_fields() == {
        "step": "starttls.refused",
        "count": 1,
        "after": 0,
        "protocol": "imap",
        "parameters": {"answer": "BAD"},
        "passed": 0,
        "hits": 1,
        "over": True,
    }


@pytest.mark.parametrize(
    ("values", "setting", "text"),
    [
        ({"step": "login.forgotten"}, "step", "found 'login.forgotten', allowed: greeting.bye, "),
        ({"step": LOGIN, "count": -1}, "count", "found -1"),
        ({"step": LOGIN, "after": -1}, "after", "found -1"),
        (
            {"step": "greeting.preauth", "protocol": "smtp"},
            "protocol",
            "found 'smtp', allowed for greeting.preauth: imap",
        ),
        ({"step": LOGIN, "parameters": {"how": "close"}}, "parameters", "found 'how', allowed for login.refused: code"),
        (
            {"step": "handshake.broken", "parameters": {"how": "fast"}},
            "parameters",
            "how: found 'fast', allowed: close",
        ),
        (
            {"step": "literal.cut", "parameters": {"bytes": -1}},
            "parameters",
            "bytes: found -1, allowed: a whole number",
        ),
        ({"step": "literal.cut", "parameters": {"bytes": 1.5}}, "parameters", "bytes: found 1.5"),
        (
            {"step": "answer.slow", "parameters": {"delay_s": "1"}},
            "parameters",
            "delay_s: found '1', allowed: a number",
        ),
        ({"step": "starttls.injected", "parameters": {"text": 1}}, "parameters", "text: found 1, allowed: text"),
    ],
)
def test_what_cannot_strike_is_refused_by_its_setting(values: dict[str, Any], setting: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Fault(**values)

    assert caught.value.setting == setting
    assert str(caught.value).startswith(f"{setting}: {text}")

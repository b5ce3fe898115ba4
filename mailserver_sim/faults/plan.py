"""What is to strike when: faults are armed, counted, and over after their last hit.

One plan belongs to one server. It is asked at each step by every connection on the server's own loop; arming and
healing belong on that loop too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailserver_sim.faults.table import FAMILIES, FAULTS
from mailserver_sim.setting_errors import SettingsError


@dataclass(frozen=True)
class Fault:
    """One fault: passes ``after`` times, strikes ``count`` times (0: until it is healed), is over then.

    ``protocol`` is the listener that it is for; empty for all that know the step. ``parameters`` are the table's.
    Raises SettingsError.
    """

    step: str
    count: int = 1
    after: int = 0
    protocol: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = FAULTS.get(self.step)
        if kind is None:
            raise SettingsError("step", f"found {self.step!r}, allowed: {', '.join(FAULTS)}")
        for setting, value in (("count", self.count), ("after", self.after)):
            if value < 0:
                raise SettingsError(setting, f"found {value}, must not be negative")
        listeners = [name for name, family in FAMILIES.items() if family in kind.families]
        if self.protocol and self.protocol not in listeners:
            raise SettingsError("protocol", f"found {self.protocol!r}, allowed for {self.step}: {', '.join(listeners)}")
        self._check_parameters()

    def _check_parameters(self) -> None:
        known = {each.name: each for each in FAULTS[self.step].parameters}
        for name, value in self.parameters.items():
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise SettingsError("parameters", f"found {name!r}, allowed for {self.step}: {allowed}")
            if wrong := known[name].wrong(value):
                raise SettingsError("parameters", f"{name}: {wrong}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault strikes for the ``number``-th time, with these parameters."""

    step: str
    number: int
    parameters: Mapping[str, Any]


@dataclass
class FaultState:
    """An armed fault and what became of it: how often its step passed unharmed, and how often it struck."""

    fault: Fault
    passed: int = 0
    hits: int = 0

    @property
    def over(self) -> bool:
        """Tell whether it has struck for the last time."""
        return bool(self.fault.count) and self.hits >= self.fault.count

    def as_fields(self) -> dict[str, Any]:
        """Return it as plain data."""
        fault = self.fault
        return {
            "step": fault.step,
            "count": fault.count,
            "after": fault.after,
            "protocol": fault.protocol,
            "parameters": {**FAULTS[fault.step].defaults(), **fault.parameters},
            "passed": self.passed,
            "hits": self.hits,
            "over": self.over,
        }


class Faults:
    """The faults of one server, in the order in which they were armed."""

    def __init__(self, armed: Iterable[Fault] = ()) -> None:
        self._settings = tuple(armed)
        self._states = [FaultState(fault) for fault in self._settings]

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to ask for: no fault was armed."""
        return not self._states

    def arm(self, fault: Fault) -> None:
        """Let one more strike from now on."""
        self._states.append(FaultState(fault))

    def heal(self) -> None:
        """Let none strike any more, and forget them."""
        self._states.clear()

    def restore(self) -> None:
        """Arm those of the settings anew, and no others."""
        self._states = [FaultState(fault) for fault in self._settings]

    def states(self) -> list[FaultState]:
        """Return every fault that was armed, those that are over too."""
        return list(self._states)

    def is_armed(self, step: str, protocol: str) -> bool:
        """Tell whether anything may strike at a step of a listener, now or later."""
        return any(True for _ in self._waiting(step, protocol))

    def strike(self, step: str, protocol: str) -> Hit | None:
        """Come to a step: the first fault that waits there counts it, and strikes or lets it pass."""
        for state in self._waiting(step, protocol):
            if state.passed < state.fault.after:
                state.passed += 1
                return None
            state.hits += 1
            return Hit(step, state.hits, {**FAULTS[step].defaults(), **state.fault.parameters})
        return None

    def _waiting(self, step: str, protocol: str) -> Iterable[FaultState]:
        return (
            state
            for state in self._states
            if state.fault.step == step and state.fault.protocol in ("", protocol) and not state.over
        )

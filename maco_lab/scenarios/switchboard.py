"""The switches of the teaching scenarios in a running lab: one at a time, and switching it off restores the lab."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from maco_lab.lab_file import LabFile
from maco_lab.lab_model import LabModel
from maco_lab.scenarios.changing import change
from maco_lab.scenarios.table import SCENARIOS, NotPossible, Scenario, scenario
from maco_lab.topology import RunningLab

ISOLATED = (
    "each party of this lab runs in a process of its own (--isolate), with settings that nobody changes from outside: "
    "start the lab without it"
)


class UnknownScenario(Exception):
    """There is no scenario of this name; the text lists those that there are."""

    def __init__(self, name: str) -> None:
        super().__init__(f"found scenario {name!r}, allowed: {', '.join(each.name for each in SCENARIOS)}")


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch; ``why_not`` says why it cannot be used, empty if it can."""

    scenario: Scenario
    is_on: bool
    why_not: str


class Switchboard:
    """All switches of one lab. ``lab`` is None when its parties run elsewhere: then nothing can be switched."""

    def __init__(self, file: LabFile, lab: RunningLab | None) -> None:
        self._file = file
        self._lab = lab
        self._lock = asyncio.Lock()
        self._undo = contextlib.AsyncExitStack()
        self.model: LabModel = file.model
        """What runs now: the lab file, changed by the scenario that is on."""
        self.on = ""
        """The name of the scenario that is on; empty if none is."""
        self.since: float | None = None
        """When that was switched, or the last one off; None while the lab runs as it was started."""

    @property
    def impostor(self) -> bool:
        """Whether an impostor is in the mail server's place now."""
        return bool(self.on) and _known(self.on).impostor

    def switches(self) -> list[Switch]:
        """Return every switch, in the order of the table."""
        return [Switch(each, each.name == self.on, self._why_not(each)) for each in SCENARIOS]

    async def switch_on(self, name: str) -> None:
        """Switch a scenario on, and the one that was on before it off.

        Raises UnknownScenario, NotPossible. A change that fails is undone.
        """
        wanted = _known(name)
        async with self._lock:
            if name == self.on:
                return
            if self._lab is None:
                raise NotPossible(ISOLATED)
            changed = wanted.change(self._file.model)
            await self._restore()
            await self._change(self._lab, changed, impostor=wanted.impostor)
            self.model, self.on, self.since = changed, name, time.time()

    async def switch_off(self, name: str) -> None:
        """Switch a scenario off; nothing happens if it is not on. Raises UnknownScenario, NotPossible."""
        _known(name)
        async with self._lock:
            if name == self.on:
                await self._restore()

    async def close(self) -> None:
        """Let the lab run again as its file says."""
        async with self._lock:
            await self._restore()

    async def _change(self, lab: RunningLab, changed: LabModel, *, impostor: bool) -> None:
        try:
            async with contextlib.AsyncExitStack() as undo:
                await change(lab, self._file.model, changed, undo, impostor=impostor)
                self._undo = undo.pop_all()
        except OSError as error:
            raise NotPossible(f"the mail server could not be restarted: {error.filename}: {error.strerror}") from error

    async def _restore(self) -> None:
        """Undo what is on. That is forgotten first: what cannot be undone now would not be later."""
        undo, self._undo = self._undo, contextlib.AsyncExitStack()
        if self.on:
            self.model, self.on, self.since = self._file.model, "", time.time()
        try:
            await undo.aclose()
        except OSError as error:
            raise NotPossible(f"the mail server could not be restarted: {error.filename}: {error.strerror}") from error

    def _why_not(self, each: Scenario) -> str:
        if self._lab is None:
            return ISOLATED
        try:
            each.change(self._file.model)
        except NotPossible as error:
            return str(error)
        return ""


def _known(name: str) -> Scenario:
    found = scenario(name)
    if found is None:
        raise UnknownScenario(name)
    return found

"""Where the load goes in, and what has to be said there first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One request before the payload: what to say, how long the answer is, and how it must begin."""

    say: bytes
    answer_bytes: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A loopback address with the steps of its handshake; a plain entry has none."""

    host: str
    port: int
    steps: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` takes."""
        steps = [[step.say.hex(), step.answer_bytes, step.answer.hex()] for step in self.steps]
        return {"host": self.host, "port": self.port, "steps": steps}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Entry:
        """Return the entry that another process described."""
        steps = (Step(bytes.fromhex(say), count, bytes.fromhex(answer)) for say, count, answer in fields["steps"])
        return cls(fields["host"], fields["port"], tuple(steps))

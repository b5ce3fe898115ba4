"""The payload of one subaccount's tunnels, as hexadecimal dumps: only while two people want it.

One sets ``trafficTrace`` by the API; the other one writes ``allowed=true`` into a file that the API does not reach
("Secure the Activation of Traffic Traces"). The product needs no second person where that file is missing; here nothing
is traced then. What may be a secret is masked (``masking``).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connector_sim.logs.masking import BackEndMask, ClientMask
from connector_sim.logs.trace_line import channel
from connector_sim.passage import Passage, Watcher
from maco_wire.observation import Direction

MAX_SWITCH_BYTES = 1024
BYTES_A_LINE = 16
MAX_DUMPED = 64 * 1024
"""Bytes of one read that are dumped; what is beyond is counted."""

Write = Callable[[bytes], None]


def is_allowed(switch: Path) -> bool:
    """Tell whether the second person allows it; a file that says anything but ``allowed=true`` does not."""
    try:
        with switch.open("rb") as file:
            return file.read(MAX_SWITCH_BYTES).strip() == b"allowed=true"
    except OSError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingWatcher(Watcher):
    """The eyes of a connector on one connection, which also writes down what passes."""

    write: Write
    clock: Callable[[], float]

    @classmethod
    def beside(cls, watcher: Watcher, write: Write, clock: Callable[[], float]) -> TracingWatcher:
        """Return one that sees what ``watcher`` sees, and reports as it does."""
        seen = {each.name: getattr(watcher, each.name) for each in dataclasses.fields(watcher)}
        return cls(**seen, write=write, clock=clock)

    def passage(self, direction: Direction, trace_id: str) -> Passage:
        """Return the view of one direction of one connection."""
        return _TracedPassage(self, direction, trace_id)


class _TracedPassage(Passage):
    """One direction of one connection, written down as it passes."""

    __slots__ = ("_mask", "_tracing")

    def __init__(self, watcher: TracingWatcher, direction: Direction, trace_id: str) -> None:
        super().__init__(watcher, direction, trace_id)
        self._tracing = watcher
        self._mask = ClientMask() if direction == "to_mail_server" else BackEndMask()

    @property
    def is_looking(self) -> bool:
        """Always: see the class."""
        return True

    def see(self, data: bytes | memoryview) -> None:
        """Take the next bytes of this direction."""
        super().see(data)
        shown = self._mask.receive_data(bytes(data))
        head = _head(self._tracing.clock(), self._trace_id, self._direction, len(data), len(shown))
        self._tracing.write(head + dump(shown[:MAX_DUMPED]))


def _head(at: float, trace_id: str, direction: Direction, count: int, shown: int) -> bytes:
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    time = f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03} +0000"
    where = "to the back end" if direction == "to_mail_server" else "to the cloud"
    return f"{time}#{channel(trace_id)}#{where}#{count} bytes, {min(shown, MAX_DUMPED)} shown\n".encode()


def dump(data: bytes) -> bytes:
    """Return bytes as lines of offset, hexadecimal digits and printable characters."""
    lines = []
    for at in range(0, len(data), BYTES_A_LINE):
        piece = data[at : at + BYTES_A_LINE]
        text = "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in piece)
        lines.append(f"{at:08x}  {piece.hex(' '):<47}  {text}\n")
    return "".join(lines).encode()

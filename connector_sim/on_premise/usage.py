"""What has passed through a Cloud Connector: connections and bytes for each virtual system.

It reads what the connector reports of its connections anyway, so it costs the relay nothing, and it counts exactly what
the journal shows. Bytes of a connection that is open are looked up when somebody asks. Pure, but for what it is given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connector_sim.relay import Passed
from maco_wire.observation import Observation, Record, StreamClosed, StreamOpened


@dataclass(frozen=True, slots=True)
class VirtualSystem:
    """What is counted together."""

    subaccount: str
    virtual_host: str
    virtual_port: int
    protocol: str


@dataclass(slots=True)
class Figures:
    """What was counted of one virtual system since the start."""

    internal: str = ""
    active: int = 0
    bytes_received: int = 0
    """From the cloud."""
    bytes_sent: int = 0
    """To the cloud."""
    most_recent_ms: int = 0
    """When the last connection was opened, in milliseconds since 1970."""


class Usage:
    """The figures of one connector since ``since_ms``."""

    def __init__(self, clock: Callable[[], float], passed: Callable[[], Iterable[Passed]] = tuple) -> None:
        """Count from now on; ``passed`` tells what has passed so far through the connections that are open."""
        self._clock = clock
        self._passed = passed
        self._open: dict[str | None, VirtualSystem] = {}
        self._figures: dict[VirtualSystem, Figures] = {}
        self.since_ms = self._now_ms()

    def restart(self) -> None:
        """Begin to count anew; connections that are open go on being counted as open."""
        self.since_ms = self._now_ms()
        self._figures.clear()
        for system in self._open.values():
            self._of(system).active += 1

    def seeing(self, record: Record) -> Record:
        """Return ``record`` that lets this look on."""

        def look_on(observation: Observation) -> None:
            match observation:
                case StreamOpened():
                    self._opened(observation)
                case StreamClosed():
                    self._closed(observation)
            record(observation)

        return look_on

    def systems(self, subaccount: str) -> Iterator[tuple[VirtualSystem, Figures]]:
        """Yield every virtual system of a subaccount that was used."""
        found = {
            system: dataclasses.replace(figures)
            for system, figures in self._figures.items()
            if system.subaccount == subaccount
        }
        for passed in self._passed():
            system = self._open.get(passed.trace_id)
            if system is not None and (figures := found.get(system)):
                figures.bytes_received += passed.to_mail_server
                figures.bytes_sent += passed.to_maco
        yield from found.items()

    def open_connections(self, subaccount: str) -> int:
        """Return how many connections of a subaccount are open now."""
        return sum(figures.active for system, figures in self._figures.items() if system.subaccount == subaccount)

    def _opened(self, seen: StreamOpened) -> None:
        system = VirtualSystem(seen.subaccount, seen.virtual_host, seen.virtual_port, str(seen.protocol))
        figures = self._of(system)
        figures.internal = f"{seen.internal_host}:{seen.internal_port}"
        figures.active += 1
        figures.most_recent_ms = self._now_ms()
        self._open[seen.trace_id] = system

    def _closed(self, seen: StreamClosed) -> None:
        system = self._open.pop(seen.trace_id, None)
        if system is None:
            return
        figures = self._of(system)
        figures.active -= 1
        figures.bytes_received += seen.bytes_to_mail_server
        figures.bytes_sent += seen.bytes_to_maco

    def _of(self, system: VirtualSystem) -> Figures:
        return self._figures.setdefault(system, Figures())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

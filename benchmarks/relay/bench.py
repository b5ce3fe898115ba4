"""One run's ground: the generator's processes and the contestants that run, each started when first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.relay.contestants.shape import Contestant, Ground, Running, Shape, Tuning
from benchmarks.relay.generator.opening import LoadError
from benchmarks.relay.generator.remote import LoadClient, SinkProcess, load_client, sink, tls_sink
from benchmarks.relay.scale import Scale

ANSWER_S = 60.0
SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one turn of one contestant brought: figures by key, and how busy the generator was.

    ``generator`` is the share of one core of the generator's busiest process, ``generator_total`` that of all, and
    ``others`` that of processes which have nothing to do with the benchmark.
    """

    values: dict[str, float]
    generator: float
    generator_total: float
    others: float = 0.0


class Bench:
    """The processes of a run. Whatever happens, leaving the stack ends them all."""

    def __init__(self, stack: ExitStack, ground: Ground, scale: Scale, sinks: int) -> None:
        self.ground = ground
        self.scale = scale
        self._stack = stack
        self._sink = stack.enter_context(sink(ground.python, ground.log("sink"), sinks))
        self._free_ports = list(self._sink.ports)
        self._tls_sink: SinkProcess | None = None
        self._clients: dict[str, LoadClient] = {}
        self._client_stack = stack.enter_context(ExitStack())
        self._running: dict[tuple[str, Shape, Tuning], tuple[ExitStack, Running]] = {}

    def way(self, contestant: Contestant, shape: Shape, tuning: Tuning) -> Running:
        """Return a running contestant; it goes on running for the rows to come. Raises StartError."""
        key = (contestant.name, shape, tuning)
        if key not in self._running:
            stack = ExitStack()
            self._stack.push(stack)
            self._running[key] = (stack, self._start(stack, contestant, shape, tuning))
        return self._running[key][1]

    @contextmanager
    def fresh(self, contestant: Contestant, shape: Shape, tuning: Tuning) -> Iterator[Running]:
        """Run a contestant for one sample only."""
        with ExitStack() as stack:
            yield self._start(stack, contestant, shape, tuning)

    def give_up(self, contestant: Contestant) -> None:
        """End what has failed, and the clients that may still be waiting for it; both start anew when needed."""
        for key in [key for key in self._running if key[0] == contestant.name]:
            self._running.pop(key)[0].close()
        self._client_stack.close()
        self._clients.clear()

    def do(
        self, order: str, way: Running, *, client: str = "first", limit_s: float = ANSWER_S, **details: Any
    ) -> dict[str, float]:
        """Have a client do something, and return what came of it."""
        self.begin(order, way, client=client, **details)
        return self.client(client).answer(limit_s)

    def begin(self, order: str, way: Running, *, client: str, **details: Any) -> None:
        """Have a client begin something."""
        self.client(client).order(order, way, self.sinks, **details)

    def client(self, name: str) -> LoadClient:
        """Return a client process by its name."""
        if name not in self._clients:
            log = self.ground.log(f"client-{name}")
            self._clients[name] = self._client_stack.enter_context(load_client(self.ground.python, log))
        return self._clients[name]

    @property
    def sinks(self) -> list[int]:
        """The processes of the sinks."""
        return [self._sink.pid, *([self._tls_sink.pid] if self._tls_sink else [])]

    def settle(self) -> None:
        """Wait until the connections of the last sample have gone. Raises LoadError if they stay."""
        wait_until(lambda: self._sink.connections() == 0, "connections of an ended sample are still open")

    def _start(self, stack: ExitStack, contestant: Contestant, shape: Shape, tuning: Tuning) -> Running:
        return contestant.start(stack, self.ground, shape, tuning, self._sink_port(shape))

    def _sink_port(self, shape: Shape) -> int:
        if shape is Shape.ONE_HOP_TLS:
            if self._tls_sink is None:
                files = (self.ground.certificate, self.ground.key)
                log = self.ground.log("tls-sink")
                self._tls_sink = self._stack.enter_context(tls_sink(self.ground.python, log, *files))
            return self._tls_sink.ports[0]
        self._free_ports.append(port := self._free_ports.pop(0))
        return port


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Return once ``holds`` does. Raises LoadError after ten seconds."""
    deadline = time.monotonic() + SETTLE_S
    while not holds():
        if time.monotonic() > deadline:
            raise LoadError(otherwise)
        time.sleep(0.02)

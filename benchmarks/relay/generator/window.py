"""The measured stretch of one sample: wall time, and the CPU time of proxies, client, sink and all others within it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.relay.processor_time import family, machine_cpu_seconds, read_stats


@dataclass(frozen=True, slots=True)
class Watched:
    """The processes whose CPU time belongs to a sample."""

    proxies: Sequence[int] = ()
    sinks: Sequence[int] = ()


class Window:
    """Begins when it is made; ``close`` returns what was used since then."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._before = self._cpu()
        self._machine_before = machine_cpu_seconds()
        self._own_before = time.process_time()
        self._began = time.perf_counter()

    def close(self) -> dict[str, float]:
        """Return the seconds of the window and the CPU seconds in it."""
        seconds = time.perf_counter() - self._began
        own = time.process_time() - self._own_before
        machine = machine_cpu_seconds() - self._machine_before
        proxies, sinks, busiest_sink = (after - before for after, before in zip(self._cpu(), self._before, strict=True))
        return {
            "seconds": seconds,
            "proxies_cpu_s": proxies,
            "client_cpu_s": own,
            "sinks_cpu_s": sinks,
            "others_cpu_s": max(0.0, machine - own - proxies - sinks),
            "busiest_generator_s": max(own, busiest_sink),
        }

    def _cpu(self) -> tuple[float, float, float]:
        stats = read_stats()
        sinks = [stat.cpu_s for stat in family(self._watched.sinks, stats)]
        return sum(stat.cpu_s for stat in family(self._watched.proxies, stats)), sum(sinks), max(sinks, default=0.0)

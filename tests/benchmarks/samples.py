"""Samples and cells as the benchmark would have measured them."""

from __future__ import annotations

from benchmarks.relay.bench import Sample


def samples(key: str, *values: float, generator: float = 0.2) -> list[Sample]:
    return [Sample({key: value}, generator, generator) for value in values]

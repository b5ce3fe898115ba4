"""What the access control costs among 10, 1,000 and 100,000 mappings: finding, a hint, adding and removing one.

``python -m benchmarks.mappings [--json FILE]`` prints medians of several rounds with the spread. Three ways to spread
the mappings: each with a host of its own, all single ports of few hosts, and ranges of ten ports.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from connector_sim.on_premise.access_control import AccessControl
from connector_sim.on_premise.system_mapping import MappingProtocol, SystemMapping

COUNTS = (10, 1_000, 100_000)
ROUNDS = 7
FINDS = 20_000
CHANGES = 2_000
HINTS = 5

_T = TypeVar("_T")
Place: TypeAlias = tuple[str, int]
Shape: TypeAlias = Callable[[int], tuple[list[SystemMapping], SystemMapping]]
Figures: TypeAlias = dict[str, list[float]]


def _mapping(host: str, port: int, ports: int = 1) -> SystemMapping:
    return SystemMapping(host, port, f"{host}.corp", port, MappingProtocol.TCP, port_count=ports)


def hosts(count: int) -> tuple[list[SystemMapping], SystemMapping]:
    """Return ``count`` mappings with a host each, and one more that can be added to them."""
    return [_mapping(f"host{number}.virtual", 143) for number in range(count)], _mapping("one-more.virtual", 143)


def single_ports(count: int) -> tuple[list[SystemMapping], SystemMapping]:
    """Do the same with as many single ports in each host as there are."""
    made = [_mapping(f"host{number // 60_000}.virtual", 1 + number % 60_000) for number in range(count)]
    return made, _mapping("host0.virtual", 65_000)


def ranges(count: int) -> tuple[list[SystemMapping], SystemMapping]:
    """Do the same with ranges of ten ports."""
    made = [_mapping(f"host{number // 6_000}.virtual", 1 + number % 6_000 * 10, 10) for number in range(count)]
    return made, _mapping("host0.virtual", 65_000, 10)


SHAPES: dict[str, Shape] = {"a host each": hosts, "single ports of few hosts": single_ports, "ranges of 10": ranges}


def measure(shape: Shape, count: int) -> Figures:
    """Return microseconds of each operation, one figure for each round."""
    mappings, one_more = shape(count)
    places = [(each.virtual_host, each.virtual_port + each.port_count - 1) for each in mappings]
    asked = random.Random(1).choices(places, k=FINDS)
    figures: Figures = {}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        control = AccessControl(mappings)
        figures.setdefault("build, per mapping", []).append((time.perf_counter() - began) / count * 1e6)
        for name, seconds in _round(control, asked, one_more).items():
            figures.setdefault(name, []).append(seconds * 1e6)
    return figures


def _round(control: AccessControl, asked: Sequence[Place], one_more: SystemMapping) -> dict[str, float]:
    return {
        "find": _time_each(lambda place: control.find(*place), asked),
        "find nothing": _time_each(lambda place: control.find(place[0], 65_500), asked),
        "add and remove one": _time_each(lambda _: _change(control, one_more), [None] * CHANGES),
        "hint, same host": _time_each(lambda place: control.nearest(place[0], 65_500), asked[:HINTS]),
        "hint, another host": _time_each(lambda place: control.nearest(f"x{place[0]}", 65_500), asked[:HINTS]),
    }


def _change(control: AccessControl, one_more: SystemMapping) -> None:
    control.add(one_more)
    control.remove(one_more.virtual_host, one_more.virtual_ports)


def _time_each(call: Callable[[_T], object], arguments: Sequence[_T]) -> float:
    began = time.perf_counter()
    for argument in arguments:
        call(argument)
    return (time.perf_counter() - began) / len(arguments)


def show(shape: str, by_count: dict[int, Figures]) -> None:
    """Print the figures of one shape, an operation in each line."""
    print(f"\n{shape:28}" + "".join(f"{count:>34,}" for count in by_count))
    for operation in next(iter(by_count.values())):
        cells = [by_count[count][operation] for count in by_count]
        print(f"  {operation:26}" + "".join(f"{_cell(each):>34}" for each in cells))


def _cell(figures: Sequence[float]) -> str:
    return f"{statistics.median(figures):.2f} us ({min(figures):.2f} to {max(figures):.2f})"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Measure the access control of a Cloud Connector.")
    parser.add_argument("--json", type=Path, help="write all figures to a file")
    options = parser.parse_args(arguments)
    print(f"access control, {platform.python_implementation()} {platform.python_version()}, median of {ROUNDS} rounds")
    figures = {name: {count: measure(shape, count) for count in COUNTS} for name, shape in SHAPES.items()}
    for name, by_count in figures.items():
        show(name, by_count)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

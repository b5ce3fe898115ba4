"""The figures that the rows bring: how they are called, which way is better, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.relay.report.targets import Better, Target

LEVELS = (1, 32, 500, 5000)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the tables; ``key`` begins with that of its row."""

    key: str
    title: str
    unit: str
    better: Better
    target: Target | None = None


def _bulk(key: str, title: str, *, is_aimed_at: bool = True) -> tuple[Figure, Figure]:
    speed = Target(0.95, "higher") if is_aimed_at else None
    cpu = Target(1.1, "lower") if is_aimed_at else None
    return (
        Figure(f"{key}.speed", title, "MB/s", "higher", speed),
        Figure(f"{key}.cpu", f"{title}: CPU", "s/GiB", "lower", cpu),
    )


def _cost(kind: str, what: str, unit: str) -> tuple[Figure, ...]:
    growth = Target(20, "lower", "itself")
    return (
        *(
            Figure(f"cost.{kind}.{level}", f"cost of {what}, {level:,} stream{'s' if level > 1 else ''}", unit, "lower")
            for level in LEVELS
        ),
        Figure(f"cost.{kind}.growth", f"cost of {what}: growth", "%", "lower", growth),
    )


FIGURES = (
    *_bulk("down1", "bulk down, 1 stream"),
    *_bulk("down32", "bulk down, 32 streams"),
    *_bulk("up1", "bulk up, 1 stream"),
    *_bulk("up32", "bulk up, 32 streams"),
    Figure("trips.p50", "100-byte round trip, p50", "µs", "lower", Target(1.3, "lower")),
    Figure("trips.p99", "100-byte round trip, p99", "µs", "lower"),
    Figure("trips.rate", "round trips, 1 stream", "1/s", "higher"),
    Figure("many.rate", "round trips, 32 streams at once", "1/s", "higher"),
    Figure("beside.rate", "round trips beside one bulk", "1/s", "higher", Target(1000, "higher", "itself")),
    Figure("beside.p50", "round trip beside one bulk, p50", "µs", "lower"),
    Figure("beside.bulk", "that bulk, to itself alone", "x", "higher", Target(0.9, "higher", "itself")),
    Figure("opens", "opens, 8 clients", "1/s", "higher", Target(2, "higher")),
    Figure("idle.each", "memory of an idle connection", "KiB", "lower", Target(0.1, "lower")),
    Figure("idle.all", "10,000 idle connections add", "MB", "lower", Target(60, "lower", "itself")),
    Figure("stalled.speed", "31 streams beside a stalled one", "MB/s", "higher"),
    Figure("stalled.share", "that, to 31 alone", "x", "higher", Target(0.95, "higher", "itself")),
    *_bulk("tcp-down1", "1 hop TCP: down, 1 stream", is_aimed_at=False),
    *_bulk("tcp-up32", "1 hop TCP: up, 32 streams", is_aimed_at=False),
    Figure("tcp-trips.p50", "1 hop TCP: round trip, p50", "µs", "lower"),
    Figure("tcp-trips.p99", "1 hop TCP: round trip, p99", "µs", "lower"),
    Figure("tcp-opens", "1 hop TCP: opens, 8 clients", "1/s", "higher"),
    *_bulk("tls-down1", "1 hop TLS: down, 1 stream", is_aimed_at=False),
    *_bulk("tls-up1", "1 hop TLS: up, 1 stream", is_aimed_at=False),
    *_cost("byte", "a byte", "s/GiB"),
    *_cost("open", "an open", "µs"),
)

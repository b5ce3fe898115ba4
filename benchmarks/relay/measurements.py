"""The rows: what one sample of each is, and in which shape and tuning its contestants run."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from benchmarks.relay.bench import Bench, Sample
from benchmarks.relay.contestants.shape import Contestant, Running, Shape, Tuning
from benchmarks.relay.processor_time import resident_bytes

Direction: TypeAlias = Literal["down", "up"]
Measure: TypeAlias = Callable[[Bench, Contestant, Running], Sample]

GIB = 1 << 30
MANY = 32
OPEN_CLIENTS = 8
IDLE_SETTLE_S = 0.5
AT_LEAST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. ``ours_alone``: it compares ours with itself; ``fresh``: each sample has new processes."""

    key: str
    title: str
    measure: Measure
    tuning: Tuning = Tuning.SMALL
    shape: Shape = Shape.TWO_HOPS
    fresh: bool = False
    ours_alone: bool = False
    through_proxies_only: bool = False
    rounds: Literal["rounds", "idle_rounds", "level_rounds"] = "rounds"
    generator_must_be_light: bool = False


def sample(answer: dict[str, float], values: dict[str, float], second_client: float = 0.0) -> Sample:
    """Return a sample with the generator's share of a core in it; ``second_client`` is that of one beside."""
    seconds = answer["seconds"]
    total = (answer["client_cpu_s"] + answer["sinks_cpu_s"]) / seconds + second_client
    others = max(0.0, answer["others_cpu_s"] / seconds - second_client)
    return Sample(values, answer["busiest_generator_s"] / seconds, total, others)


def carry(bench: Bench, way: Running, direction: Direction, streams: int, *, client: str = "first") -> dict[str, float]:
    """Carry as much as a way carries in one sample's time; the first time a little is sent to learn how much."""
    kind = f"{direction} {streams}"
    if kind not in way.speeds:
        answer = bench.do("bulk", way, direction=direction, streams=streams, bytes=bench.scale.warm_up_bytes)
        way.speeds[kind] = answer["bytes"] / answer["seconds"]
    answer = bench.do(
        "bulk", way, client=client, direction=direction, streams=streams, bytes=amount(bench, way.speeds[kind])
    )
    way.speeds[kind] = answer["bytes"] / answer["seconds"]
    return answer


def amount(bench: Bench, speed: float) -> int:
    """Return the bytes of one sample at a speed."""
    return int(min(max(speed * bench.scale.sample_s, AT_LEAST_BYTES), bench.scale.most_bytes))


def speed_of(answer: dict[str, float]) -> float:
    """Return megabytes per second."""
    return answer["bytes"] / answer["seconds"] / 1e6


def bulk(direction: Direction, streams: int, key: str, bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure throughput, and the CPU time of all proxies for each GiB."""
    answer = carry(bench, way, direction, streams)
    values = {f"{key}.speed": speed_of(answer)}
    if way.proxies:
        values[f"{key}.cpu"] = answer["proxies_cpu_s"] / answer["bytes"] * GIB
    return sample(answer, values)


def conversation(key: str, bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure one conversation of 100-byte messages."""
    answer = bench.do("converse", way, seconds=bench.scale.sample_s)
    values = {f"{key}.p50": answer["p50_us"], f"{key}.p99": answer["p99_us"]}
    return sample(answer, values | {f"{key}.rate": answer["trips"] / answer["seconds"]})


def conversations(bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure 32 conversations at once."""
    answer = bench.do("converse in many", way, streams=MANY, seconds=bench.scale.sample_s)
    return sample(answer, {"many.rate": answer["trips"] / answer["seconds"]})


def beside_bulk(bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure a conversation beside one bulk stream, and that stream beside the conversation."""
    alone = carry(bench, way, "down", 1)
    size = amount(bench, way.speeds["down 1"])
    bench.begin("converse", way, client="second", seconds=60.0)
    try:
        answer = bench.do("bulk", way, direction="down", streams=1, bytes=size)
    finally:
        bench.client("second").stop_conversation()
    talk = bench.client("second").answer(30.0)
    values = {
        "beside.rate": talk["trips"] / talk["seconds"],
        "beside.p50": talk["p50_us"],
        "beside.bulk": speed_of(answer) / speed_of(alone),
    }
    return sample(answer, values, talk["client_cpu_s"] / talk["seconds"])


def opens(key: str, bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure opens: connect, one byte there and back, close; eight clients."""
    answer = bench.do("open", way, clients=OPEN_CLIENTS, seconds=bench.scale.sample_s)
    return sample(answer, {key: answer["opens"] / answer["seconds"]})


def idle(bench: Bench, contestant: Contestant, way: Running) -> Sample:
    """Measure the resident memory of all proxies for each idle connection that was proved to be open."""
    count = bench.scale.idle_connections(bench.ground.descriptors, slow=contestant.slow)
    bench.do("open", way, clients=OPEN_CLIENTS, seconds=0.05)  # what is needed once does not count
    before = resident_bytes(way.proxies)
    answer = bench.do("hold", way, streams=count)
    time.sleep(IDLE_SETTLE_S)
    added = resident_bytes(way.proxies) - before
    bench.do("release", way)
    per_connection = added / count
    values = {"idle.each": per_connection / 1024, "idle.all": per_connection * 10_000 / 1e6}
    return sample(answer, values | {"idle.count": float(count)})


def stalled(bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure 31 streams beside one whose reader has stopped, against 31 alone."""
    alone = carry(bench, way, "down", MANY - 1)
    size = amount(bench, way.speeds[f"down {MANY - 1}"])
    bench.do("stall", way, client="second")
    answer = bench.do("bulk", way, direction="down", streams=MANY - 1, bytes=size)
    bench.do("release", way, client="second")
    return sample(answer, {"stalled.speed": speed_of(answer), "stalled.share": speed_of(answer) / speed_of(alone)})


def cost(bench: Bench, _: Contestant, way: Running) -> Sample:
    """Measure what a byte and an open cost our processes while 1, 32, 500 and 5,000 streams are there."""
    scale = bench.scale
    bytes_cost: dict[int, float] = {}
    open_cost: dict[int, float] = {}
    for streams in scale.levels_within(bench.ground.descriptors):
        answer = bench.do("bulk", way, direction="down, kept open", streams=streams, bytes=scale.level_bytes)
        bytes_cost[streams] = answer["proxies_cpu_s"] / answer["bytes"] * GIB
        bench.do("hold", way, client="second", streams=streams)
        opened = bench.do("open", way, clients=OPEN_CLIENTS, seconds=scale.sample_s)
        open_cost[streams] = opened["proxies_cpu_s"] / opened["opens"] * 1e6
        bench.do("release", way, client="second")
        bench.settle()
    values = {f"cost.byte.{streams}": value for streams, value in bytes_cost.items()}
    values |= {f"cost.open.{streams}": value for streams, value in open_cost.items()}
    if len(bytes_cost) == len(scale.levels):  # growth over fewer levels would claim too much
        values |= {"cost.byte.growth": growth(bytes_cost), "cost.open.growth": growth(open_cost)}
    return sample(answer, values)


def growth(costs: dict[int, float]) -> float:
    """Return by how many percent the dearest level costs more than the first."""
    levels = list(costs.values())
    return (max(levels) / levels[0] - 1) * 100


def _bulk_row(key: str, title: str, direction: Direction, streams: int, shape: Shape = Shape.TWO_HOPS) -> Row:
    return Row(key, title, functools.partial(bulk, direction, streams, key), Tuning.BULK, shape)


ROWS = (
    _bulk_row("down1", "bulk down, 1 stream", "down", 1),
    _bulk_row("down32", "bulk down, 32 streams", "down", MANY),
    _bulk_row("up1", "bulk up, 1 stream", "up", 1),
    _bulk_row("up32", "bulk up, 32 streams", "up", MANY),
    Row("trips", "100-byte round trip, 1 stream", functools.partial(conversation, "trips"),
        generator_must_be_light=True),
    Row("many", "100-byte round trips, 32 streams", conversations, generator_must_be_light=True),
    Row("beside", "100-byte round trips beside one bulk stream", beside_bulk, Tuning.BULK),
    Row("opens", "opens, 8 clients", functools.partial(opens, "opens"), generator_must_be_light=True),
    Row("idle", "idle connections", idle, fresh=True, through_proxies_only=True, rounds="idle_rounds"),
    Row("stalled", "31 streams beside a stalled reader", stalled, Tuning.BULK),
    _bulk_row("tcp-down1", "one hop TCP: bulk down, 1 stream", "down", 1, Shape.ONE_HOP_TCP),
    _bulk_row("tcp-up32", "one hop TCP: bulk up, 32 streams", "up", MANY, Shape.ONE_HOP_TCP),
    Row("tcp-trips", "one hop TCP: 100-byte round trip", functools.partial(conversation, "tcp-trips"),
        shape=Shape.ONE_HOP_TCP, generator_must_be_light=True),
    Row("tcp-opens", "one hop TCP: opens, 8 clients", functools.partial(opens, "tcp-opens"),
        shape=Shape.ONE_HOP_TCP, generator_must_be_light=True),
    _bulk_row("tls-down1", "one hop TLS: bulk down, 1 stream", "down", 1, Shape.ONE_HOP_TLS),
    _bulk_row("tls-up1", "one hop TLS: bulk up, 1 stream", "up", 1, Shape.ONE_HOP_TLS),
    Row("cost", "cost with 1 to 5,000 concurrent streams", cost, Tuning.BULK, ours_alone=True, rounds="level_rounds"),
)  # fmt: skip

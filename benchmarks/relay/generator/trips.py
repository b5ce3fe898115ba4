"""Round trips of a small message: one conversation with the time of each trip, or many at once, only counted."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.entry import Entry
from benchmarks.relay.generator.opening import LoadError, Opener, close_all
from benchmarks.relay.generator.window import Watched, Window

MESSAGE = bytes(range(100))
STALL_S = 20


def one_conversation(
    entry: Entry, seconds: float, is_told_to_stop: Callable[[], bool], watched: Watched
) -> dict[str, float]:
    """Converse until told to stop, at most for ``seconds``; return count and percentiles in microseconds."""
    (connection,) = Opener(entry, protocol.ECHO).keep(1)
    try:
        window = Window(watched)
        trips = _converse(connection, seconds, is_told_to_stop)
        figures = window.close()
    finally:
        connection.close()
    trips.sort()
    return figures | {
        "trips": len(trips),
        "p50_us": trips[len(trips) // 2] * 1e6,
        "p99_us": trips[len(trips) * 99 // 100] * 1e6,
    }


def _converse(connection: socket.socket, seconds: float, is_told_to_stop: Callable[[], bool]) -> list[float]:
    answer = bytearray(len(MESSAGE))
    trips: list[float] = []
    began = time.perf_counter()
    deadline = began + seconds
    while began < deadline and not is_told_to_stop():
        connection.send(MESSAGE)
        if connection.recv_into(answer, 0, socket.MSG_WAITALL) != len(MESSAGE):
            raise LoadError("the conversation ended early")
        now = time.perf_counter()
        trips.append(now - began)
        began = now
    if answer != MESSAGE:
        raise LoadError("the answer is not what was said")
    return trips


def many_conversations(entry: Entry, streams: int, seconds: float, watched: Watched) -> dict[str, float]:
    """Converse in many streams at once for ``seconds``; return how many trips that were."""
    connections = Opener(entry, protocol.ECHO).keep(streams)
    by_descriptor = {connection.fileno(): connection for connection in connections}
    try:
        with select.epoll() as poll:
            for descriptor in by_descriptor:
                poll.register(descriptor, select.EPOLLIN)
            window = Window(watched)
            trips = _converse_in_all(poll, by_descriptor, seconds)
            return window.close() | {"trips": trips}
    finally:
        close_all(connections)


def _converse_in_all(poll: select.epoll, connections: dict[int, socket.socket], seconds: float) -> int:
    answer = bytearray(len(MESSAGE))
    trips = 0
    deadline = time.perf_counter() + seconds
    for connection in connections.values():
        connection.send(MESSAGE)
    while time.perf_counter() < deadline:
        ready = poll.poll(STALL_S)
        if not ready:
            raise LoadError(f"no answer within {STALL_S} s")
        for descriptor, _ in ready:
            connection = connections[descriptor]
            if connection.recv_into(answer, 0, socket.MSG_WAITALL) != len(MESSAGE) or answer != MESSAGE:
                raise LoadError("a conversation ended early, or its answers are mixed up")
            connection.send(MESSAGE)
        trips += len(ready)
    return trips

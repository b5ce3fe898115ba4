"""Open connections as fast as they come, several at a time, each proved by one byte there and back."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.relay.generator.entry import Entry, Step

PATIENCE_S = 20
_PATIENCE = struct.pack("ll", PATIENCE_S, 0)  # struct timeval
_IP_BIND_ADDRESS_NO_PORT = 24  # ip(7): the port is chosen by connect, so that every destination has all of them
_SOURCES = itertools.cycle([f"127.0.0.{last}" for last in range(1, 9)])


class LoadError(Exception):
    """The way did not do what it has to: refused, ended early, or lost bytes."""


@dataclass(slots=True)
class _Opening:
    connection: socket.socket
    steps: tuple[Step, ...]
    done: int = 0


class Opener:
    """Open connections through ``entry``; ``first`` is said in each and has to come back."""

    def __init__(self, entry: Entry, first: bytes, *, receive_buffer: int = 0) -> None:
        self._address = (entry.host, entry.port)
        self._steps = (*entry.steps, Step(first, len(first), first))
        self._receive_buffer = receive_buffer
        self._poll = select.epoll()
        self._openings: dict[int, _Opening] = {}

    def keep(self, count: int, at_once: int = 64) -> list[socket.socket]:
        """Return ``count`` open connections."""
        kept: list[socket.socket] = []
        try:
            self._run(at_once, lambda begun: begun < count, kept.append)
        except BaseException:
            for connection in kept:
                connection.close()
            raise
        return kept

    def churn(self, at_once: int, seconds: float) -> int:
        """Open, prove and close connections for ``seconds``; return how many."""
        deadline = time.perf_counter() + seconds
        closed = 0

        def close(connection: socket.socket) -> None:
            nonlocal closed
            connection.close()
            closed += 1

        self._run(at_once, lambda _: time.perf_counter() < deadline, close)
        return closed

    def _run(self, at_once: int, goes_on: Callable[[int], bool], finish: Callable[[socket.socket], None]) -> None:
        begun = 0
        try:
            while goes_on(begun) and begun < at_once:
                begun += self._begin()
            while self._openings:
                ready = self._poll.poll(PATIENCE_S)
                if not ready:
                    raise LoadError(f"no answer within {PATIENCE_S} s")
                for descriptor, _ in ready:
                    if self._advance(self._openings[descriptor]):
                        self._poll.unregister(descriptor)
                        finish(self._openings.pop(descriptor).connection)
                        begun += self._begin() if goes_on(begun) else 0
        finally:
            for opening in self._openings.values():
                opening.connection.close()
            self._openings.clear()
            self._poll.close()

    def _begin(self) -> int:
        connection = socket.socket()
        opening = _Opening(connection, self._steps)
        self._openings[connection.fileno()] = opening
        if self._receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
        connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.bind((next(_SOURCES), 0))
        connection.connect(self._address)
        connection.send(self._steps[0].say)
        self._poll.register(connection.fileno(), select.EPOLLIN)
        return 1

    def _advance(self, opening: _Opening) -> bool:
        step = opening.steps[opening.done]
        answer = receive_exactly(opening.connection, step.answer_bytes)
        if not answer.startswith(step.answer):
            raise LoadError(f"step {opening.done + 1} of opening was answered by {answer.hex(' ')}")
        opening.done += 1
        if opening.done == len(opening.steps):
            return True
        opening.connection.send(opening.steps[opening.done].say)
        return False


def receive_exactly(connection: socket.socket, count: int) -> bytes:
    """Return ``count`` bytes; raises LoadError if they do not come."""
    try:
        received = connection.recv(count, socket.MSG_WAITALL)
    except OSError as error:
        raise LoadError(f"no answer: {error}") from error
    if len(received) != count:
        raise LoadError(f"the connection ended after {len(received)} of {count} bytes")
    return received


def close_all(connections: list[socket.socket]) -> None:
    """Close every connection."""
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.close()

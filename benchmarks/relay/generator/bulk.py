"""Bulk through one or many streams, counted to the byte at both ends.

Received bytes are discarded by the kernel and sent ones come from a file in memory: what is left of the load's own
work is one system call for each megabyte.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.bulk_sink import source_file
from benchmarks.relay.generator.entry import Entry
from benchmarks.relay.generator.opening import LoadError, Opener, close_all, receive_exactly
from benchmarks.relay.generator.window import Watched, Window

STALL_S = 20


def bulk(entry: Entry, direction: bytes, streams: int, total: int, watched: Watched) -> dict[str, float]:
    """Carry ``total`` bytes, an equal part in each stream; return the window from the first command to the last byte.

    Raises LoadError if a stream brings fewer or more bytes than it should, or stands still for 20 seconds.
    """
    count = max(1, total // streams)
    connections = Opener(entry, protocol.WAIT).keep(streams)
    try:
        if direction == protocol.UP:
            return {"bytes": count * streams} | _up(connections, count, watched)
        figures = {"bytes": count * streams} | _down(connections, direction, count, watched)
        if direction == protocol.DOWN:
            _check_ends(connections)
        return figures
    finally:
        close_all(connections)


def _down(connections: list[socket.socket], direction: bytes, count: int, watched: Watched) -> dict[str, float]:
    discarded = bytearray(protocol.CHUNK_BYTES)

    def receive(connection: socket.socket, left: int) -> int:
        received = connection.recv_into(discarded, 0, socket.MSG_TRUNC)
        if not received:
            raise LoadError(f"a stream ended {left} bytes early")
        return received

    window = Window(watched)
    for connection in connections:
        connection.send(protocol.transfer(direction, count))
    _move(connections, count, select.EPOLLIN, receive)
    return window.close()


def _check_ends(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.setblocking(True)
        if connection.recv(1):
            raise LoadError("a stream brought more than was sent")


def _up(connections: list[socket.socket], count: int, watched: Watched) -> dict[str, float]:
    source = source_file()
    for connection in connections:
        connection.send(protocol.transfer(protocol.UP, count))
    for connection in connections:
        receive_exactly(connection, len(protocol.GO))
    try:
        window = Window(watched)
        _move(
            connections,
            count,
            select.EPOLLOUT,
            lambda connection, left: os.sendfile(connection.fileno(), source, 0, min(left, protocol.CHUNK_BYTES)),
        )
        for connection in connections:
            connection.setblocking(True)
            (arrived,) = protocol.COUNT.unpack(receive_exactly(connection, protocol.COUNT.size))
            if arrived != count:
                raise LoadError(f"{arrived} of {count} bytes arrived")
        return window.close()
    finally:
        os.close(source)


def _move(connections: list[socket.socket], count: int, event: int, move: Callable[[socket.socket, int], int]) -> None:
    """Call ``move`` for each connection that is ready until it has moved ``count`` bytes in each."""
    left = {connection.fileno(): count for connection in connections}
    by_descriptor = {connection.fileno(): connection for connection in connections}
    with select.epoll() as poll:
        for connection in connections:
            connection.setblocking(False)
            poll.register(connection.fileno(), event)
        while left:
            ready = poll.poll(STALL_S)
            if not ready:
                raise LoadError(f"{len(left)} streams stood still for {STALL_S} s")
            for descriptor, _ in ready:
                try:
                    left[descriptor] -= move(by_descriptor[descriptor], left[descriptor])
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise LoadError(f"a stream broke {left[descriptor]} bytes early: {error}") from error
                if left[descriptor] <= 0:
                    _finish(left, descriptor)
                    poll.unregister(descriptor)


def _finish(left: dict[int, int], descriptor: int) -> None:
    if left.pop(descriptor) < 0:
        raise LoadError("a stream brought more than was sent")

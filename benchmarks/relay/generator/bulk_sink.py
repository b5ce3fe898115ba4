"""The half of the sink that carries bulk: sent by sendfile(2), received without copying, counted to the byte.

recv(2): with MSG_TRUNC a TCP socket discards the bytes instead of copying them (tcp(7)).
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from dataclasses import dataclass

from benchmarks.relay.generator import protocol


@dataclass(slots=True)
class _Transfer:
    connection: socket.socket
    direction: bytes
    count: int
    left: int


def source_file() -> int:
    """Return the descriptor of a file in memory to send from."""
    descriptor = os.memfd_create("bulk")
    os.write(descriptor, bytes(range(256)) * (protocol.CHUNK_BYTES // 256))
    return descriptor


class BulkSink:
    """Serve the connections that arrive through ``control`` until it ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._transfers: dict[int, _Transfer] = {}
        self._source = source_file()
        self._discarded = bytearray(protocol.CHUNK_BYTES)
        self._poll = select.epoll()
        self._poll.register(control.fileno(), select.EPOLLIN)

    def serve(self) -> None:
        """Serve until the other half of the sink has ended."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._move(descriptor, self._transfers[descriptor])
                elif not self._take():
                    return

    def _take(self) -> bool:
        command, descriptors, _, _ = socket.recv_fds(self._control, protocol.TRANSFER_BYTES, 1)
        if not command:
            return False
        connection = socket.socket(fileno=descriptors[0])
        (count,) = protocol.COUNT.unpack(command[1:])
        is_down = command[:1] != protocol.UP
        self._transfers[connection.fileno()] = _Transfer(connection, command[:1], count, count)
        self._poll.register(connection.fileno(), select.EPOLLOUT if is_down else select.EPOLLIN)
        if not is_down:
            connection.send(protocol.GO)
        return True

    def _move(self, descriptor: int, transfer: _Transfer) -> None:
        try:
            if not transfer.left:
                ended = not transfer.connection.recv(1)  # what comes now is the client's end
            elif transfer.direction == protocol.UP:
                ended = self._receive(transfer)
            else:
                ended = self._send(descriptor, transfer)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._poll.unregister(descriptor)
            self._transfers.pop(descriptor).connection.close()

    def _send(self, descriptor: int, transfer: _Transfer) -> bool:
        transfer.left -= os.sendfile(descriptor, self._source, 0, min(transfer.left, protocol.CHUNK_BYTES))
        if not transfer.left:
            if transfer.direction == protocol.DOWN:
                with contextlib.suppress(OSError):
                    transfer.connection.shutdown(socket.SHUT_WR)
            self._poll.modify(descriptor, select.EPOLLIN)
        return False

    def _receive(self, transfer: _Transfer) -> bool:
        received = transfer.connection.recv_into(self._discarded, 0, socket.MSG_TRUNC)
        transfer.left -= received
        if transfer.left <= 0:
            transfer.connection.send(protocol.COUNT.pack(transfer.count - transfer.left))
            transfer.left = 0
        return not received

"""The sink: what all contestants finally lead to. It says back small messages; bulk is handed to a second process.

One epoll loop, so that ten thousand idle connections cost it nothing. ``python -m benchmarks.relay.generator.sink N``
listens on N free ports and prints them as JSON; it ends with its standard input. A line ``connections`` is answered
with how many connections it holds.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import socket
import sys

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.bulk_sink import BulkSink
from benchmarks.relay.processes import LOOPBACK

BACKLOG = 4096
READ_BYTES = 64 * 1024
ACCEPTED_AT_ONCE = 64


class Sink:
    """Serve what is small, and pass on connections that ask for bulk."""

    def __init__(self, listeners: list[socket.socket], bulk: socket.socket) -> None:
        self._listeners = {each.fileno(): each for each in listeners}
        self._bulk = bulk
        self._sockets: dict[int, socket.socket] = {}
        self._echoing: set[int] = set()
        self._begun: dict[int, bytes] = {}
        self._poll = select.epoll()
        for descriptor in (*self._listeners, sys.stdin.fileno()):
            self._poll.register(descriptor, select.EPOLLIN)

    def serve(self) -> None:
        """Serve until standard input ends."""
        control = sys.stdin.fileno()
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._listeners:
                    self._accept(self._listeners[descriptor])
                elif descriptor != control:
                    self._read(descriptor)
                elif os.read(control, READ_BYTES):
                    print(len(self._sockets), flush=True)
                else:
                    return

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[connection.fileno()] = connection
            self._poll.register(connection.fileno(), select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        connection = self._sockets[descriptor]
        try:
            data = connection.recv(READ_BYTES)
            if descriptor in self._echoing and data:
                connection.send(data)
                return
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or not self._obey(descriptor, connection, self._begun.pop(descriptor, b"") + data):
            self._forget(descriptor)

    def _obey(self, descriptor: int, connection: socket.socket, command: bytes) -> bool:
        """Do what a command asks; return whether the connection stays here."""
        if command[:1] == protocol.ECHO:
            self._echoing.add(descriptor)
            connection.send(command)
        elif command == protocol.WAIT:
            connection.send(command)
        elif len(command) < protocol.TRANSFER_BYTES:
            self._begun[descriptor] = command
        else:
            socket.send_fds(self._bulk, [command], [descriptor])
            return False
        return True

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._echoing.discard(descriptor)
        self._begun.pop(descriptor, None)
        self._sockets.pop(descriptor).close()


def listening() -> socket.socket:
    """Return a socket that listens on a free loopback port."""
    listener = socket.socket()
    listener.bind((LOOPBACK, 0))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def main() -> None:
    """Listen, fork the process for bulk, serve."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        gc.disable()
        BulkSink(theirs).serve()
        return
    theirs.close()
    listeners = [listening() for _ in range(int(sys.argv[1]))]
    print(json.dumps([each.getsockname()[1] for each in listeners]), flush=True)
    gc.disable()
    Sink(listeners, ours).serve()


if __name__ == "__main__":
    main()

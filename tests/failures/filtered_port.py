"""A port that never answers a SYN, as behind a firewall that drops: a listener whose backlog is full."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

from maco_wire.observation import Address

MOST_CONNECTIONS = 16
ANSWER_S = 0.2
"""A SYN on loopback is answered at once or, the backlog being full, not at all (the kernel repeats it after 1 s)."""


@contextlib.contextmanager
def filtered_port() -> Iterator[Address]:
    """Hold such a port while the block runs."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        for _ in range(MOST_CONNECTIONS):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
            if not select.select([], [waiting], [], ANSWER_S)[1]:
                yield listener.getsockname()
                return
        raise AssertionError("the backlog did not fill up")

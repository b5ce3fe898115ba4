"""Ports for programs that are told theirs in a file, before they run."""

from __future__ import annotations

import contextlib
import random
import socket

FIRST, LAST = 10_240, 32_000
"""Below what systems give to clients (Linux from 32768, macOS from 49152): nobody gets one of these by chance between
the choice and its use, as a test in another process would."""


def free_ports(count: int) -> list[int]:
    """Return so many different ports on 127.0.0.1 that are free now."""
    with contextlib.ExitStack() as held:
        chosen: list[int] = []
        while len(chosen) < count:
            port = random.SystemRandom().randint(FIRST, LAST)
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                chosen.append(port)
        return chosen

"""What holds of the mail server whatever it is sent: it answers in time, in bounded memory, and with no traceback."""

from __future__ import annotations

import logging
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from maco_wire.observation import Problem
from tests.mailserver_sim.running import RawClient, RunningServer

DEADLINE_S = 5.0
"""How long a command may take, and whatever else is read from the server: a socket that waits longer raises."""
MOST_MEMORY = 16 * 1024 * 1024
"""How much more this process may hold at any moment of an example than before it, in bytes."""
MOST_ANSWERED = 1 << 20
"""How many bytes no answer about three small mails has."""
TRACEBACK = b"Traceback"


@contextmanager
def unharmed(server: RunningServer, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let somebody send something, and see that nothing failed and little memory was needed."""
    caplog.clear()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < MOST_MEMORY
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert server.recorder.of(Problem) == []


def impatient(client: RawClient) -> RawClient:
    """Let a client wait no longer than the deadline."""
    client.connection.settimeout(DEADLINE_S)
    return client


def read_line(client: RawClient) -> bytes:
    """Return the next line with its end, empty at the end of the connection."""
    try:
        line = client._file.readline(MOST_ANSWERED)
    except ConnectionError:  # it was closed while more was on its way
        return b""
    assert len(line) < MOST_ANSWERED
    assert TRACEBACK not in line
    return line


def send(client: RawClient, data: bytes) -> None:
    """Send what may reach nobody, because the server has ended the connection."""
    with suppress(ConnectionError):
        client.send(data)


def pour(client: RawClient, data: bytes) -> None:
    """Send bytes that are in no step with any answer, say that it was all, and read what comes of it to the end."""
    send(client, data)
    try:
        client.connection.shutdown(socket.SHUT_WR)
    except OSError:
        return
    answered = 0
    while line := read_line(client):
        answered += len(line)
        assert answered < MOST_ANSWERED

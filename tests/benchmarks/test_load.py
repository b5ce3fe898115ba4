"""The load generator against its own sink, and against servers that cheat."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.bulk import bulk
from benchmarks.relay.generator.entry import Entry, Step
from benchmarks.relay.generator.opening import LoadError, Opener, close_all
from benchmarks.relay.generator.trips import many_conversations, one_conversation
from benchmarks.relay.generator.window import Watched

NOBODY = Watched()
TOTAL = 3_000_001  # no whole number of chunks


@pytest.fixture(scope="module")
def entry() -> Iterator[Entry]:
    """A sink in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.relay.generator.sink", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        (port,) = json.loads(process.stdout.readline())
        yield Entry("127.0.0.1", port)
        process.stdin.close()


@pytest.mark.parametrize("direction", [protocol.DOWN, protocol.DOWN_AND_KEEP, protocol.UP])
@pytest.mark.parametrize("streams", [1, 7])
def test_bulk_carries_every_byte(entry: Entry, direction: bytes, streams: int) -> None:
    figures = bulk(entry, direction, streams, TOTAL, NOBODY)

    assert figures["bytes"] == TOTAL // streams * streams
    assert figures["seconds"] > 0


def test_connections_that_are_kept_are_open_to_the_end_of_the_way(entry: Entry) -> None:
    connections = Opener(entry, protocol.ECHO).keep(10)
    try:
        for connection in connections:
            connection.sendall(b"mail")
            assert connection.recv(4) == b"mail"
    finally:
        close_all(connections)


def test_churn_counts_what_it_has_closed(entry: Entry) -> None:
    assert Opener(entry, protocol.ECHO).churn(4, 0.02) >= 4


def test_one_conversation_reports_its_trips(entry: Entry) -> None:
    figures = one_conversation(entry, 0.02, lambda: False, NOBODY)

    assert figures["trips"] > 0
    assert 0 < figures["p50_us"] <= figures["p99_us"]


def test_many_conversations_are_counted_together(entry: Entry) -> None:
    assert many_conversations(entry, 3, 0.02, NOBODY)["trips"] >= 3


def serve_once(answer: Callable[[socket.socket], None]) -> tuple[Entry, threading.Thread]:
    """Run a server for one connection; it proves the way, takes one command, and then does as it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.sendall(connection.recv(1))
            connection.recv(protocol.TRANSFER_BYTES)
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    return Entry("127.0.0.1", listener.getsockname()[1]), thread


def lost_up(connection: socket.socket) -> None:
    connection.sendall(protocol.GO)
    connection.recv(100, socket.MSG_WAITALL)
    connection.sendall(protocol.COUNT.pack(99))


@pytest.mark.parametrize(
    ("direction", "answer", "said"),
    [
        (protocol.DOWN, lambda connection: connection.sendall(bytes(99)), "1 bytes early"),
        (protocol.DOWN, lambda connection: connection.sendall(bytes(101)), "more than was sent"),
        (protocol.UP, lost_up, "99 of 100 bytes arrived"),
    ],
    ids=["a byte is missing", "a byte is doubled", "a byte is lost on the way up"],
)
def test_a_wrong_count_is_no_figure(direction: bytes, answer: Callable[[socket.socket], None], said: str) -> None:
    entry, thread = serve_once(answer)

    with pytest.raises(LoadError, match=said):
        bulk(entry, direction, 1, 100, NOBODY)

    thread.join()


def test_a_refused_negotiation_is_no_open_connection(entry: Entry) -> None:
    step = Step(b"E?", 2, b"\x05\x80")

    with pytest.raises(LoadError, match="step 1 of opening was answered by 45 3f"):
        Opener(Entry(entry.host, entry.port, (step,)), protocol.ECHO).keep(1)

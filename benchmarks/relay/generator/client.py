"""The client process: reads one order a line as JSON, does it, answers in one line. Ends with its standard input.

SIGUSR1 ends a conversation, so that it can last as long as the bulk beside it.
"""

from __future__ import annotations

import gc
import json
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.bulk import bulk
from benchmarks.relay.generator.entry import Entry
from benchmarks.relay.generator.opening import LoadError, Opener, close_all
from benchmarks.relay.generator.trips import many_conversations, one_conversation
from benchmarks.relay.generator.window import Watched, Window

STALLED_RECEIVE_BUFFER_BYTES = 64 * 1024
STALLED_BYTES = 1 << 40
STALLED_PAUSE_S = 0.3
"""How long a reader is left alone until all buffers on its way are full."""

DIRECTIONS = {"down": protocol.DOWN, "down, kept open": protocol.DOWN_AND_KEEP, "up": protocol.UP}

Order: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, float]


class Client:
    """Do orders; connections that are held stay open until ``release``."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._is_told_to_stop = False
        self._orders: dict[str, Callable[[Entry, Order, Watched], Answer]] = {
            "bulk": self._bulk,
            "converse": self._converse,
            "converse in many": self._converse_in_many,
            "open": self._open,
            "hold": self._hold,
            "stall": self._stall,
            "release": self._release,
        }

    def stop(self, *_: object) -> None:
        """End the conversation that is going on."""
        self._is_told_to_stop = True

    def obey(self, order: Order) -> Answer:
        """Do one order."""
        self._is_told_to_stop = False
        watched = Watched(order["proxies"], order["sinks"])
        return self._orders[order["do"]](Entry.from_json(order["entry"]), order, watched)

    def _bulk(self, entry: Entry, order: Order, watched: Watched) -> Answer:
        return bulk(entry, DIRECTIONS[order["direction"]], order["streams"], order["bytes"], watched)

    def _converse(self, entry: Entry, order: Order, watched: Watched) -> Answer:
        return one_conversation(entry, order["seconds"], lambda: self._is_told_to_stop, watched)

    def _converse_in_many(self, entry: Entry, order: Order, watched: Watched) -> Answer:
        return many_conversations(entry, order["streams"], order["seconds"], watched)

    def _open(self, entry: Entry, order: Order, watched: Watched) -> Answer:
        window = Window(watched)
        opened = Opener(entry, protocol.ECHO).churn(order["clients"], order["seconds"])
        return window.close() | {"opens": opened}

    def _hold(self, entry: Entry, order: Order, watched: Watched) -> Answer:
        window = Window(watched)
        self._held += Opener(entry, protocol.ECHO).keep(order["streams"])
        return window.close()

    def _stall(self, entry: Entry, _: Order, watched: Watched) -> Answer:
        window = Window(watched)
        opener = Opener(entry, protocol.WAIT, receive_buffer=STALLED_RECEIVE_BUFFER_BYTES)
        (connection,) = opener.keep(1)
        self._held.append(connection)
        connection.send(protocol.transfer(protocol.DOWN, STALLED_BYTES))
        time.sleep(STALLED_PAUSE_S)
        return window.close()

    def _release(self, _: Entry, order: Order, watched: Watched) -> Answer:
        del order
        window = Window(watched)
        close_all(self._held)
        self._held.clear()
        return window.close()


def main() -> None:
    """Do orders until there are no more."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    client = Client()
    signal.signal(signal.SIGUSR1, client.stop)
    gc.disable()
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = client.obey(json.loads(line))
        except (LoadError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()

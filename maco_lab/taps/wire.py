"""One tapped connection: what comes from one end goes to the other at once, and a copy of it is kept.

Ends are passed on as they came, FIN as FIN and reset as reset, each behind the bytes before it. There is no deadline:
how long a connection stands still, or half open, is for its two ends to decide.

``connector_sim.relay`` does more, and in more calls; here each call counts, since every segment of a poll passes three
taps, and they shall not be felt (``benchmarks.taps``). So a lane receives from the socket itself and sends to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from maco_net.tcp import TcpStream

Copy: TypeAlias = Callable[[bytes], None]
Heard: TypeAlias = Callable[[Literal["end", "reset"]], None]

RECEIVE_BYTES = 64 * 1024
"""How much is received at a time."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TappedEnd:
    """One end of the connection: ``copy`` is given what it sends, ``heard`` how it ends."""

    stream: TcpStream
    copy: Copy
    heard: Heard


class Wire:
    """A connection that passes a tap; ``over`` is called once, when both of its sockets are closed."""

    __slots__ = ("_is_over", "_lanes", "_over")

    def __init__(self, client: TappedEnd, server: TappedEnd, over: Callable[[Wire], None]) -> None:
        """Begin at once."""
        self._is_over = False
        self._over = over
        self._lanes = (_Lane(self, client, server), _Lane(self, server, client))
        for lane in self._lanes:
            lane.watch()

    def cut(self) -> None:
        """Reset both ends."""
        self._finish(in_order=False)

    def lane_ended(self) -> None:
        """Close both ends once both lanes have ended; a reset that one of them has met is told to the other end."""
        if all(lane.is_over for lane in self._lanes):
            self._finish(in_order=not any(lane.sink_is_gone for lane in self._lanes))

    def is_gone(self, end: TappedEnd) -> bool:
        """Tell whether sending to ``end`` has met a reset: the kernel tells it once, and then says "end"."""
        return any(lane.sink_is_gone and lane.sink is end for lane in self._lanes)

    def _finish(self, *, in_order: bool) -> None:
        if self._is_over:
            return
        self._is_over = True
        for lane in self._lanes:
            lane.close(in_order=in_order)
        self._over(self)


class _Lane:
    """One direction: from ``source`` to ``sink``."""

    __slots__ = ("_copy", "_receive", "_send", "_source", "_unsent", "_wire", "is_over", "sink", "sink_is_gone")

    def __init__(self, wire: Wire, source: TappedEnd, sink: TappedEnd) -> None:
        self._wire = wire
        self._source = source
        self._receive = source.stream.sock.recv
        self._copy = source.copy
        self._send = sink.stream.sock.send
        self._unsent = b""
        self.sink = sink
        self.sink_is_gone = False
        self.is_over = False

    def watch(self) -> None:
        """Wait for bytes of the source."""
        self._source.stream.readiness.on_readable(self._readable)

    def close(self, *, in_order: bool) -> None:
        """Close the source; what waits for the sink is lost."""
        self.is_over = True
        self._unsent = b""
        if in_order:
            self._source.stream.close_now()
        else:
            self._source.stream.abort()

    def _readable(self) -> None:
        try:
            try:
                data = self._receive(RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._reset()
                return
            if not data:
                self._end()
                return
            self._copy(data)
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._sink_reset()
                return
            if sent < len(data):
                self._unsent = data[sent:]
                self._source.stream.readiness.on_readable(None)
                self.sink.stream.readiness.on_writable(self._writable)
        except Exception:  # noqa: BLE001 - the last resort of one connection, which may lack bytes now
            _log.exception("a tapped connection failed through a defect of this program")
            self._wire.cut()

    def _writable(self) -> None:
        try:
            sent = self._send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self._sink_reset()
            return
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self.sink.stream.readiness.on_writable(None)
            self.watch()

    def _sink_reset(self) -> None:
        """Take no more: what the sink itself still says passes."""
        self.sink.heard("reset")
        self.sink.stream.readiness.on_writable(None)
        self._unsent = b""
        self.sink_is_gone = True
        self._ended()

    def _end(self) -> None:
        if self._wire.is_gone(self._source):
            self._reset()
            return
        self._source.heard("end")
        self.sink.stream.end_sending()
        self._ended()

    def _reset(self) -> None:
        self._source.heard("reset")
        self._wire.cut()

    def _ended(self) -> None:
        self.is_over = True
        self._source.stream.readiness.on_readable(None)
        self._wire.lane_ended()

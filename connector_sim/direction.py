"""One direction of a relayed connection: what comes from one side goes to the other, seen on its way by the watcher.

It stands between two sides as the ``Outlet`` of its source and the ``Inlet`` of its sink (see ``maco_net.side``). Its
one rule: an end of any kind is passed on behind the bytes that came before it.
"""

from __future__ import annotations

from typing import Protocol

from connector_sim.passage import Passage
from maco_net.errors import NetError
from maco_net.side import Side


class Ends(Protocol):
    """What a direction tells the relay."""

    is_ending: bool
    """Whether a direction has ended, or is about to, so that standing still has a limit."""

    def passes_as_end(self, error: NetError) -> bool:
        """Tell whether this failure of a source is passed on as if it were an orderly end."""

    def moved(self) -> None:
        """Take the news that bytes move while ``is_ending``."""

    def source_ends(self) -> None:
        """Take the news that a source has failed, while bytes before that still wait: they have a deadline now."""

    def direction_ended(self, direction: Direction) -> None:
        """Take the news that all bytes of a direction, and its orderly end, were passed on."""

    def source_failed(self, error: NetError) -> None:
        """Take the news that a source ended in another way, and that all bytes before it were passed on."""

    def sink_failed(self, error: NetError) -> None:
        """Take the news that a sink takes no more."""


class Direction:
    """The way from ``source`` to ``sink``; ``count`` is its bytes so far."""

    __slots__ = ("_early", "_ended", "_ends", "_failure", "_passage", "_room", "_sink", "_source", "count", "is_over")

    def __init__(self, source: Side, sink: Side, passage: Passage, ends: Ends) -> None:
        self._source = source
        self._sink = sink
        self._passage: Passage | None = passage if passage.is_looking else None
        self._ends = ends
        self._room: memoryview | None = None
        self._early = 0
        self._ended = False
        self._failure: NetError | None = None
        self.count = 0
        self.is_over = False
        """Whether nothing passes here any more."""

    def push_early(self, data: bytes) -> None:
        """Take bytes that were received before the relay began; the source has been told of them then."""
        if self._passage is not None:
            self._see(self._passage, data)
        self.count += len(data)
        self._early = len(data) - self._sink.write(memoryview(data))

    # As the outlet of the source

    def room(self) -> memoryview | None:
        """See Outlet."""
        room = self._room = self._sink.room()
        return room

    def received(self, count: int) -> None:
        """See Outlet."""
        if self._passage is not None and self._room is not None:
            self._see(self._passage, self._room[:count])
        self.count += count
        self._sink.commit(count)
        if self._ends.is_ending:
            self._ends.moved()

    def push(self, data: memoryview) -> None:
        """See Outlet."""
        if self.is_over:
            return
        if self._passage is not None:
            self._see(self._passage, data)
        size = len(data)
        self.count += size
        sent = self._sink.write(data)
        if sent and not self.is_over:
            self._source.consumed(sent, size - sent)
        if self._ends.is_ending:
            self._ends.moved()

    def ended(self) -> None:
        """See Outlet."""
        self._ended = True
        if not self._sink.waiting:
            self.emptied()

    def failed(self, error: NetError) -> None:
        """See Outlet."""
        if self._ends.passes_as_end(error):
            self.ended()
            return
        self._failure = error
        if self._sink.waiting:
            self._ends.source_ends()
        else:
            self.emptied()

    def _see(self, passage: Passage, data: bytes | memoryview) -> None:
        passage.see(data)
        if not passage.is_looking:
            self._passage = None

    # As the inlet of the sink

    def has_room(self) -> None:
        """See Inlet."""
        self._source.resume()

    def taken(self, count: int) -> None:
        """See Inlet."""
        if self._early:
            count = self._behind_early(count)
        if not self.is_over:
            self._source.consumed(count, self._sink.waiting)
        if self._ends.is_ending:
            self._ends.moved()

    def _behind_early(self, count: int) -> int:
        early = min(self._early, count)
        self._early -= early
        return count - early

    def emptied(self) -> None:
        """See Inlet."""
        if self.is_over:
            return
        if self._failure is not None:
            self.is_over = True
            self._ends.source_failed(self._failure)
        elif self._ended:
            self.is_over = True
            self._sink.end()
            self._ends.direction_ended(self)

    def send_failed(self, error: NetError) -> None:
        """See Inlet."""
        if not self.is_over:
            self.is_over = True
            self._source.stop()
        self._ends.sink_failed(error)

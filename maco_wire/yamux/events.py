"""What a yamux session reports to its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from maco_wire.yamux.frames import GoAwayCode


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The peer opened a stream; answer with ``accept_stream()``, or with ``reset_stream()`` to reject it."""

    stream_id: int


class DataReceived(NamedTuple):
    """A piece of a stream's payload, as it arrived; call ``consume()`` once the application has taken it.

    ``data`` is a view of the bytes that were given to ``receive_data()``, and is as good as they are.
    """

    stream_id: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The peer will send no more on this stream (FIN); the other direction is still open."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The peer ended the stream at once, both ways (RST), or rejected it."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """The peer takes more bytes on this stream: offer the rest again."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """The peer answered the ping with this value."""

    value: int


@dataclass(frozen=True, slots=True)
class GoAwayReceived:
    """The peer opens no more streams and accepts none; those that run may finish if the code is NORMAL."""

    code: GoAwayCode


Event: TypeAlias = (
    StreamOpened | DataReceived | StreamEnded | StreamReset | WindowOpened | PingAnswered | GoAwayReceived
)

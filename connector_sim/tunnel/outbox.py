"""What is on its way into the tunnel's socket: one buffer, filled in place and written in large pieces.

Rules, each measured (docs/performance.md):

- Payload is received straight behind the place of its frame's header, and written from there: it is never copied.
- Small frames of one turn of the event loop are written together at its end, as one TLS record: each write wakes the
  other end. A lone conversation does not wait for that: where the turn before had one frame, it is written at once.
  Looking for the end of the turn costs a turn, so after some of those only now and then is looked.
- A bulk frame is written at once, and is so long that it fills whole TLS records.
- What was offered to the socket and not taken is offered again, unchanged and in the same order: OpenSSL demands that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from maco_net.errors import NetError, PeerReset
from maco_net.socket_side import Channel
from maco_net.tls import MAX_RECORD_PAYLOAD
from maco_wire.yamux import HEADER_SIZE

BATCH_BYTES = 1024 * 1024
"""How much is written in one go, and how much may wait: beyond, streams have to wait as well."""
CONTROL_BYTES = 16 * 1024
"""Room behind that for frames without payload; more of them wait in a buffer of their own."""
MAX_LATE_BYTES = 1024 * 1024
"""How many may wait there: beyond, the peer only asks (for streams, for signs of life) and never reads an answer."""
BULK_BYTES = 32 * 1024
"""With as much as this to write, nobody waits for the end of the turn."""
ALONE_AFTER = 8
"""A conversation is alone once so many writes in a row were the only ones of their turn."""
LOOK_AFTER = 16
"""How many writes of a lone conversation go by until the next look for others."""
TALK_ENDS_AFTER = 64
"""After so many bulk writes in a row, some 10 ms of them, nobody is taken to be talking any more."""
LEAST_ROOM_BYTES = 4 * 1024
"""Less room than this is none: a frame of a few bytes would cost as much as a large one."""
_FULL = BATCH_BYTES - LEAST_ROOM_BYTES - HEADER_SIZE


class Outbox:
    """The bytes that one tunnel connection has still to write. ``flush`` never blocks."""

    def __init__(
        self, channel: Channel, *, on_room: Callable[[], None], on_failure: Callable[[NetError], None]
    ) -> None:
        """``on_room`` is called when what had to wait has been written; ``on_failure`` when the peer takes no more."""
        self._channel = channel
        self._on_room = on_room
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self.buffer = bytearray(BATCH_BYTES + CONTROL_BYTES)
        """Where frames are built; ``place`` says at which position."""
        self.place = 0
        """Where the next frame begins."""
        self._view = memoryview(self.buffer)
        self._start = 0
        self._late = bytearray()
        self._turn: asyncio.Handle | None = None
        self._bulk_since_talk = TALK_ENDS_AFTER
        self._alone = 1
        self._wanted = 0
        self.is_blocked = False
        """Whether the socket takes nothing now."""
        self.is_over = False
        """Whether nothing more will be written."""

    @property
    def is_talked_through(self) -> bool:
        """Whether small frames have gone out lately, among the bulk."""
        return self._bulk_since_talk < TALK_ENDS_AFTER

    @property
    def waiting(self) -> int:
        """How many bytes have not been written yet."""
        return self.place - self._start + len(self._late)

    def room(self, limit: int) -> memoryview | None:
        """Return the place for the payload of one frame, at most ``limit`` bytes; None while the socket is behind."""
        if self._late or self.place > _FULL:
            self.flush()  # else nobody would tell of room: the socket is not behind, only this turn is
        if self.is_blocked:
            return None
        begin = self.place + HEADER_SIZE
        free = BATCH_BYTES - begin
        if limit > free:
            limit = free
        elif limit > MAX_RECORD_PAYLOAD:
            limit -= (begin + limit) % MAX_RECORD_PAYLOAD
        return self._view[begin : begin + limit]

    def commit(self, count: int) -> None:
        """Take the frame whose header and ``count`` payload bytes are in the buffer now."""
        self.place += HEADER_SIZE + count
        if self.place - self._start >= BULK_BYTES:
            self._bulk_since_talk += 1
            self.flush()
        else:
            self._bulk_since_talk = 0
            self.flush_soon()

    def put(self, frames: bytes) -> None:
        """Take frames without payload. They are written by the next flush."""
        size = len(frames)
        if self._late or self.place + size > len(self.buffer):
            self._put_late(frames)
            return
        self.buffer[self.place : self.place + size] = frames
        self.place += size

    def _put_late(self, frames: bytes) -> None:
        if self.is_over:
            return
        self._late += frames
        if self.place == 0:
            self.place = self._take_late()
        self.flush()
        if len(self._late) > MAX_LATE_BYTES:
            self.close()
            self._on_failure(PeerReset("the peer asks without end and reads no answer"))

    def flush_soon(self) -> None:
        """Write at the end of this turn of the loop, or at once if the turn before had one frame only."""
        self._wanted += 1
        if self._turn is not None or self.is_blocked:
            return
        if self._alone >= ALONE_AFTER and self._alone % LOOK_AFTER:
            self._wanted = 0
            self._alone += 1
            self.flush()
            return
        self._turn = self._loop.call_soon(self._end_turn)
        if self._alone:
            self.flush()

    def _end_turn(self) -> None:
        self._turn = None
        self._alone = self._alone + 1 if self._wanted == 1 else 0
        self._wanted = 0
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes; the rest goes as soon as it takes more."""
        size = self.place - self._start
        if size == 0 or self.is_blocked:
            return
        try:
            if size > MAX_RECORD_PAYLOAD:
                self._channel.cork(True)
                self._write()
                self._channel.cork(False)
            else:
                self._write()
        except NetError as error:
            self.close()
            self._on_failure(error)

    def _write(self) -> None:
        while self._start < self.place:
            count = self._channel.send_some(self._view[self._start : self.place])
            if count == 0:
                self._block()
                return
            self._start += count
            if self._start == self.place:
                self._start = 0
                self.place = self._take_late() if self._late else 0

    def _take_late(self) -> int:
        """Move late frames to the front of the empty buffer; return how many bytes that are."""
        late = self._late[:CONTROL_BYTES]
        del self._late[:CONTROL_BYTES]
        self.buffer[: len(late)] = late
        return len(late)

    def _block(self) -> None:
        self.is_blocked = True
        self._channel.readiness.on_writable(None if self._channel.sends_when_readable else self.unblock)

    def unblock(self) -> None:
        """Offer again what the socket did not take; called when it is ready."""
        if self.is_over:
            return
        self.is_blocked = False
        self.flush()
        if not (self.is_blocked or self.is_over):
            self._channel.readiness.on_writable(None)
            self._on_room()

    def close(self) -> None:
        """Write nothing more."""
        self.is_over = True
        self.is_blocked = True
        self._late.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._channel.readiness.on_writable(None)

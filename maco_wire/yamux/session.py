"""A yamux session: frames in, events out; calls in, frames out (HashiCorp's spec.md, unchanged).

What spec.md leaves open is decided here:

- IDs of one side ascend. So a closed stream needs no memory: an ID up to the highest one seen was used, and frames for
  it are dropped (the peer sent them before it read our RST); beyond it only SYN makes sense.
- A stream beyond the backlog or the limit is reset and does not end the session.
- Any other breach does: a go-away with code 1 is left in ``data_to_send()`` for the owner to write before it closes.
- The opener's peer must acknowledge before it sends data: "The receiver must then reply with … the ACK flag".

The owner drains ``data_to_send()`` after every call and reads no more while its writes are blocked.
"""

from __future__ import annotations

from typing import Literal

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.yamux.events import (
    DataReceived,
    Event,
    GoAwayReceived,
    PingAnswered,
    StreamEnded,
    StreamOpened,
    StreamReset,
    WindowOpened,
)
from maco_wire.yamux.frames import (
    ACK,
    FIN,
    HEADER_SIZE,
    INITIAL_WINDOW,
    MAX_FRAME,
    MAX_NUMBER,
    PLAIN_DATA,
    PROTOCOL,
    RST,
    SYN,
    FrameReader,
    FrameType,
    GoAwayCode,
    Header,
    decode_header,
    encode_header,
    pack_plain_header,
    unpack_plain_header,
)
from maco_wire.yamux.streams import Stream

MAX_UNSENT_REPLIES = 1024 * 1024  # bytes; ours: answers to a peer that asks and asks while its answers stay unsent

_MAX_PAYLOAD = MAX_FRAME - HEADER_SIZE
_IMPOSSIBLE_WITH_SYN = ACK | RST


class YamuxSession:
    """One end of a session.

    ``max_streams`` counts all concurrent streams, ``accept_backlog`` those of the peer that wait for
    ``accept_stream()``. A stream whose peer uses its window up while our reader keeps pace gets a larger one, up to
    ``max_window`` (bytes, 256 KiB or more), as long as all streams together have grown by less than
    ``growth_budget`` (bytes); a reader that falls behind loses what its stream had grown by.

    Calls for a stream that has ended meanwhile do nothing, because its ``StreamReset`` may still wait in the owner's
    list of events. Calls for a stream that never was, or out of turn, raise LocalProtocolError.
    """

    def __init__(
        self,
        role: Literal["client", "server"],
        *,
        max_streams: int = 4096,
        accept_backlog: int = 256,
        max_window: int = INITIAL_WINDOW,
        growth_budget: int = 0,
    ) -> None:
        if not INITIAL_WINDOW <= max_window <= MAX_NUMBER:
            raise LocalProtocolError(f"a window has {INITIAL_WINDOW} to {MAX_NUMBER} bytes, not {max_window}")
        # spec.md, "StreamID Field": "The client side should use odd ID's, and the server even."
        self._role = role
        self._next_id = 1 if role == "client" else 2
        self._highest_peer_id = 0
        self._max_streams = max_streams
        self._accept_backlog = accept_backlog
        self._max_window = max_window
        self._growth_left = growth_budget
        self._streams: dict[int, Stream] = {}
        self._unaccepted = 0
        self._pings: set[int] = set()
        self._frames = FrameReader()
        self._data_header = Header(FrameType.DATA, 0, 0, 0)
        self.has_data_to_send = False
        """Whether ``data_to_send()`` would yield anything."""
        self._outgoing = bytearray()
        self._unsent_replies = 0
        self._went_away = False
        self._peer_went_away = False
        self._failed = False

    def __repr__(self) -> str:
        return f"<YamuxSession {self._role}, {len(self._streams)} streams>"

    @property
    def open_streams(self) -> int:
        """How many streams are open in at least one direction."""
        return len(self._streams)

    @property
    def can_open_stream(self) -> bool:
        """Whether ``open_stream()`` would succeed now."""
        closing = self._failed or self._went_away or self._peer_went_away
        return not closing and len(self._streams) < self._max_streams and self._next_id <= MAX_NUMBER

    def data_to_send(self) -> bytes:
        """Drain the bytes to write."""
        data = bytes(self._outgoing)
        self._outgoing = bytearray()
        self.has_data_to_send = False
        self._unsent_replies = 0
        return data

    # What the owner does

    def open_stream(self) -> int:
        """Open a stream and return its ID; data may follow at once, before the peer has accepted.

        Raises:
            LocalProtocolError: ``can_open_stream`` is false.
        """
        if not self.can_open_stream:
            raise LocalProtocolError("no stream can be opened: the session ends, or the limit is reached")
        stream = Stream(self._next_id, opened_by_peer=False)
        self._next_id += 2
        self._streams[stream.stream_id] = stream
        self._write(FrameType.WINDOW_UPDATE, SYN, stream.stream_id, 0)
        return stream.stream_id

    def accept_stream(self, stream_id: int) -> None:
        """Acknowledge a stream of the peer; required before anything is sent on it."""
        stream = self._stream(stream_id)
        if stream is None:
            return
        if stream.acknowledged or not stream.opened_by_peer:
            raise LocalProtocolError(f"stream {stream_id} does not wait to be accepted")
        stream.acknowledged = True
        self._unaccepted -= 1
        self._write(FrameType.WINDOW_UPDATE, ACK, stream_id, 0)

    def stream(self, stream_id: int) -> Stream | None:
        """Return the state of a stream while it is open in at least one direction."""
        return self._streams.get(stream_id)

    def send_window(self, stream_id: int) -> int:
        """Return how many bytes the peer takes on this stream now."""
        stream = self._stream(stream_id)
        return 0 if stream is None else stream.send_window

    def send_data(self, stream_id: int, data: bytes | bytearray | memoryview) -> int:
        """Queue as much of ``data`` as the peer's window allows; return how many bytes were taken.

        Offer the rest after ``WindowOpened``. Nothing is taken once the stream was reset.
        """
        stream = self._stream(stream_id)
        if stream is None:
            return 0
        stream.check_writable()
        taken = min(len(data), stream.send_window)
        stream.send_window -= taken
        view = memoryview(data)
        for start in range(0, taken, _MAX_PAYLOAD):
            payload = view[start : min(start + _MAX_PAYLOAD, taken)]
            self._write(FrameType.DATA, 0, stream_id, len(payload))
            self._outgoing += payload
        return taken

    def place_data(self, stream: Stream, buffer: bytearray, at: int, length: int) -> None:
        """Write a data frame's header at ``at`` in ``buffer``; its payload stands behind it, put there by the owner.

        ``stream`` is of this session, ``length`` 1 to its ``send_window``. What ``data_to_send()`` holds comes before
        this frame: drain it first.

        Raises:
            LocalProtocolError: the stream is over, or ``length`` is beyond its window.
        """
        if not 0 < length <= stream.send_window or stream.ended_by_us:
            raise LocalProtocolError(f"stream {stream.stream_id} takes no {length} bytes now")
        stream.send_window -= length
        pack_plain_header(buffer, at, PLAIN_DATA, stream.stream_id, length)

    def end_stream(self, stream_id: int) -> None:
        """Send no more on this stream (FIN); the peer may go on."""
        stream = self._stream(stream_id)
        if stream is None:
            return
        stream.check_writable()
        stream.ended_by_us = True
        self._write(FrameType.WINDOW_UPDATE, FIN, stream_id, 0)
        self._forget_if_over(stream)

    def reset_stream(self, stream_id: int) -> None:
        """End a stream at once, both ways (RST); also the way to reject one."""
        stream = self._stream(stream_id)
        if stream is None:
            return
        self._forget(stream)
        self._write(FrameType.WINDOW_UPDATE, RST, stream_id, 0)

    def consume(self, stream_id: int, count: int, *, waiting: int = 0) -> None:
        """Tell that the application has taken ``count`` received bytes: the peer may send as many more.

        ``waiting`` bytes of those received have to wait for the application: then the window does not grow, and with
        more than the initial one it shrinks.
        """
        stream = self._streams.get(stream_id) or self._stream(stream_id)
        if stream is None:
            return
        delta = stream.consume(count)
        if not delta:
            return
        if waiting > INITIAL_WINDOW:
            withheld = stream.withhold(delta)
            delta -= withheld
            self._growth_left += withheld
        elif not waiting and stream.was_nearly_used_up(delta):
            delta += self._grow(stream)
        if delta:
            self._write(FrameType.WINDOW_UPDATE, 0, stream_id, delta)

    def _grow(self, stream: Stream) -> int:
        """Double the stream's receive window within the limits; return by how much it has grown."""
        window = INITIAL_WINDOW + stream.grown
        delta = min(window, self._max_window - window, self._growth_left)
        if delta <= 0:
            return 0
        self._growth_left -= delta
        stream.grow_receive_window(delta)
        return delta

    def ping(self, value: int) -> None:
        """Ask the peer for a sign of life; it comes back as ``PingAnswered`` with the same value (32 bits)."""
        if self._failed or not 0 <= value <= MAX_NUMBER:
            raise LocalProtocolError(f"a ping needs a running session and a value of 32 bits, not {value}")
        self._pings.add(value)
        self._write(FrameType.PING, SYN, 0, value)

    def go_away(self, code: int = GoAwayCode.NORMAL) -> None:
        """Announce the end: no new stream either way, the running ones may finish."""
        if not 0 <= code <= GoAwayCode.INTERNAL_ERROR:
            raise LocalProtocolError(f"a go-away code is 0 to 2, not {code}")
        self._went_away = True
        self._write(FrameType.GO_AWAY, 0, 0, code)

    # What the peer does

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Take bytes from the peer and return the events they complete; payload in them are views of ``data``.

        Raises:
            RemoteProtocolError: write what ``data_to_send()`` still holds, then close.
            LocalProtocolError: the session has failed before.
        """
        if self._failed:
            raise LocalProtocolError("the yamux session has failed")
        events: list[Event] = []
        view = data if isinstance(data, memoryview) else memoryview(data)
        try:
            if not (self._frames.payload_remaining or self._frames.partial_header):
                view = view[self._receive_whole_frames(view, events) :]
            for part in self._frames.receive_data(view) if view else ():
                if isinstance(part, Header):
                    self._receive_header(part, events)
                else:
                    self._receive_payload(part, events)
        except RemoteProtocolError:
            self._fail()
            raise
        return events

    def receive_eof(self) -> list[Event]:
        """Take the end of the connection; it is in order only between frames and with no stream open.

        Raises:
            RemoteProtocolError: a frame was cut, or streams were.
        """
        if self._failed:
            return []
        if self._frames.inside_a_frame or self._streams:
            open_streams = len(self._streams)
            self._fail()
            raise RemoteProtocolError(PROTOCOL, "the end of every stream", f"end of data, {open_streams} open")
        return []

    def _receive_whole_frames(self, data: memoryview, events: list[Event]) -> int:
        """Take the frames that are there as a whole; return where they end.

        Nearly all are data frames without flags. Data that is cut, has flags, or is not in order, is left to the
        careful way.
        """
        position, end = 0, len(data)
        while end - position >= HEADER_SIZE:
            kind, stream_id, length = unpack_plain_header(data, position)
            start = position + HEADER_SIZE
            if kind == PLAIN_DATA:
                stream = self._streams.get(stream_id)
                if stream is None or not stream.takes(length) or end - start < length:
                    break
                position = start + length
                stream.receive_window -= length
                events.append(DataReceived(stream_id, data[start:position]))
            else:
                header = decode_header(data, position)
                if header.frame_type is FrameType.DATA:
                    break
                position = start
                self._receive_header(header, events)
        return position

    def _receive_header(self, header: Header, events: list[Event]) -> None:
        match header.frame_type:
            case FrameType.DATA:
                self._receive_data_header(header, events)
            case FrameType.WINDOW_UPDATE:
                self._receive_window_update(header, events)
            case FrameType.PING:
                self._receive_ping(header, events)
            case FrameType.GO_AWAY:
                self._receive_go_away(header, events)

    def _receive_data_header(self, header: Header, events: list[Event]) -> None:
        stream = self._addressed_stream(header, events)
        if stream is not None:
            stream.receive_payload(header.length)
        self._data_header = header
        if header.length == 0:
            self._receive_end(header, events)

    def _receive_payload(self, payload: memoryview, events: list[Event]) -> None:
        header = self._data_header
        # Looked up for every piece: this side may have reset the stream in the middle of the frame.
        if header.stream_id in self._streams:
            events.append(DataReceived(header.stream_id, payload))
        if self._frames.payload_remaining == 0:
            self._receive_end(header, events)

    def _receive_window_update(self, header: Header, events: list[Event]) -> None:
        stream = self._addressed_stream(header, events)
        if stream is None:
            return
        stream.widen_send_window(header.length)
        if header.length and not stream.ended_by_us:
            events.append(WindowOpened(header.stream_id))
        self._receive_end(header, events)

    def _receive_end(self, header: Header, events: list[Event]) -> None:
        """Apply FIN or RST, once the frame's payload has passed."""
        stream = self._streams.get(header.stream_id)
        if stream is None:
            return
        if header.flags & RST:
            self._forget(stream)
            events.append(StreamReset(header.stream_id))
        elif header.flags & FIN:
            stream.end_by_peer()
            events.append(StreamEnded(header.stream_id))
            self._forget_if_over(stream)

    def _receive_ping(self, header: Header, events: list[Event]) -> None:
        # spec.md says of Ping and Go Away that they "should always use the 0 StreamID".
        if header.stream_id != 0 or header.flags not in {SYN, ACK}:
            raise RemoteProtocolError(PROTOCOL, "a ping on stream 0 with SYN or ACK", f"{header}")
        if header.flags == SYN:
            self._reply(FrameType.PING, ACK, 0, header.length)
        elif header.length in self._pings:
            self._pings.remove(header.length)
            events.append(PingAnswered(header.length))

    def _receive_go_away(self, header: Header, events: list[Event]) -> None:
        if header.stream_id != 0 or header.flags:
            raise RemoteProtocolError(PROTOCOL, "a go-away on stream 0 without flags", f"{header}")
        if header.length > GoAwayCode.INTERNAL_ERROR:
            raise RemoteProtocolError(PROTOCOL, "a go-away code from 0 to 2", str(header.length))
        self._peer_went_away = True
        events.append(GoAwayReceived(GoAwayCode(header.length)))

    def _addressed_stream(self, header: Header, events: list[Event]) -> Stream | None:
        """Return the stream a frame is for, opened by it if need be; None if the frame is to be dropped."""
        if header.stream_id == 0:
            raise RemoteProtocolError(PROTOCOL, "a stream", "stream 0, which is the session")
        if header.flags & SYN:
            return self._receive_syn(header, events)
        stream = self._streams.get(header.stream_id)
        if stream is not None:
            _check_acknowledgement(stream, header)
        elif not self._was_used(header.stream_id):
            raise RemoteProtocolError(PROTOCOL, "a stream that was opened", f"stream {header.stream_id}")
        return stream

    def _receive_syn(self, header: Header, events: list[Event]) -> Stream | None:
        stream_id = header.stream_id
        if header.flags & _IMPOSSIBLE_WITH_SYN:
            raise RemoteProtocolError(PROTOCOL, "SYN without ACK and RST", f"flags {header.flags:04x}")
        if self._is_ours(stream_id):
            raise RemoteProtocolError(PROTOCOL, f"an ID that a {self._role}'s peer may use", f"{stream_id}")
        if stream_id <= self._highest_peer_id:
            raise RemoteProtocolError(PROTOCOL, f"an ID above {self._highest_peer_id}", f"{stream_id} again")
        self._highest_peer_id = stream_id
        full = self._unaccepted >= self._accept_backlog or len(self._streams) >= self._max_streams
        if full or self._went_away:
            self._reply(FrameType.WINDOW_UPDATE, RST, stream_id, 0)
            return None
        stream = self._streams[stream_id] = Stream(stream_id, opened_by_peer=True)
        self._unaccepted += 1
        events.append(StreamOpened(stream_id))
        return stream

    # Bookkeeping

    def _stream(self, stream_id: int) -> Stream | None:
        stream = self._streams.get(stream_id)
        if stream is None and not self._was_used(stream_id):
            raise LocalProtocolError(f"there was no stream {stream_id}")
        return stream

    def _is_ours(self, stream_id: int) -> bool:
        return stream_id % 2 == self._next_id % 2

    def _was_used(self, stream_id: int) -> bool:
        return 0 < stream_id < self._next_id if self._is_ours(stream_id) else 0 < stream_id <= self._highest_peer_id

    def _forget_if_over(self, stream: Stream) -> None:
        if stream.ended_by_us and stream.ended_by_peer:
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        del self._streams[stream.stream_id]
        stream.send_window = 0
        self._growth_left += stream.grown
        if stream.opened_by_peer and not stream.acknowledged:
            self._unaccepted -= 1

    def _fail(self) -> None:
        self._failed = True
        for stream in self._streams.values():
            stream.send_window = 0
        self._streams.clear()
        self._unaccepted = 0
        self._write(FrameType.GO_AWAY, 0, 0, GoAwayCode.PROTOCOL_ERROR)

    def _write(self, frame_type: FrameType, flags: int, stream_id: int, length: int) -> None:
        self._outgoing += encode_header(frame_type, flags, stream_id, length)
        self.has_data_to_send = True

    def _reply(self, frame_type: FrameType, flags: int, stream_id: int, length: int) -> None:
        self._unsent_replies += HEADER_SIZE
        if self._unsent_replies > MAX_UNSENT_REPLIES:
            raise RemoteProtocolError(PROTOCOL, f"fewer requests than {MAX_UNSENT_REPLIES} bytes of replies", "more")
        self._write(frame_type, flags, stream_id, length)


def _check_acknowledgement(stream: Stream, header: Header) -> None:
    """Note the first ACK of a stream of ours; later ones say nothing new."""
    if not header.flags & ACK:
        if not stream.opened_by_peer and not stream.acknowledged and not header.flags & RST:
            raise RemoteProtocolError(PROTOCOL, f"ACK or RST for stream {stream.stream_id}", "neither")
    elif stream.opened_by_peer:
        raise RemoteProtocolError(PROTOCOL, f"no ACK for stream {stream.stream_id}", "ACK from its opener")
    else:
        stream.acknowledged = True

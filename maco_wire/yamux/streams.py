"""One stream's state: its two windows and how far each side has closed it.

Errors tell whose fault it is: what a frame may not do is the peer's, what a call may not do is the caller's.
"""

from __future__ import annotations

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.yamux.frames import INITIAL_WINDOW, MAX_NUMBER, PROTOCOL


class Stream:
    """A stream that is open in at least one direction; owners of a session may read its windows, not change them."""

    __slots__ = (
        "acknowledged",
        "consumed",
        "ended_by_peer",
        "ended_by_us",
        "granted",
        "opened_by_peer",
        "receive_window",
        "send_window",
        "stream_id",
    )

    def __init__(self, stream_id: int, *, opened_by_peer: bool) -> None:
        self.stream_id = stream_id
        self.opened_by_peer = opened_by_peer
        self.acknowledged = False
        self.ended_by_us = False
        self.ended_by_peer = False
        self.send_window = INITIAL_WINDOW
        self.receive_window = INITIAL_WINDOW
        self.granted = INITIAL_WINDOW
        """What ``receive_window`` is when the application has consumed everything."""
        self.consumed = 0
        """Taken by the application, not yet announced to the peer."""

    @property
    def grown(self) -> int:
        """How many bytes the receive window has beyond the initial 256 KiB."""
        return self.granted - INITIAL_WINDOW

    def grow_receive_window(self, delta: int) -> None:
        """Let the peer have ``delta`` bytes more on its way from now on; the caller announces them."""
        self.granted += delta
        self.receive_window += delta

    def takes(self, length: int) -> bool:
        """Tell whether the peer may send ``length`` bytes, 1 or more, in a data frame without flags."""
        return (
            0 < length <= self.receive_window and not self.ended_by_peer and (self.acknowledged or self.opened_by_peer)
        )

    def receive_payload(self, length: int) -> None:
        """Account for a data frame of the peer.

        Raises:
            RemoteProtocolError: it is larger than the window, or comes after the peer's FIN.
        """
        if length and self.ended_by_peer:
            raise RemoteProtocolError(PROTOCOL, f"nothing on stream {self.stream_id} after its FIN", "data")
        if length > self.receive_window:
            expected = f"at most {self.receive_window} bytes on stream {self.stream_id}"
            raise RemoteProtocolError(PROTOCOL, expected, f"{length} bytes")
        self.receive_window -= length

    def consume(self, count: int) -> int:
        """Note that the application has taken ``count`` bytes; return the window to give back, 0 for "not yet".

        The window is given back in halves or more: one update per frame would double the number of frames.

        Raises:
            LocalProtocolError: more than was received, or the stream was not accepted.
        """
        if not self.acknowledged:
            self.check_accepted()
        total = self.consumed + count
        if count < 0 or total > self.granted - self.receive_window:
            raise LocalProtocolError(f"stream {self.stream_id} has not received {count} unconsumed bytes")
        if 2 * total < self.granted or self.ended_by_peer:
            self.consumed = total
            return 0
        self.consumed = 0
        self.receive_window += total
        return total

    def was_nearly_used_up(self, delta: int) -> bool:
        """Tell whether the peer had less than a quarter of its window left before ``delta`` bytes were given back."""
        return 4 * (self.receive_window - delta) < self.granted

    def withhold(self, delta: int) -> int:
        """Take back, of ``delta`` bytes not announced yet, what the window has grown by; return how many that are."""
        withheld = min(delta, self.grown)
        self.granted -= withheld
        self.receive_window -= withheld
        return withheld

    def widen_send_window(self, delta: int) -> None:
        """Account for a window update of the peer.

        Raises:
            RemoteProtocolError: the window would exceed 32 bits.
        """
        if self.send_window + delta > MAX_NUMBER:
            raise RemoteProtocolError(PROTOCOL, f"a window below 4 GiB on stream {self.stream_id}", "more")
        self.send_window += delta

    def end_by_peer(self) -> None:
        """Account for the peer's FIN.

        Raises:
            RemoteProtocolError: it is the second one.
        """
        if self.ended_by_peer:
            raise RemoteProtocolError(PROTOCOL, f"one FIN on stream {self.stream_id}", "a second one")
        self.ended_by_peer = True

    def check_writable(self) -> None:
        """Raise LocalProtocolError if this side may not send: own FIN sent, or the peer's stream not yet accepted."""
        if self.ended_by_us:
            raise LocalProtocolError(f"stream {self.stream_id} was ended by this side")
        self.check_accepted()

    def check_accepted(self) -> None:
        """Raise LocalProtocolError if the peer opened this stream and it was not accepted."""
        if self.opened_by_peer and not self.acknowledged:
            raise LocalProtocolError(f"stream {self.stream_id} was not accepted")

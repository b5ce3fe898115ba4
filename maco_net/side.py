"""One side of a relayed connection, driven by callbacks: no task, no buffer and no coroutine while nothing happens.

Bytes go from one side (the source) through a direction to the other (the sink)::

    source ── room(), received(count) ──▶ direction ── room(), commit(count) ──▶ sink     a source that is read
    source ── push(bytes) ─────────────▶ direction ── write(bytes) ───────────▶ sink     a source that delivers
    source ◀─ resume(), consumed(count)─ direction ◀─ has_room(), taken(count) ─ sink

A source that is read asks where to put its bytes before it reads them: so they are received where the sink sends them
from, and are not copied. A sink without room answers None, and tells once it has some: so a slow sink holds back its
source, and nothing else.
"""

from __future__ import annotations

from typing import Protocol

from maco_net.errors import NetError
from maco_wire.observation import Address


class Outlet(Protocol):
    """What a side tells of the bytes that come from it."""

    def room(self) -> memoryview | None:
        """Return where to receive the next bytes; None: stop until ``resume``."""

    def received(self, count: int) -> None:
        """Take the ``count`` bytes that are in the room now."""

    def push(self, data: memoryview) -> None:
        """Take ``data``, all of it; the view is dead afterwards."""

    def ended(self) -> None:
        """Take the peer's orderly end; nothing comes behind it."""

    def failed(self, error: NetError) -> None:
        """Take the peer's end of any other kind; nothing comes behind it."""


class Inlet(Protocol):
    """What a side tells of the bytes that go to it."""

    def has_room(self) -> None:
        """Take the news that a side which had none has room again."""

    def taken(self, count: int) -> None:
        """Take the news that ``count`` bytes which had to wait have gone out."""

    def emptied(self) -> None:
        """Take the news that nothing waits any more."""

    def send_failed(self, error: NetError) -> None:
        """Take the news that the peer takes no more."""


class Side(Protocol):
    """One side of a relayed connection. All calls return at once."""

    @property
    def local_address(self) -> Address:
        """This end of the socket below."""

    @property
    def peer_address(self) -> Address:
        """The other end of the socket below."""

    @property
    def can_send_eof(self) -> bool:
        """Whether ``end`` ends this direction alone."""

    @property
    def waiting(self) -> int:
        """How many bytes that were written have not gone out yet."""

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        """Start to tell."""

    def resume(self) -> None:
        """Receive again, after the outlet had no room."""

    def consumed(self, count: int, waiting: int) -> None:
        """Take the news that ``count`` bytes which came from here have gone out at the other side.

        ``waiting`` more wait there.
        """

    def stop(self) -> None:
        """Receive no more: whatever still comes is of no use."""

    def room(self) -> memoryview | None:
        """Return a place for the next bytes to send; None: not now, ``has_room`` will tell."""

    def commit(self, count: int) -> None:
        """Send the first ``count`` bytes of the room."""

    def write(self, data: memoryview) -> int:
        """Send ``data``; return how many bytes have gone out. The rest is kept, and ``taken`` tells of it."""

    def end(self) -> None:
        """End this direction behind what was written; nothing where that cannot be done."""

    def close(self) -> None:
        """End both directions in the orderly way."""

    def abort(self) -> None:
        """End both directions at once, and let the peer see that it was not orderly (a reset)."""

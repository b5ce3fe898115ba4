"""A side of a tapped connection that tells how its peer ended, and costs the bytes nothing.

The relay's own callbacks are handed through as they are; only those that tell an end have a word more to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from maco_net.errors import NetError
from maco_net.side import Inlet, Outlet
from maco_net.socket_side import SocketSide
from maco_net.tcp import TcpStream

Heard: TypeAlias = Callable[[Literal["end", "reset"]], None]


class HeardSide(SocketSide):
    """A plain TCP connection; ``heard`` is told how the peer's direction, or all of the connection, has ended."""

    __slots__ = ("_heard",)

    def __init__(self, channel: TcpStream, scratch: memoryview, heard: Heard) -> None:
        super().__init__(channel, scratch)
        self._heard = heard

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        """See Side."""
        super().begin(_HeardOutlet(outlet, self._heard), _HeardInlet(inlet, self._heard))


class _HeardOutlet:
    __slots__ = ("_heard", "_outlet", "push", "received", "room")

    def __init__(self, outlet: Outlet, heard: Heard) -> None:
        self._outlet = outlet
        self._heard = heard
        self.room, self.received, self.push = outlet.room, outlet.received, outlet.push

    def ended(self) -> None:
        self._heard("end")
        self._outlet.ended()

    def failed(self, error: NetError) -> None:
        self._heard("reset")
        self._outlet.failed(error)


class _HeardInlet:
    __slots__ = ("_heard", "_inlet", "emptied", "has_room", "taken")

    def __init__(self, inlet: Inlet, heard: Heard) -> None:
        self._inlet = inlet
        self._heard = heard
        self.has_room, self.taken, self.emptied = inlet.has_room, inlet.taken, inlet.emptied

    def send_failed(self, error: NetError) -> None:
        self._heard("reset")
        self._inlet.send_failed(error)

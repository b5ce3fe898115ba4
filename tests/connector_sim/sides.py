"""A side of a relayed connection without a socket: the test plays the peer, and reads what the side was told."""

from __future__ import annotations

from maco_net.side import Inlet, Outlet
from maco_wire.observation import Address


class ScriptedSide:
    """A side that takes ``takes`` bytes until it is told to take more; ``told`` are the calls in their order."""

    local_address: Address = ("127.0.0.1", 1)
    peer_address: Address = ("127.0.0.1", 2)

    def __init__(self, *, takes: int = 1_000_000, can_send_eof: bool = True, holds: bytes = b"") -> None:
        """``holds`` has arrived before the relay begins."""
        self.can_send_eof = can_send_eof
        self.sent = bytearray()
        self.told: list[str] = []
        self.outlet: Outlet | None = None
        self.inlet: Inlet | None = None
        self._takes = takes
        self._unsent = bytearray()
        self._holds = holds
        self._scratch = memoryview(bytearray(1024))

    @property
    def waiting(self) -> int:
        return len(self._unsent)

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        self.outlet, self.inlet = outlet, inlet
        if self._holds:
            outlet.push(memoryview(self._holds))

    def say(self, data: bytes) -> None:
        """Let the peer say something; a side that delivers passes it on at once."""
        assert self.outlet is not None
        self.outlet.push(memoryview(data))

    def take(self, count: int) -> None:
        """Let the peer take ``count`` of the bytes that wait."""
        assert self.inlet is not None
        self.sent += self._unsent[:count]
        del self._unsent[:count]
        self.inlet.taken(count)
        if not self._unsent:
            self.inlet.has_room()
            self.inlet.emptied()

    def room(self) -> memoryview | None:
        return None if self._unsent else self._scratch

    def commit(self, count: int) -> None:
        self.write(self._scratch[:count])

    def write(self, data: memoryview) -> int:
        taken = 0 if self._unsent else min(self._takes, len(data))
        self._takes -= taken
        self.sent += data[:taken]
        self._unsent += data[taken:]
        return taken

    def consumed(self, count: int, waiting: int) -> None:
        self.told.append(f"{count} consumed, {waiting} waiting")

    def resume(self) -> None:
        self.told.append("resume")

    def stop(self) -> None:
        self.told.append("stop")

    def end(self) -> None:
        self.told.append("end")

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")

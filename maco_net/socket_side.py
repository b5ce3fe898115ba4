"""A socket, plain or under TLS, as one side of a relayed connection (see ``side``).

One rule: the loop watches the socket for reading only while its sink has room, and for writing only while bytes wait;
so a stalled peer costs nothing but what it has not taken.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TypeAlias

from maco_net.errors import NetError
from maco_net.side import Inlet, Outlet
from maco_net.tcp import TcpStream
from maco_net.tls import CLOSE_NOTIFY_S, TlsStream
from maco_wire.observation import Address

Channel: TypeAlias = TcpStream | TlsStream

_log = logging.getLogger(__name__)


class SocketSide:
    """A connection to a peer. ``scratch`` is where its bytes come to lie on their way out of another socket.

    A side that only ever faces a tunnel needs no scratch: the tunnel lends its own buffer.
    """

    __slots__ = (
        "_channel",
        "_comes_back",
        "_ends",
        "_inlet",
        "_is_over",
        "_outlet",
        "_scratch",
        "_stopped",
        "_unsent",
        "_watched",
    )

    def __init__(self, channel: Channel, scratch: memoryview | None = None) -> None:
        self._channel = channel
        self._scratch = scratch
        self._outlet: Outlet | None = None
        self._inlet: Inlet | None = None
        self._unsent: bytearray | None = None
        self._watched = False
        self._comes_back = False
        self._stopped = False
        self._ends = False
        self._is_over = False

    @property
    def local_address(self) -> Address:
        """See Side."""
        return self._channel.local_address

    @property
    def peer_address(self) -> Address:
        """See Side."""
        return self._channel.peer_address

    @property
    def can_send_eof(self) -> bool:
        """See Side."""
        return self._channel.can_send_eof

    @property
    def waiting(self) -> int:
        """See Side."""
        return 0 if self._unsent is None else len(self._unsent)

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        """See Side. What the socket holds already is received on the loop's next turn."""
        self._outlet, self._inlet = outlet, inlet
        self._watch_reading(True)
        if self._channel.has_more:
            self._come_back()

    # As a source

    def resume(self) -> None:
        """See Side. Reads at once: mostly something is there, and asking the loop would cost a turn."""
        if not (self._watched or self._stopped):
            self._receive()
        elif self._unsent is not None and self._channel.sends_when_readable:
            self._come_back()  # watched only because sending waits for it: that tells nothing of what is held already

    def consumed(self, count: int, waiting: int) -> None:
        """See Side; the socket's own window follows from what is read."""

    def stop(self) -> None:
        """See Side."""
        self._stopped = True
        self._watch_reading(False)

    def _readable(self) -> None:
        try:
            self._receive()
            # Sending comes behind the reading, which may have taken what it waited for.
            if self._unsent is not None and self._channel.sends_when_readable and self._send_unsent():
                self._wait_to_send()
        except Exception:  # noqa: BLE001 - the last resort of one connection, which may lack bytes now
            self._lose()

    def _receive(self) -> None:
        """Receive once, and wait for more as long as the sink has room."""
        outlet = self._outlet
        if outlet is None or self._stopped:
            return
        room = outlet.room()
        if room is None:
            self._watch_reading(False)
            return
        try:
            count = self._channel.receive_into(room)
        except NetError as error:
            self.stop()
            outlet.failed(error)
            return
        if count is None:
            self._wait_for_more()
        elif count == 0:
            self.stop()
            outlet.ended()
        else:
            outlet.received(count)
            if not self._watched or self._channel.has_more:
                self._go_on()

    def _go_on(self) -> None:
        """Come back for more: at once if the channel holds it, else when the loop tells."""
        if self._stopped:
            return
        if self._channel.has_more:
            self._come_back()
        if not self._watched:
            if self._outlet is not None and self._outlet.room() is None:
                return  # the sink is full again, and will tell: no need to bother the loop
            self._watch_reading(True)

    def _come_back(self) -> None:
        """Receive on the loop's next turn, once however often it is asked: others have theirs between."""
        if not self._comes_back:
            self._comes_back = True
            asyncio.get_running_loop().call_soon(self._receive_rest)

    def _receive_rest(self) -> None:
        self._comes_back = False
        self._readable()

    def _wait_for_more(self) -> None:
        waits_to_write = self._channel.receives_when_writable
        self._watch_reading(not waits_to_write)
        if waits_to_write:
            self._channel.readiness.on_writable(self._writable)

    # As a sink

    def room(self) -> memoryview | None:
        """See Side."""
        return None if self._unsent is not None else self._scratch

    def commit(self, count: int) -> None:
        """See Side."""
        if self._scratch is not None:
            self.write(self._scratch[:count])

    def write(self, data: memoryview) -> int:
        """See Side."""
        if self._unsent is not None:
            self._unsent += data
            return 0
        sent, size = 0, len(data)
        try:
            while sent < size:
                count = self._channel.send_some(data[sent:] if sent else data)
                if count == 0:
                    self._keep(data[sent:])
                    break
                sent += count
        except NetError as error:
            self._send_failed(error)
        return sent

    def end(self) -> None:
        """See Side."""
        self._ends = True
        if self._unsent is None:
            self._channel.end_sending()

    def _keep(self, rest: memoryview) -> None:
        self._unsent = bytearray(rest)
        self._wait_to_send()

    def _wait_to_send(self) -> None:
        """Wait for the side of the socket that has to be ready; the other one would only be asked in vain."""
        if self._channel.sends_when_readable:
            self._channel.readiness.on_writable(None)
            self._watch_reading(True)
        else:
            self._channel.readiness.on_writable(self._writable)

    def _writable(self) -> None:
        try:
            if self._unsent is None:
                self._channel.readiness.on_writable(None)
            elif self._send_unsent() and self._channel.sends_when_readable:
                self._wait_to_send()
            if self._channel.receives_when_writable:
                self._receive()
        except Exception:  # noqa: BLE001 - see _readable
            self._lose()

    def _send_unsent(self) -> bool:
        """Send what waits as far as the socket takes it; tell whether some of it waits on."""
        unsent = self._unsent
        if unsent is None or self._inlet is None:
            return False
        sent, size = 0, len(unsent)
        try:
            with memoryview(unsent) as view:
                while sent < size and (count := self._channel.send_some(view[sent:])):
                    sent += count
        except NetError as error:
            self._send_failed(error)
            return False
        if sent < size:
            del unsent[:sent]
        else:
            self._unsent = None
        if sent:
            self._inlet.taken(sent)
        if self._unsent is None and not self._is_over:
            self._all_sent()
        return self._unsent is not None

    def _all_sent(self) -> None:
        self._channel.readiness.on_writable(None)
        if self._ends:
            self._channel.end_sending()
        inlet = self._inlet
        if inlet is not None:
            inlet.has_room()
            inlet.emptied()

    def _send_failed(self, error: NetError) -> None:
        self._unsent = None
        self._channel.readiness.on_writable(None)
        if self._inlet is not None:
            self._inlet.send_failed(error)

    # The end

    def _lose(self) -> None:
        """Let the connection break where an exception would leave it with a hole, or half ended."""
        _log.exception("a connection failed through a defect of this program")
        outlet = self._outlet
        self.stop()
        if outlet is not None:
            outlet.failed(NetError("a defect of this program"))

    def close(self) -> None:
        """See Side. A close_notify that finds no room is given a moment."""
        if self._is_over:
            return
        self._over()
        if not self._channel.close_now():
            limit = asyncio.get_running_loop().call_later(CLOSE_NOTIFY_S, self._channel.abort)
            self._channel.readiness.on_writable(functools.partial(self._close_again, limit))

    def _close_again(self, limit: asyncio.TimerHandle) -> None:
        if self._channel.close_now():
            limit.cancel()

    def abort(self) -> None:
        """See Side."""
        if not self._is_over:
            self._over()
            self._channel.abort()

    def _over(self) -> None:
        self._is_over = self._stopped = True
        self._outlet = self._inlet = None
        self._unsent = None
        self._channel.readiness.on_readable(None)
        self._channel.readiness.on_writable(None)
        self._watched = False

    def _watch_reading(self, wanted: bool) -> None:
        wanted = wanted or (self._unsent is not None and self._channel.sends_when_readable)
        if wanted is not self._watched and not self._is_over:
            self._watched = wanted
            self._channel.readiness.on_readable(self._readable if wanted else None)

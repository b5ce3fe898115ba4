"""One tap: a TCP forwarder before one server of one hop. It holds no keys and understands nothing of what passes.

One rule: the two ends must not be able to tell it from a wire. Bytes go on unchanged and at once, and so does how they
end: FIN as FIN, reset as reset. It sets no deadline of its own.
"""

from __future__ import annotations

import collections
import functools
from dataclasses import dataclass

from connector_sim.passage import Passage, Watcher
from connector_sim.relay import Relay, RelayEnd, RelaySettings
from maco_lab.taps.chunk import Hop, TappedConnection
from maco_lab.taps.copies import Copies
from maco_lab.taps.ends import Ends
from maco_lab.taps.heard_side import HeardSide
from maco_net.errors import ConnectError
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.observation import Address, Direction, Observation, Party

HOST = "127.0.0.1"
CONNECT_S = 30.0
"""How long the way to a server may take that is on the same machine in nearly all labs."""

NO_DEADLINE_S = 365 * 24 * 3600.0
"""How long a connection with one ended direction may stand still: that is for the two ends to decide."""

MAX_CONNECTIONS = 4_096

_RELAYING = RelaySettings(half_closed_s=NO_DEADLINE_S)
_NOBODY = Party.MACO  # whose eyes a tap's are is never told


def _unheard(_: Observation) -> None:
    """Report nothing: what a tap knows is in its copies."""


class Tap:
    """Listens before ``server`` from the moment it is made. Raises OSError."""

    def __init__(self, hop: Hop, server: Address, copies: Copies, ends: Ends, scratch: memoryview) -> None:
        self.hop = hop
        self.server = server
        self._copies = copies
        self._ends = ends
        self._scratch = scratch
        self._listener = Listener(HOST, 0)
        self._ahead: collections.deque[TcpStream] = collections.deque()
        self._relays: set[Relay] = set()
        ends.tap(self.address, server)

    @property
    def address(self) -> Address:
        """Where it listens; nobody but the party that dials may ever see this."""
        return self._listener.address

    async def serve(self) -> None:
        """Forward until cancelled; then everything that passes is reset."""
        try:
            await self._listener.serve(self._serve, max_connections=MAX_CONNECTIONS)
        finally:
            self.close()

    def close(self) -> None:
        """Take the tap out; may be called again, and before ``serve`` has begun."""
        self._listener.close()
        for relay in tuple(self._relays):
            relay.cut()
        while self._ahead:
            self._ahead.popleft().abort()

    async def dial_ahead(self, timeout_s: float) -> TcpStream:
        """Dial the server for a client that is about to dial the tap; raises ConnectError as the client would meet it.

        Without this a client would find a server open that is not there.
        """
        stream = await connect_tcp(*self.server, timeout_s=timeout_s)
        self._ahead.append(stream)
        return stream

    def give_back(self, stream: TcpStream) -> None:
        """Close a connection that was dialled ahead, unless the client has come for it."""
        if stream in self._ahead:
            self._ahead.remove(stream)
            stream.abort()

    async def _serve(self, client: TcpStream) -> None:
        try:
            server = self._ahead.popleft() if self._ahead else await connect_tcp(*self.server, timeout_s=CONNECT_S)
        except ConnectError:
            client.abort()
            return
        dialled = (server.local_address, server.peer_address)
        self._ends.opened(self.address, client.peer_address, dialled)
        connection = self._copies.opened(self.hop, client.peer_address, server.peer_address)
        watcher = _Copier(_NOBODY, _unheard, copies=self._copies, connection=connection)
        relay = Relay(
            self._side(client, connection, is_client=True),
            self._side(server, connection, is_client=False),
            watcher,
            "",
            _RELAYING,
        )
        client.is_kept = True
        self._relays.add(relay)

        def over(ended: Relay, _: RelayEnd) -> None:
            self._relays.discard(ended)
            self._ends.closed(dialled)

        relay.start(over)

    def _side(self, stream: TcpStream, connection: TappedConnection, *, is_client: bool) -> HeardSide:
        heard = functools.partial(self._copies.ended, connection, from_client=is_client)
        return HeardSide(stream, self._scratch, heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copier(Watcher):
    """Keeps a copy of all that a relay passes on, and reports nothing."""

    copies: Copies
    connection: TappedConnection

    def passage(self, direction: Direction, trace_id: str) -> Passage:
        """Return what copies one direction; the relay's "MaCo side" is the client of this connection."""
        return _Copied(self, direction, trace_id, self.copies, self.connection)


class _Copied(Passage):
    """One direction of one connection, copied to the last byte."""

    __slots__ = ("_connection", "_copies", "_from_client")

    def __init__(
        self, watcher: Watcher, direction: Direction, trace_id: str, copies: Copies, connection: TappedConnection
    ) -> None:
        super().__init__(watcher, direction, trace_id)
        self._copies = copies
        self._connection = connection
        self._from_client = direction == "to_mail_server"

    @property
    def is_looking(self) -> bool:
        """Always: see the class."""
        return True

    def see(self, data: bytes | memoryview) -> None:
        """Take the next bytes of this direction."""
        self._copies.keep(self._connection, data, from_client=self._from_client)
        self.count += len(data)

"""One tap: a TCP forwarder before one server of one hop. It holds no keys and understands nothing of what passes.

One rule: the two ends must not be able to tell it from a wire. Bytes go on unchanged and at once, and so does how they
end: FIN as FIN, reset as reset. It sets no deadline of its own.
"""

from __future__ import annotations

import collections
import functools

from maco_lab.taps.chunk import Hop, TappedConnection
from maco_lab.taps.copies import Copies
from maco_lab.taps.ends import Ends
from maco_lab.taps.wire import TappedEnd, Wire
from maco_net.errors import ConnectError
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.observation import Address

HOST = "127.0.0.1"
CONNECT_S = 30.0
"""How long the way to a server may take that is on the same machine in nearly all labs."""

MAX_CONNECTIONS = 4_096


class Tap:
    """Listens before ``server`` from the moment it is made. Raises OSError."""

    def __init__(self, hop: Hop, server: Address, copies: Copies, ends: Ends) -> None:
        self.hop = hop
        self.server = server
        self._copies = copies
        self._ends = ends
        self._listener = Listener(HOST, 0)
        self._ahead: collections.deque[TcpStream] = collections.deque()
        self._wires: set[Wire] = set()
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
        for wire in tuple(self._wires):
            wire.cut()
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

        def over(ended: Wire) -> None:
            self._wires.discard(ended)
            self._ends.closed(dialled)

        ends = self._end(client, connection, is_client=True), self._end(server, connection, is_client=False)
        client.is_kept = True
        self._wires.add(Wire(*ends, over))

    def _end(self, stream: TcpStream, connection: TappedConnection, *, is_client: bool) -> TappedEnd:
        copy = self._copies.keeper(connection, from_client=is_client)
        return TappedEnd(stream, copy, functools.partial(self._copies.ended, connection, from_client=is_client))

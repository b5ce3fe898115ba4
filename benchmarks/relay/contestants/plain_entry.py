"""An entry without SOCKS5: every accepted connection gets a stream in the tunnel, as behind a finished negotiation.

The peers speak no SOCKS5, so this is what they are compared with. It does what ``connector_sim.cloud.socks_proxy`` does
once it knows what a client asks for, and is the only place of the benchmark that knows how that is done.
"""

from __future__ import annotations

from benchmarks.relay.contestants.settings import LOCATION_ID, SUBACCOUNT, VIRTUAL_HOST, VIRTUAL_PORT
from connector_sim.cloud.registry import TunnelRegistry
from connector_sim.passage import Watcher
from connector_sim.relay import Relay
from connector_sim.relays import Relays
from connector_sim.tunnel.stream import TunnelStream
from maco_net.errors import PeerReset
from maco_net.socket_side import SocketSide
from maco_net.tcp import TcpStream
from maco_wire.tunnel_messages import OpenAccepted, OpenAnswerReader, OpenRequest, encode_open_request

TRACE_ID = "0" * 16
_REQUEST = encode_open_request(OpenRequest(VIRTUAL_HOST, VIRTUAL_PORT, TRACE_ID))


class PlainEntry:
    """Relay each connection through the tunnel."""

    def __init__(self, registry: TunnelRegistry, watcher: Watcher) -> None:
        self._registry = registry
        self._watcher = watcher
        self._relays = Relays()

    async def serve(self, stream: TcpStream) -> None:
        """Open the way for one client; the relay goes on by itself."""
        session = self._registry.find(SUBACCOUNT, LOCATION_ID)
        if session is None:
            raise PeerReset("there is no tunnel")
        tunnel_stream = await session.open_stream()
        try:
            greeting = await _ask_connector(tunnel_stream)
        except BaseException:
            tunnel_stream.abort()
            raise
        stream.is_kept = True
        self._relays.start(Relay(SocketSide(stream), tunnel_stream, self._watcher, TRACE_ID), early_to_maco=greeting)


async def _ask_connector(tunnel_stream: TunnelStream) -> bytes:
    """Return the payload that is glued behind the Cloud Connector's acceptance."""
    reader = OpenAnswerReader()
    await tunnel_stream.send(_REQUEST)
    while data := await tunnel_stream.receive():
        if answer := reader.receive_data(data):
            if isinstance(answer, OpenAccepted):
                return reader.trailing_data
            raise PeerReset(f"the Cloud Connector refused: {answer}")
    raise PeerReset("the Cloud Connector ended the stream without an answer")

"""One relay between two sockets, as in ``maco-lab forward`` and on the last hop: plain in, TCP or TLS out.

``python -m benchmarks.relay.contestants.one_hop tcp|tls SINK_PORT CAST [uvloop]`` prints its port; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from benchmarks.relay.contestants import settings
from benchmarks.relay.contestants.plain_entry import TRACE_ID
from certs.trust import client_context
from connector_sim.passage import Watcher
from connector_sim.relay import Relay
from connector_sim.relays import Relays
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.socket_side import Channel, SocketSide
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import start_tls
from maco_wire.observation import Party

CONNECT_S = 10.0
SCRATCH_BYTES = 256 * 1024


class OneHop:
    """Relay each connection to the sink."""

    def __init__(self, sink_port: int, context: ssl.SSLContext | None) -> None:
        self._sink_port = sink_port
        self._context = context
        self._relays = Relays()
        self._watcher = Watcher(Party.CLOUD_CONNECTOR, lambda _: None)
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))

    async def serve(self, stream: TcpStream) -> None:
        """Open the way for one client; the relay goes on by itself."""
        sides = SocketSide(stream, self._scratch), SocketSide(await self._open(), self._scratch)
        stream.is_kept = True
        self._relays.start(Relay(*sides, self._watcher, TRACE_ID))

    async def _open(self) -> Channel:
        back_end = await connect_tcp("127.0.0.1", self._sink_port, timeout_s=CONNECT_S)
        if self._context is None:
            return back_end
        return await start_tls(back_end, self._context, server_name=settings.TUNNEL_NAME, timeout_s=CONNECT_S)


async def serve(kind: str, sink_port: int, folder: Path) -> None:
    """Serve until cancelled."""
    context = None
    if kind == "tls":
        context = client_context([settings.cast(folder).cloud_root.certificate], check_hostname=True)
    listener = Listener("127.0.0.1", 0)
    hop = OneHop(sink_port, context)
    async with in_background(listener.serve(hop.serve, max_connections=settings.MOST_STREAMS)):
        settings.say(port=listener.address[1])
        await asyncio.Event().wait()


if __name__ == "__main__":
    settings.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

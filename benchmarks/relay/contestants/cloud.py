"""The cloud process of our pair: the real Connectivity service, and the plain entry beside its SOCKS5 proxy.

``python -m benchmarks.relay.contestants.cloud CAST [uvloop]`` prints its ports and a token; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.relay.contestants import settings
from benchmarks.relay.contestants.plain_entry import PlainEntry
from certs.summary import summarize
from certs.trust import server_context
from connector_sim.cloud.service import ConnectivityService
from connector_sim.cloud.settings import ConnectivitySettings, OauthClient
from connector_sim.cloud.tokens import new_signing_key
from connector_sim.passage import Watcher
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_wire.observation import Observation, Party

CLIENT = OauthClient("maco", "client-secret-of-maco", settings.SUBACCOUNT)


def ignore(_: Observation) -> None:
    """Record nothing."""


def service(folder: Path, watcher: Watcher) -> ConnectivityService:
    """Return the Connectivity service on free ports."""
    cast = settings.cast(folder)
    return ConnectivityService(
        ConnectivitySettings(
            frozenset({settings.SUBACCOUNT}),
            (CLIENT,),
            socks5_port=0,
            token_port=0,
            tunnel_port=0,
            max_connections=settings.MOST_STREAMS,
            max_connections_per_client=settings.MOST_STREAMS,
        ),
        tunnel_context=server_context(
            cast.tunnel_endpoint, client_anchors=[cast.cloud_clients.certificate], client_certificate="optional"
        ),
        signing_key=new_signing_key(),
        watcher=watcher,
        describe_certificate=summarize,
        session_settings=settings.session_settings(),
    )


async def serve(folder: Path) -> None:
    """Serve until cancelled."""
    watcher = Watcher(Party.CONNECTIVITY, ignore)
    cloud = service(folder, watcher)
    listener = Listener("127.0.0.1", 0)
    plain = PlainEntry(cloud.registry, watcher)
    serving = listener.serve(plain.serve, max_connections=settings.MOST_STREAMS)
    async with cloud.running(), in_background(serving):
        settings.say(
            socks5=cloud.socks5_address[1],
            plain=listener.address[1],
            tunnel=cloud.tunnel_address[1],
            token=cloud.tokens.issue(CLIENT),
        )
        await asyncio.Event().wait()


if __name__ == "__main__":
    settings.run(serve(Path(sys.argv[1])))

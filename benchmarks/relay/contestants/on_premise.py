"""The on-premise process of our pair: the real Cloud Connector with one TCP mapping, which leads to the sink.

``python -m benchmarks.relay.contestants.on_premise CAST TUNNEL_PORT SINK_PORT [uvloop]`` prints the cipher of its
tunnel once that is up; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.relay.contestants import settings
from certs.summary import summarize
from certs.trust import client_context
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import ConnectorSettings, MappingProtocol, SubaccountSettings, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from connector_sim.passage import Watcher
from maco_wire.observation import Handshake, Observation, Party

START_S = 10.0


def connector(folder: Path, tunnel_port: int, sink_port: int, seen: list[Handshake]) -> CloudConnector:
    """Return the Cloud Connector; it keeps nothing of what it observes but the handshake of its tunnel."""
    mapping = SystemMapping(
        settings.VIRTUAL_HOST, settings.VIRTUAL_PORT, settings.INTERNAL_HOST, sink_port, MappingProtocol.TCP
    )
    connector_settings = ConnectorSettings(
        "scc",
        "installation",
        settings.TUNNEL_NAME,
        ("127.0.0.1", tunnel_port),
        (SubaccountSettings(settings.SUBACCOUNT, settings.LOCATION_ID, (mapping,)),),
        max_connections=settings.MOST_STREAMS,
    )
    cast = settings.cast(folder)

    def record(observation: Observation) -> None:
        if isinstance(observation, Handshake):
            seen.append(observation)

    return CloudConnector(
        connector_settings,
        tunnel_context=lambda subaccount: client_context(
            [cast.cloud_root.certificate],
            check_hostname=True,
            client_certificate=cast.subaccount_certificate(subaccount),
        ),
        back_ends=BackEndOpener(
            connector_settings,
            BackEndTrustStore(),
            lambda _, port: ("127.0.0.1", port),
            record=record,
            describe_certificate=summarize,
        ),
        watcher=Watcher(Party.CLOUD_CONNECTOR, record),
        describe_certificate=summarize,
        session_settings=settings.session_settings(),
    )


async def serve(folder: Path, tunnel_port: int, sink_port: int) -> None:
    """Serve until cancelled."""
    handshakes: list[Handshake] = []
    each = connector(folder, tunnel_port, sink_port, handshakes)
    async with each.running():
        async with asyncio.timeout(START_S):
            await each.tried()
        states = {subaccount: tunnel.state for subaccount, tunnel in each.tunnels.items()}
        settings.say(states=states, cipher=handshakes[0].cipher if handshakes else "")
        await asyncio.Event().wait()


if __name__ == "__main__":
    settings.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

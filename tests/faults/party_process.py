"""One party in a process of its own: ``python -m tests.faults.party_process cloud|connector FOLDER ARGUMENTS``.

FOLDER holds the cast that both share. The process says one line of JSON when it is ready. A number on its input is how
many ended streams it waits for; then it stops and writes everything it observed, one line each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from certs.files import read_cast
from connector_sim.on_premise.settings import MappingProtocol, SubaccountSettings
from maco_wire.observation import Address, StreamClosed
from tests.connector_sim import landscape
from tests.connector_sim.landscape import CLIENT, SUBACCOUNT, Landscape, Seen, Trust, der


@dataclass
class _Premises:
    """What a connector needs of a landscape."""

    seen: Seen
    names: dict[tuple[str, int], Address]


@contextlib.asynccontextmanager
async def _cloud(seen: Seen, _: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    cloud = landscape.connectivity(landscape.cloud_settings(), seen)
    async with cloud.running():
        yield {
            "socks5": cloud.socks5_address,
            "tunnel": cloud.tunnel_address,
            "token": cloud.tokens.issue(CLIENT),
        }


@contextlib.asynccontextmanager
async def _connector(seen: Seen, given: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    mapping = landscape.mapping(given["host"], given["port"], MappingProtocol(given["protocol"]), given["port"])
    back_end = (given["back_end"][0], int(given["back_end"][1]))
    premises = _Premises(seen, {(mapping.internal_host, mapping.internal_port): back_end})
    exposed = SubaccountSettings(SUBACCOUNT, "WERK1", (mapping,))
    tunnel = (given["tunnel"][0], int(given["tunnel"][1]))
    settings = landscape.connector_settings(tunnel, exposed, half_closed_s=given["half_closed_s"])
    trust = Trust((der(landscape.CAST.root.identity),))
    each = landscape.connector(settings, cast("Landscape", premises), trust=trust)
    async with landscape.connected(each):
        yield {"state": each.tunnels[SUBACCOUNT].state}


async def _run(role: str, given: dict[str, Any]) -> None:
    seen = Seen()
    async with (_cloud if role == "cloud" else _connector)(seen, given) as ready:
        print(json.dumps(ready), flush=True)  # noqa: T201 - the protocol of this process
        told = await asyncio.to_thread(sys.stdin.readline)
        await seen.wait_for(StreamClosed, int(told or 0))
    for each in seen.observations:
        print(json.dumps(each.as_fields()))  # noqa: T201


def main() -> None:
    role, folder, arguments = sys.argv[1:]
    logging.basicConfig(level=logging.ERROR)  # what the parent reads as a failure
    landscape.CAST = read_cast(Path(folder))
    asyncio.run(_run(role, json.loads(arguments)))


if __name__ == "__main__":
    main()

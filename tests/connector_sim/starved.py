"""A landscape in a process that can be left without file descriptors.

``python -m tests.connector_sim.starved BACK_END_PORT`` runs the cloud side and a Cloud Connector, and answers commands
on standard input, one a line, each by a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from maco_wire.observation import Party, TunnelState
from tests.connector_sim.landscape import DEADLINE_S, MAIL_HOST, SUBACCOUNT, TCP, Landscape, landscape

MOST_DESCRIPTORS = 128


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


class _Starved:
    def __init__(self, lab: Landscape, warnings: _Warnings) -> None:
        self._lab = lab
        self._warnings = warnings
        self._held: list[int] = []
        self.commands: dict[str, Callable[..., Awaitable[Any]]] = {
            "where": self.where,
            "hold": self.hold,
            "free": self.free,
            "cut": self.cut,
            "reconnected": self.reconnected,
            "seen": self.seen,
            "log": self.log,
        }

    async def where(self) -> dict[str, Any]:
        cloud = self._lab.cloud
        return {"socks5": cloud.socks5_address, "tunnel": cloud.tunnel_address, "token": self._lab.token()}

    async def hold(self, but: str = "0") -> int:
        """Take every descriptor, then give some back; return how many are held."""
        with contextlib.suppress(OSError):
            while True:
                self._held.append(os.dup(0))
        for _ in range(int(but)):
            os.close(self._held.pop())
        return len(self._held)

    async def free(self) -> None:
        while self._held:
            os.close(self._held.pop())

    async def cut(self) -> list[str]:
        """Cut the tunnel and take the descriptors it had, until the connector has failed to dial again."""
        self._lab.connectors[0].tunnels[SUBACCOUNT].cut()
        async with asyncio.timeout(DEADLINE_S):
            while (states := self._states())[-1].state != "ConnectFailure":
                await self.hold()
                await asyncio.sleep(0)
        return [each.reason for each in states]

    async def reconnected(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while self._states()[-1].state != "Connected":
                await self._lab.seen.wait_for(TunnelState, len(self._lab.seen.of(TunnelState)) + 1)

    async def seen(self) -> list[dict[str, Any]]:
        return [each.as_fields() for each in self._lab.seen.observations]

    async def log(self) -> list[str]:
        return self._warnings.texts

    def _states(self) -> list[TunnelState]:
        return self._lab.seen.of(TunnelState, Party.CLOUD_CONNECTOR)


async def _run(back_end_port: int) -> None:
    warnings = _Warnings()
    logging.getLogger().addHandler(warnings)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with landscape(TCP, on_premise={"longest_reconnect_delay_s": 0.05}) as lab:
        lab.names[(MAIL_HOST, 143)] = ("127.0.0.1", back_end_port)
        starved = _Starved(lab, warnings)
        while line := (await reader.readline()).decode().split():
            answer = await starved.commands[line[0]](*line[1:])
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
        await starved.free()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(_run(int(sys.argv[1])))

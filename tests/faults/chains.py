"""The chain under test, in this process or with each party in its own, behind the same few words."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from certs.files import write_cast
from connector_sim.on_premise.settings import SystemMapping
from maco_net.tcp import TcpStream
from maco_wire.observation import Address, Observation, StreamClosed
from maco_wire.observation_fields import observation_from_fields
from tests.connector_sim.landscape import CAST, DEADLINE_S, Seen, landscape
from tests.faults.traffic import dial

ROOT = Path(__file__).parents[2]
HALF_CLOSED_S = 12.0
"""How long a connection that one side has ended may stand still: longer than thousands of others keep it waiting."""


@dataclass
class Chain(abc.ABC):
    """A cloud side with one connector, as its clients see it."""

    proxy: Address
    token: str
    mapping: SystemMapping

    async def open(self, *, location_id: str = "WERK1") -> TcpStream:
        virtual = self.mapping.virtual_host, self.mapping.virtual_port
        return await dial(self.proxy, self.token, *virtual, location_id=location_id)

    @abc.abstractmethod
    async def observations(self, closed: int) -> list[Observation]:
        """Return all observations once the ends of ``closed`` streams were reported by either party."""


@dataclass
class OneProcess(Chain):
    """Both parties here."""

    seen: Seen

    async def observations(self, closed: int) -> list[Observation]:
        await self.seen.wait_for(StreamClosed, 2 * closed)
        return self.seen.observations


@contextlib.asynccontextmanager
async def in_one_process(mapping: SystemMapping, back_end: Address) -> AsyncIterator[OneProcess]:
    async with landscape(mapping, on_premise={"half_closed_s": HALF_CLOSED_S}) as lab:
        lab.names[(mapping.internal_host, mapping.internal_port)] = back_end
        yield OneProcess(lab.cloud.socks5_address, lab.token(), mapping, lab.seen)


@dataclass
class PartyProcess:
    """One party in a process of its own."""

    process: Process
    ready: dict[str, Any] = field(default_factory=dict)

    def memory(self, name: Literal["VmRSS", "VmHWM"]) -> int:
        """Return what is resident now, or was at most, in bytes (proc(5), /proc/pid/status)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().split(f"{name}:")[1]
        kibibytes, unit = status.split()[:2]
        assert unit == "kB"
        return int(kibibytes) * 1024

    async def finish(self, closed: int) -> list[Observation]:
        """Let it end once ``closed`` streams have ended there; return what it observed."""
        async with asyncio.timeout(2 * DEADLINE_S):
            said, complained = await self.process.communicate(f"{closed}\n".encode())
        assert (self.process.returncode, complained) == (0, b""), complained.decode()
        return [observation_from_fields(json.loads(line)) for line in said.splitlines()]


@contextlib.asynccontextmanager
async def party_process(role: str, folder: Path, **arguments: Any) -> AsyncIterator[PartyProcess]:
    """Run a party while the block runs; it is killed behind the block if it has not finished."""
    module = [sys.executable, "-m", "tests.faults.party_process", role, str(folder), json.dumps(arguments)]
    process = await asyncio.create_subprocess_exec(*module, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(2 * DEADLINE_S):
            line = await process.stdout.readline()
        if not line:
            raise AssertionError((await process.communicate())[1].decode())
        yield PartyProcess(process, json.loads(line))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@dataclass
class TwoProcesses(Chain):
    """Each party in a process of its own; they stop when their observations are asked for."""

    cloud: PartyProcess
    connector: PartyProcess

    async def observations(self, closed: int) -> list[Observation]:
        return [*await self.cloud.finish(closed), *await self.connector.finish(closed)]


@contextlib.asynccontextmanager
async def in_two_processes(mapping: SystemMapping, back_end: Address, folder: Path) -> AsyncIterator[TwoProcesses]:
    write_cast(CAST, folder)
    given = {"host": mapping.virtual_host, "port": mapping.virtual_port, "protocol": mapping.protocol}
    given |= {"half_closed_s": HALF_CLOSED_S}
    async with (
        party_process("cloud", folder) as cloud,
        party_process("connector", folder, tunnel=cloud.ready["tunnel"], back_end=back_end, **given) as connector,
    ):
        assert connector.ready["state"] == "Connected"
        host, port = cloud.ready["socks5"]
        yield TwoProcesses((host, port), cloud.ready["token"], mapping, cloud, connector)

"""Peers that never read, and endless data for them: bounded memory, measured, and nobody beside them waits.

A stalled stream may hold one window of 256 KiB at each end of the tunnel (yamux spec.md, "Flow Control"; design,
section 4), whatever windows may grow to for streams that read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from maco_net.errors import NetError
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_wire.observation import Address
from tests.connector_sim.landscape import DEADLINE_S, TCP
from tests.faults.chains import PartyProcess, TwoProcesses, in_two_processes
from tests.faults.payloads import Payload, Tally, receive_into
from tests.faults.raw_yamux import ACK, DATA, WINDOW, WINDOW_UPDATE, RawPeer, data, frame, raw_connector
from tests.faults.seeds import SOAK
from tests.faults.traffic import back_ends, read_exactly

MIB = 1024 * 1024
STALLED = 64
STALLED_BYTES = STALLED * WINDOW  # at one end of the tunnel
SLACK_BYTES = 16 * MIB  # for one process: its allocator, its buffers for reading, TLS, and the stream beside
STALLS_AFTER_S = 0.25
ENDLESS_BYTES = 32 * MIB  # more than kernel buffers and windows along the way hold together
BESIDE = Payload("beside", (8 if SOAK else 2) * MIB)
READS_NOTHING, WRITES_ENDLESSLY, ECHOES = b"r", b"w", b"e"


async def write_until_it_stalls(stream: ByteStream) -> None:
    """Send until nobody takes it for a while."""
    chunk, sent = bytes(64 * 1024), 0
    with contextlib.suppress(TimeoutError):
        while sent < ENDLESS_BYTES:
            async with asyncio.timeout(STALLS_AFTER_S):
                await stream.send(chunk)
            sent += len(chunk)
        raise AssertionError(f"{sent} bytes were taken for a peer that reads nothing")


@dataclass
class BackEnds:
    """Back ends that do what the first byte says, and keep stalled streams open until told."""

    stalled: int = 0
    all_stalled: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, stream: ByteStream) -> None:
        match await read_exactly(stream, 1):
            case b"e":
                await echo(stream)
            case b"w":
                await write_until_it_stalls(stream)
                self.count_one()
                await self.release.wait()
            case _:
                await self.release.wait()

    def count_one(self) -> None:
        self.stalled += 1
        if self.stalled == STALLED:
            self.all_stalled.set()


async def echo(stream: ByteStream) -> None:
    with contextlib.suppress(NetError):
        while received := await stream.receive():
            await stream.send(received)
        await stream.send_eof()


async def beside(chain: TwoProcesses) -> None:
    """Send and receive a few megabytes; all of it must come back."""
    stream, tally = await chain.open(), Tally()
    await stream.send(ECHOES)

    async def send() -> None:
        await stream.send(BESIDE.content())
        await stream.send_eof()

    async with asyncio.timeout(2 * DEADLINE_S), asyncio.TaskGroup() as both:
        both.create_task(send())
        await receive_into(stream, tally)
    await stream.aclose()
    assert tally.is_all_of(BESIDE)


@contextlib.asynccontextmanager
async def warm_chain(back_end: Address, folder: Path) -> AsyncIterator[TwoProcesses]:
    """Run a chain that has done once what is measured later, so that only what is stalled is measured."""
    async with in_two_processes(TCP, back_end, folder / "cast") as chain:
        await beside(chain)
        yield chain


@contextlib.contextmanager
def bounded(*processes: PartyProcess) -> Iterator[None]:
    """Fail if one of the processes held, at any moment of the block, more than the windows of the stalled streams."""
    before = [each.memory("VmRSS") for each in processes]
    yield
    grown = [each.memory("VmHWM") - base for each, base in zip(processes, before, strict=True)]
    assert max(grown) < STALLED_BYTES + SLACK_BYTES, [f"{each / MIB:.1f} MiB" for each in grown]


@contextlib.asynccontextmanager
async def closing(streams: list[TcpStream]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for stream in streams:
            stream.abort()


async def open_all(chain: TwoProcesses, first: bytes, location_id: str = "WERK1") -> list[TcpStream]:
    streams = [await chain.open(location_id=location_id) for _ in range(STALLED)]
    for stream in streams:
        await stream.send(first)
    return streams


async def stall_all(streams: Sequence[TcpStream]) -> None:
    async with asyncio.timeout(3 * DEADLINE_S), asyncio.TaskGroup() as tasks:
        for stream in streams:
            tasks.create_task(write_until_it_stalls(stream))


@pytest.mark.slow
async def test_clients_that_never_read_cost_a_window_each_and_are_in_nobodys_way(tmp_path: Path) -> None:
    servers = BackEnds()
    async with back_ends(servers.serve) as address, warm_chain(address, tmp_path) as chain:
        with bounded(chain.cloud, chain.connector):
            async with closing(await open_all(chain, WRITES_ENDLESSLY)):
                async with asyncio.timeout(3 * DEADLINE_S):
                    await servers.all_stalled.wait()
                await beside(chain)
                servers.release.set()


@pytest.mark.slow
async def test_back_ends_that_never_read_cost_a_window_each_and_are_in_nobodys_way(tmp_path: Path) -> None:
    servers = BackEnds()
    async with back_ends(servers.serve) as address, warm_chain(address, tmp_path) as chain:
        with bounded(chain.cloud, chain.connector):
            streams = await open_all(chain, READS_NOTHING)
            async with closing(streams):
                await stall_all(streams)
                await beside(chain)
                servers.release.set()


async def accept_all(peer: RawPeer) -> None:
    """Accept as many streams as will stall, each when its open request comes; then read nothing more."""
    for _ in range(STALLED):
        found = await peer.read_frame()
        while found is None or found.kind != DATA:
            assert found is not None
            found = await peer.read_frame()
        await peer.send(frame(WINDOW_UPDATE, ACK, found.stream_id, 0) + data(found.stream_id, b"\x01\x00"))


@pytest.mark.slow
async def test_a_connector_that_never_reads_costs_a_window_for_each_stream_and_is_in_no_other_ones_way(
    tmp_path: Path,
) -> None:
    async with back_ends(BackEnds().serve) as address, warm_chain(address, tmp_path) as chain:
        host, port = chain.cloud.ready["tunnel"]
        with bounded(chain.cloud):
            async with raw_connector((host, port), location_id="WERK2") as peer, asyncio.TaskGroup() as tasks:
                accepting = tasks.create_task(accept_all(peer))
                streams = [await chain.open(location_id="WERK2") for _ in range(STALLED)]
                await accepting
                async with closing(streams):
                    await stall_all(streams)
                    await beside(chain)

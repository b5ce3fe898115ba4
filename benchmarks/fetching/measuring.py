"""What is measured of MaCo alone: what a mail and a mailbox add to its memory, and what polls of nothing cost."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fetching.chain import Chain
from benchmarks.fetching.contestants import poller
from benchmarks.relay.processor_time import cpu_seconds
from maco_client.inbox import Inbox
from maco_client.settings import Selection

MIB = 1024 * 1024


@dataclass(frozen=True)
class IdlePolls:
    """CPU seconds of one round of polls that find nothing: of MaCo, and of cloud and connector together."""

    maco_s: float
    chain_s: float


def added_memory(chain: Chain, warm: str, user: str, folder: Path, **settings: Any) -> float:
    """Return how many MiB a poll of ``user`` adds at its peak to a process that has polled ``warm`` before."""
    with multiprocessing.get_context("spawn").Pool(1) as processes:
        return processes.apply(_added_memory, (chain, warm, user, folder, settings))


def _added_memory(chain: Chain, warm: str, user: str, folder: Path, settings: dict[str, Any]) -> float:
    inbox = Inbox(folder / f"memory-{user}.db")
    before = 0
    try:
        for each, how in ((warm, {}), (user, settings)):
            before = _memory("VmRSS")
            # proc(5): "5 ... Reset the peak resident set size ("high water mark") to the process's current" one.
            Path("/proc/self/clear_refs").write_text("5")
            result = asyncio.run(
                poller(chain, chain.connection("A", each, selection=Selection.ALL, **how), inbox).poll()
            )
            if not (result.succeeded and result.stored):
                raise AssertionError(f"{each}: {result.stage}: {result.error}")
    finally:
        inbox.close()
    return (_memory("VmHWM") - before) / 1024


def _memory(name: str) -> int:
    """Return a figure of this process in KiB, as proc(5) names it; that of getrusage(2) begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:"))


async def idle_polls(chain: Chain, users: list[str], folder: Path, rounds: int, **settings: Any) -> IdlePolls:
    """Poll empty mailboxes side by side, once to warm up and then so many rounds."""
    inbox = Inbox(folder / "idle.db")
    pollers = [poller(chain, chain.connection("A", user, **settings), inbox) for user in users]
    try:
        await _round(pollers)
        maco, chain_cpu = time.process_time(), cpu_seconds([chain.pid])
        for _ in range(rounds):
            await _round(pollers)
        maco, chain_cpu = time.process_time() - maco, cpu_seconds([chain.pid]) - chain_cpu
    finally:
        for each in pollers:
            await each.aclose()
        inbox.close()
    return IdlePolls(maco / rounds, chain_cpu / rounds)


async def _round(pollers: list[Any]) -> None:
    async with asyncio.TaskGroup() as tasks:
        polls = [tasks.create_task(each.poll()) for each in pollers]
    for poll in polls:
        if not poll.result().succeeded:
            raise AssertionError(poll.result().error)

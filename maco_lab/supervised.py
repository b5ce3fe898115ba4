"""One party over all its processes: started, told what to be, and started again when it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from maco_lab.party_process import STOP_S, PartyGone, PartyProcess, Serve, Take, how_it_ended
from maco_lab.party_settings import PartyFailed, PartySettings
from maco_net.background import in_background
from maco_wire.observation import Address, Party
from maco_wire.observation import PartyProcess as PartyProcessSeen

START_S = 30.0
SYNC_S = 0.5
ANSWER_S = 0.3
"""How long a process that is to drain may take to show that it is alive at all."""
BACK_S = 15.0
"""How long a request waits for a party that is being started again."""

SOON_S = 5.0
"""A process that ends sooner than this is started again only after a pause, which doubles each time."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

Tell: TypeAlias = Callable[[PartyProcessSeen], None]
Prepare: TypeAlias = Callable[[], Awaitable[PartySettings]]
Again: TypeAlias = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)


async def _nothing() -> None:
    """Do nothing: nobody needs to know that this party is back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which party, and how its process is started."""

    party: Party
    name: str
    arguments: tuple[str, ...]


class Supervised:
    """One party."""

    def __init__(
        self,
        plan: Plan,
        prepare: Prepare,
        take: Take,
        tell: Tell,
        *,
        when_back: Again = _nothing,
        serve: Serve | None = None,
    ) -> None:
        """``prepare`` is awaited before each start, ``when_back`` runs after each but the first.

        ``serve`` answers what the processes ask.
        """
        self.plan = plan
        self._prepare = prepare
        self._take = take
        self._tell = tell
        self._when_back = when_back
        self._serve = serve
        self._process: PartyProcess | None = None
        self._is_up = asyncio.Event()
        self._hangs = False
        self._stopping = asyncio.Event()
        self._first: asyncio.Future[Mapping[str, Address]] = asyncio.get_running_loop().create_future()

    @property
    def process(self) -> PartyProcess | None:
        """The process that runs now."""
        return self._process

    async def started(self) -> Mapping[str, Address]:
        """Return where the party listens, once its first process is up. Raises PartyFailed."""
        return await asyncio.shield(self._first)

    async def ask(self, command: str, *, timeout_s: float | None, **arguments: Any) -> Mapping[str, Any]:
        """Ask the party, after its restart if there is one under way. Raises PartyGone, TimeoutError."""
        async with asyncio.timeout(BACK_S):
            await self._is_up.wait()
        if self._process is None:
            raise PartyGone
        return await self._process.ask(command, timeout_s=timeout_s, **arguments)

    async def sync(self) -> None:
        """Return once everything that the party had reported before was taken; give up after ``SYNC_S``."""
        if self._process:
            with contextlib.suppress(TimeoutError):
                await self._process.sync(timeout_s=SYNC_S)

    async def run(self) -> None:
        """Keep a process running until ``stop``; return early only if the first one never came up."""
        pause_s = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._run_one()
            if self._stopping.is_set():
                self._first.cancel()
                return
            if self._first.exception():
                return
            if time.monotonic() - began > SOON_S:
                pause_s = 0.0
            await asyncio.sleep(pause_s)
            pause_s = min(max(FIRST_PAUSE_S, 2 * pause_s), LONGEST_PAUSE_S)

    async def _run_one(self) -> None:
        """Run one process from its start to its end."""
        try:
            process = self._process = await PartyProcess.start(self.plan.arguments)
        except OSError as error:  # no memory, or too many processes
            self._could_not_start(f"{self.plan.name}: its process cannot be started: {error.strerror}")
            return
        async with in_background(self._begin(process)):
            code = await (process.read(self._take, self._serve) if self._serve else process.read(self._take))
        self._is_up.clear()
        if self._stopping.is_set():
            return
        if self._first.done():
            self._seen("ended", process.pid, how_it_ended(code))
        else:
            self._first.set_exception(PartyFailed(f"{self.plan.name}: its process ended ({how_it_ended(code)})"))

    async def drain(self, limit_s: float) -> bool:
        """Let the connections that run through the party finish; False if some are left after ``limit_s``."""
        process = self._process
        if process is None or not self._is_up.is_set():
            return True
        try:
            await process.ask("sync", timeout_s=ANSWER_S)
        except (PartyGone, TimeoutError):
            self._hangs = True
            return False
        try:
            return bool((await process.ask("drain", timeout_s=limit_s + ANSWER_S))["drained"])
        except (PartyGone, TimeoutError):
            return False

    async def stop(self) -> None:
        """End the process and start no other one."""
        self._stopping.set()
        if self._process:
            await self._process.stop(within_s=STOP_S - ANSWER_S if self._hangs else STOP_S)

    async def _begin(self, process: PartyProcess) -> None:
        """Tell a new process what to be, and everybody that it is there."""
        with contextlib.suppress(PartyGone, PartyFailed):  # ``run`` sees its end; another party's failure ends the lab
            await process.ready()
            settings = await self._prepare()
            try:
                reply = await process.ask("start", timeout_s=START_S, **settings.as_message())
            except TimeoutError:
                reply = {"error": f"{self.plan.name}: not ready within {START_S:g} s"}
            if "error" in reply:
                self._could_not_start(str(reply["error"]))
                await process.stop()
                return
            self._is_up.set()
            self._seen("started", process.pid)
            if self._first.done():
                await self._when_back()
            else:
                addresses = {name: (str(host), int(port)) for name, (host, port) in reply["addresses"].items()}
                self._first.set_result(addresses)

    def _could_not_start(self, why: str) -> None:
        if self._first.done():
            _log.error("%s could not be started again: %s", self.plan.name, why)
        else:
            self._first.set_exception(PartyFailed(why))

    def _seen(self, state: Any, pid: int, reason: str = "") -> None:
        seen = PartyProcessSeen(self.plan.party, state, self.plan.name, pid, reason)
        self._take(time.time(), seen)
        if self._first.done():
            self._tell(seen)

"""The taps of a lab: one before the SOCKS5 proxy, one before the tunnel endpoint, one before each back end dialled.

They are a layer above the lab file's ``hosts`` table: the addresses that parties are configured with, report and
complain about stay those of the real servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from connector_sim.on_premise.back_end import BackEndOpener, Resolve
from connector_sim.on_premise.settings import ConnectorSettings, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from maco_lab.taps.chunk import Hop, TapChunk, TappedConnection
from maco_lab.taps.copies import Copies, Passed, Wiretap
from maco_lab.taps.ends import Ends
from maco_lab.taps.key_files import KeyFiles
from maco_lab.taps.tap import Tap
from maco_net.tcp import TcpStream
from maco_wire.observation import Address, Observation, Record
from maco_wire.observation import Hop as HopSeen

MAX_TAPS = 256
"""How many listeners the taps of a lab have together: a mapping may stand for thousands of ports."""


class Taps:
    """Made by ``tapping``; its taps live as long as that block."""

    def __init__(self, tasks: asyncio.TaskGroup, keys: KeyFiles) -> None:
        self._tasks = tasks
        self.keys = keys
        """What the parties' TLS servers log: theirs, not the taps'."""
        self._copies = Copies()
        self._ends = Ends()
        self._taps: dict[tuple[Hop, Address], Tap] = {}
        self._running: list[asyncio.Task[None]] = []
        self.max_taps = MAX_TAPS

    def connections(self) -> tuple[TappedConnection, ...]:
        """Return the connections that went through a tap."""
        return self.wiretap().connections

    def chunks(self) -> tuple[TapChunk, ...]:
        """Return the bytes that passed the taps, as far as they are kept, in their order."""
        return self.wiretap().chunks

    def wiretap(self) -> Wiretap:
        """Return both, and which connections lost bytes."""
        return self._copies.wiretap()

    def passed(self, hop: HopSeen) -> Passed:
        """Return how much has passed on a hop in all, also of what is not kept any more."""
        return self._copies.passed(hop.value)

    def before(self, hop: Hop, server: Address) -> Tap:
        """Return the tap before a server; it is put in when it is asked for first. Raises OSError."""
        if (hop, server) not in self._taps:
            tap = self._taps[hop, server] = Tap(hop, server, self._copies, self._ends)
            self._running.append(self._tasks.create_task(tap.serve()))
        return self._taps[hop, server]

    def before_back_end(self, server: Address) -> Tap | None:
        """Return the tap before a back end; None if there are too many, or no descriptor is left: it goes untapped."""
        if ("customer LAN", server) not in self._taps and len(self._taps) >= self.max_taps:
            return None
        try:
            return self.before("customer LAN", server)
        except OSError:
            return None

    def recording(self, record: Record) -> Record:
        """Return what records observations as if there were no tap."""
        as_untapped = self._ends.as_untapped

        def record_untapped(observation: Observation) -> None:
            record(as_untapped(observation))

        return record_untapped

    def as_untapped(self, observation: Observation) -> Observation:
        """Return an observation as it would be if there were no tap."""
        return self._ends.as_untapped(observation)

    def close(self) -> None:
        """Take all taps out: what passes them is reset."""
        for task in self._running:
            task.cancel()
        for tap in self._taps.values():  # a task that was cancelled before it began closes nothing
            tap.close()


@contextlib.asynccontextmanager
async def tapping() -> AsyncIterator[Taps]:
    """Hold the taps of one lab; leave only after the parties have ended, or they meet resets."""
    failure: BaseException | None = None
    with tempfile.TemporaryDirectory(prefix="maco-lab-keys-") as folder:  # mkdtemp: its owner's alone
        async with asyncio.TaskGroup() as tasks:
            taps = Taps(tasks, KeyFiles(Path(folder)))
            try:
                yield taps
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except BaseException as error:  # noqa: BLE001 - raised again below: a TaskGroup would wrap it in a group
                failure = error
            finally:
                taps.close()
                taps.keys.close()
    if failure is not None:
        raise failure


class TappedBackEndOpener(BackEndOpener):
    """Opens back ends through a tap on the customer's LAN; what is not there is met as without one."""

    def __init__(
        self,
        taps: Taps,
        settings: ConnectorSettings,
        trust_store: BackEndTrustStore,
        resolve: Resolve,
        **reporting: Any,
    ) -> None:
        super().__init__(settings, trust_store, self._before_back_end, **reporting)
        self._taps = taps
        self._names = resolve
        self._connect_s = settings.connect_s

    async def dial(self, mapping: SystemMapping) -> TcpStream:
        """See BackEndOpener."""
        back_end = self._names(mapping.internal_host, mapping.internal_port)
        tap = back_end and self._taps.before_back_end(back_end)
        if not tap or self._drops(mapping.internal_host, mapping.internal_port):
            return await super().dial(mapping)
        ahead = await tap.dial_ahead(self._connect_s)
        try:
            return await super().dial(mapping)
        except BaseException:
            tap.give_back(ahead)
            raise

    def _before_back_end(self, host: str, port: int) -> Address | None:
        back_end = self._names(host, port)
        tap = back_end and self._taps.before_back_end(back_end)
        return tap.address if tap else back_end

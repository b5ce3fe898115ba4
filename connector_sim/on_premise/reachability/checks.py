"""The checks of one connector: what each internal system's last one showed, and how many run at a time.

As in the product (SAP, "Configure Access Control (TCP)"): a check runs on saving and on demand and never by itself; it
is for information and holds up nothing; its result counts for all mappings with the same internal system and protocol.
"""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Callable
from typing import TypeAlias

from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.reachability.probe import Probe
from connector_sim.on_premise.reachability.result import CheckResult, PortCheck
from connector_sim.on_premise.system_mapping import SystemMapping
from maco_wire.observation import ConnectionChecked, Party, Record

MOST_AT_A_TIME = 8
"""Checks on demand that run at a time; the others wait their turn."""
TURN_S = 20.0
"""How long one waits for its turn."""
MOST_SOON_AT_A_TIME = 4
MOST_SOON = 256
"""Checks on saving that are under way or wait; a mapping that is saved beyond that stays unchecked."""
MOST_KEPT = 4096
"""Results that are remembered; the oldest are forgotten first."""
PORTS_OF_A_RANGE = 5
"""Ports of a range that are tried: the first, the last, and some between, evenly."""

_System: TypeAlias = tuple[str, PortRange, str]


class ChecksBusy(Exception):
    """Others were checked all the time that this check could wait."""


_log = logging.getLogger(__name__)


class ReachabilityChecks:
    """Checks internal systems and remembers the results."""

    def __init__(
        self,
        back_ends: BackEndOpener,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
        clock: Callable[[], float],
    ) -> None:
        self._probe = Probe(back_ends, describe_certificate, clock)
        self._record = record
        self._clock = clock
        self._turns = asyncio.Semaphore(MOST_AT_A_TIME)
        self._turns_soon = asyncio.Semaphore(MOST_SOON_AT_A_TIME)
        self._results: collections.OrderedDict[_System, CheckResult] = collections.OrderedDict()
        self._tasks: asyncio.TaskGroup | None = None
        self._soon: set[asyncio.Task[None]] = set()

    def result(self, mapping: SystemMapping) -> CheckResult | None:
        """Return what the last check of a mapping's internal system showed; None if there was none."""
        return self._results.get(_system(mapping))

    async def check(self, mapping: SystemMapping) -> CheckResult:
        """Check a mapping's internal system now; of a range, some of its ports. Raises ChecksBusy."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.acquire()
        except TimeoutError as error:
            raise ChecksBusy(f"{MOST_AT_A_TIME} other checks took {TURN_S:g} s: try again") from error
        try:
            return await self._check(mapping)
        finally:
            self._turns.release()

    def check_soon(self, mapping: SystemMapping) -> None:
        """Check in the background, as on saving; nothing is done while the connector does not run."""
        if self._tasks is not None and len(self._soon) < MOST_SOON:
            task = self._tasks.create_task(self._check_soon(mapping))
            self._soon.add(task)
            task.add_done_callback(self._soon.discard)

    def forget(self) -> None:
        """Forget every result, and give up what is checked in the background."""
        for task in self._soon:
            task.cancel()
        self._soon.clear()
        self._results.clear()

    async def run(self) -> None:
        """Let checks run in the background until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.get_running_loop().create_future()
        finally:
            self._tasks = None

    async def _check_soon(self, mapping: SystemMapping) -> None:
        try:
            async with self._turns_soon:
                await self._check(mapping)
        except Exception:  # noqa: BLE001 - nobody waits for it: it must not end the connector
            _log.exception("the check of %s failed through a defect of this program", mapping.virtual)

    async def _check(self, mapping: SystemMapping) -> CheckResult:
        async with asyncio.TaskGroup() as tasks:
            tried = [
                tasks.create_task(self._check_port(mapping.narrowed_to(port)))
                for port in ports_to_try(mapping.virtual_ports)
            ]
        ports = tuple(each.result() for each in tried)
        result = CheckResult(ports, mapping.port_count - len(ports), int(self._clock() * 1000))
        self._results[_system(mapping)] = result
        self._results.move_to_end(_system(mapping))
        while len(self._results) > MOST_KEPT:
            self._results.popitem(last=False)
        return result

    async def _check_port(self, mapping: SystemMapping) -> PortCheck:
        found = await self._probe.check(mapping)
        self._record(
            ConnectionChecked(
                Party.CLOUD_CONNECTOR,
                mapping.internal_host,
                mapping.internal_port,
                mapping.protocol,
                reachable=found.is_reachable,
                reason=found.reason,
                text=found.message,
                peer_chain=tuple(each.summary for each in found.tls.chain) if found.tls else (),
            )
        )
        return found


def ports_to_try(ports: PortRange) -> list[int]:
    """Return which ports of a range are tried, in order."""
    steps = min(PORTS_OF_A_RANGE, len(ports)) - 1
    if steps <= 0:
        return [ports.first]
    return [ports.first + at * (len(ports) - 1) // steps for at in range(steps + 1)]


def _system(mapping: SystemMapping) -> _System:
    return mapping.internal_host.lower(), mapping.internal_ports, mapping.protocol.value

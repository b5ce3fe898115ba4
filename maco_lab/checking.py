"""Reachability checks of the system mappings of a running lab, for the command line.

The Cloud Connector checks; here is which mappings, and how long all of it may take.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector_sim.admin.check_shape import check_shape
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.reachability.checks import MOST_AT_A_TIME, ChecksBusy
from connector_sim.on_premise.system_mapping import SystemMapping

ALL_S = 120.0
"""How long the checks of one connector may take together; what was not reached by then stays unchecked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mappings: ``CONNECTOR/VIRTUAL:PORT``, or without the connector; an empty text is all."""

    target: str = ""

    @property
    def connector(self) -> str:
        """The name of the Cloud Connector; empty for any."""
        return self.target.rpartition("/")[0]

    @property
    def virtual(self) -> str:
        """The virtual ``host:port`` or ``host:low-high``; empty for all."""
        return self.target.rpartition("/")[2].lower()


async def checked(connector: CloudConnector, wanted: Wanted) -> list[dict[str, Any]]:
    """Check the wanted mappings of one connector; each result has ``connector`` and ``subaccount`` too."""
    chosen = list(_chosen(connector, wanted))
    turns = asyncio.Semaphore(MOST_AT_A_TIME)

    async def check(mapping: SystemMapping) -> None:
        async with turns:
            with contextlib.suppress(ChecksBusy):
                await connector.checks.check(mapping)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALL_S), asyncio.TaskGroup() as tasks:
            for _, mapping in chosen:
                tasks.create_task(check(mapping))
    return [
        {
            "connector": connector.settings.name,
            "subaccount": subaccount,
            **check_shape(mapping, connector.checks.result(mapping)),
        }
        for subaccount, mapping in chosen
    ]


def _chosen(connector: CloudConnector, wanted: Wanted) -> Iterator[tuple[str, SystemMapping]]:
    if wanted.connector not in {"", connector.settings.name}:
        return
    for subaccount in connector.tunnels:
        for mapping in connector.mappings(subaccount):
            if wanted.virtual in {"", mapping.virtual.lower()}:
                yield subaccount, mapping

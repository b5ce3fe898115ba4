"""Make a running lab as new, without giving up its ports, its certificates or its tokens.

What is left of earlier use goes first: polls, connections, tunnels. Then the stores and the journal are emptied, and
last the tunnels are dialled again, so that the journal begins as that of a lab that has just started.
"""

from __future__ import annotations

import asyncio
import contextlib

from connector_sim.on_premise.connector import CloudConnector
from maco_lab.journal import Journal
from maco_lab.topology import RunningLab
from maco_wire.observation import Party, StreamClosed, StreamOpened

RESET_S = 10.0
"""When a reset has failed: a tunnel that cannot be dialled gives up earlier."""
LAST_WORDS_S = 0.5
"""How long the relays of lost connections have to report their end."""


async def reset(lab: RunningLab) -> None:
    """Empty mailboxes, inbox and journal; put mappings and hosts back; dial every tunnel anew.

    Raises TimeoutError, also for a pair whose roles have changed: it does not become as new.
    """
    if any(node.role != node.first_role or node.is_dead for node in lab.nodes.values()):
        raise TimeoutError("a master and its shadow are not what they were")
    async with asyncio.timeout(RESET_S):
        for administration in lab.administrations.values():
            await administration.restore()
        await lab.tenant.restore()
        for connector in lab.connectors.values():
            await _disconnect(connector)
        await lab.cloud.registry.emptied()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lab.mail_server.clear())
            tasks.create_task(lab.inbox.clear())
            tasks.create_task(_relays_ended(lab.journal))
        lab.journal.clear()
        lab.names.restore()
        for name, connector in lab.connectors.items():
            await _restore(connector)
            if name not in lab.nodes or lab.nodes[name].role == "master":
                await connector.connect()


async def _disconnect(connector: CloudConnector) -> None:
    async with asyncio.TaskGroup() as tasks:
        for tunnel in connector.tunnels.values():
            tasks.create_task(tunnel.disconnect())


async def _restore(connector: CloudConnector) -> None:
    connector.usage.restart()
    await connector.logs.restart()
    for subaccount in connector.settings.subaccounts:
        connector.expose(subaccount.subaccount, subaccount.mappings)
        if connector.location_id(subaccount.subaccount) != subaccount.location_id:
            await connector.change_location_id(subaccount.subaccount, subaccount.location_id)


async def _relays_ended(journal: Journal) -> None:
    """Return once each party has reported the end of each connection that it relayed."""
    with contextlib.suppress(TimeoutError):
        for connection in _relayed(journal, StreamOpened) - _relayed(journal, StreamClosed):
            await journal.wait_for(
                lambda entry, wanted=connection: (  # type: ignore[misc]  # mypy infers no type for a default
                    isinstance(entry.observation, StreamClosed)
                    and (entry.observation.party, entry.observation.trace_id) == wanted
                ),
                timeout_s=LAST_WORDS_S,
            )


def _relayed(journal: Journal, kind: type[StreamOpened | StreamClosed]) -> set[tuple[Party, str | None]]:
    return {(each.party, each.trace_id) for each in journal.of(kind)}

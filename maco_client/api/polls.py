"""Answer what concerns polls: let MaCo poll now, and tell how far polls are."""

from __future__ import annotations

import asyncio

from maco_client.api import shapes
from maco_client.api.asked import Asked
from maco_client.api.entries import iso
from maco_client.api.office import Office
from maco_client.configuration import EMAIL_CONNECTION, find


async def poll(office: Office, asked: Asked) -> shapes.PollResults:
    """Poll the named e-mail connections, or all, side by side. A name that is none is told before any is polled."""
    wanted = await asked.body(shapes.PollRequest)
    known = office.tenant.configuration.connections
    names = list(dict.fromkeys(wanted.connections)) or list(known)
    for name in names:
        find(EMAIL_CONNECTION, known, name)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(office.tenant.poll(name)) for name in names]
    return shapes.PollResults(results=[task.result() for task in running])


async def running_polls(office: Office, _asked: Asked) -> shapes.RunningPolls:
    """Return the polls that run now."""
    return shapes.RunningPolls(polls=[_running(office, name, since) for name, since in _begun(office)])


def _begun(office: Office) -> list[tuple[str, float]]:
    statistics = office.tenant.statistics.items()
    return [(name, each.running_since) for name, each in statistics if each.running_since is not None]


def _running(office: Office, name: str, since: float) -> shapes.RunningPoll:
    progress = office.tenant.progress(name)
    return shapes.RunningPoll(
        connection=name,
        since=iso(since),
        stage=progress.stage if progress else "lock",
        mails=progress.dealt_with if progress else 0,
        stored=progress.stored if progress else 0,
    )

"""Several e-mail connections poll side by side: a mail server that says nothing holds up no other one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maco_client.results import PollResult
from maco_lab.maco_side import MacoSide
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, PollFinished, StreamOpened
from tests.failures.scripted import both
from tests.failures.settings import INTERNAL_B, WAY_A, WAY_B, mapping

DEADLINE_S = 15.0
"""Half of what way A waits for a greeting."""


def often(data: dict[str, Any]) -> None:
    data["maco"].update(poll_every_s=0.05)


async def polled(maco: MacoSide, count: int) -> list[PollResult]:
    """Return the first results of a running schedule."""
    results: asyncio.Queue[PollResult] = asyncio.Queue()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        schedule = tasks.create_task(maco.run_schedule(results.put, lambda: None))
        told = [await results.get() for _ in range(count)]
        schedule.cancel()
    return told


# Way A leads to a port that waits for TLS while MaCo waits for a greeting (facts, section 1.4).
@pytest.mark.maco_lab(change=both(mapping(WAY_A, internal=INTERNAL_B), often))
def test_a_silent_mail_server_holds_up_no_poll_of_another(maco_lab: Lab, lab_journal: LabJournal) -> None:
    maco_lab.mail_server.deliver("gas@stadtwerke.example")

    told = maco_lab.thread.run(polled(maco_lab.running.maco, 3))

    assert [(each.connection, each.succeeded, each.stored) for each in told] == [
        (WAY_B, True, 1), (WAY_B, True, 0), (WAY_B, True, 0)
    ]  # fmt: skip
    opened = lab_journal.of(StreamOpened, Party.CLOUD_CONNECTOR)
    assert {each.protocol for each in opened} == {"TCP", "TCPS"}, "way A has come as far as to the silence"
    assert {each.connection for each in lab_journal.of(PollFinished)} == {WAY_B}

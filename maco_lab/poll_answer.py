"""Let MaCo poll on demand, and answer with plain data: each result, and what the others saw of a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from maco_client.results import PollResult
from maco_lab.failure import settled_failure
from maco_lab.journal import Journal
from maco_lab.maco_side import MacoSide


async def poll_answer(maco: MacoSide, journal: Journal, names: Sequence[str]) -> list[dict[str, Any]]:
    """Poll the named connections, or every one. Raises UnknownEntry.

    Each result has the keys of PollResult and ``seen_by``: what each other party saw, by its name, if it failed.
    """
    before = journal.last
    return [await _with_witnesses(journal, each, before) for each in await maco.poll_all(names)]


async def _with_witnesses(journal: Journal, result: PollResult, after: int) -> dict[str, Any]:
    seen_by = {} if result.succeeded else (await settled_failure(journal, result, after=after)).seen_by
    return asdict(result) | {"seen_by": {party.value: seen for party, seen in seen_by.items()}}

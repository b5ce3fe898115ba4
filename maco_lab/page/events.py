"""The journal as server-sent events (WHATWG HTML, section 9.2), bounded for each client.

A client that reads slowly holds nothing here: what it has not read yet is read from the journal by number, and what the
journal has forgotten meanwhile is told as a gap.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator

from maco_lab.journal import Entry, Journal

BACKLOG = 500
"""How many entries a client gets that were recorded before it came (back)."""

BEAT_S = 15.0
"""After so many seconds of silence a comment is sent: a client that is gone is found out by it."""


class Events:
    """The stream of one run of a lab; the IDs of another run count for nothing."""

    def __init__(self, journal: Journal, *, beat_s: float = BEAT_S) -> None:
        self._journal = journal
        self._beat_s = beat_s
        self.run = secrets.token_hex(4)

    async def stream(self, last_event_id: str = "") -> AsyncGenerator[str, None]:
        """Yield events until the client goes: the back-log first, then each entry as it is recorded."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake(_: Entry) -> None:
            loop.call_soon_threadsafe(news.set)

        stop = self._journal.listen(wake)
        try:
            yield event("run", {"run": self.run, "last": self._journal.last})
            after = self._number(last_event_id)
            while True:
                news.clear()
                told, after = self._told(after)
                if told:
                    yield told
                    continue
                if not await _within(self._beat_s, news):
                    yield ": still here\n\n"
        finally:
            stop()

    def _number(self, last_event_id: str) -> int | None:
        """Return the entry's number in an ID of this run; None for any other."""
        run, _, number = last_event_id.rpartition("-")
        known = run == self.run and number.isascii() and number.isdigit() and len(number) < len(str(2**53))
        return int(number) if known and int(number) <= self._journal.last else None

    def _told(self, after: int | None) -> tuple[str, int | None]:
        """Return the events behind entry ``after``, and the number of the newest; None: the newest that there are."""
        entries = self._journal.entries(after=after or 0)[-BACKLOG:]
        if not entries:
            return "", after
        missed = entries[0].number - after - 1 if after is not None else 0
        gap = event("gap", {"missed": missed}) if missed > 0 else ""
        lines = "".join(f"id: {self.run}-{each.number}\nevent: entry\ndata: {each.as_json()}\n\n" for each in entries)
        return gap + lines, entries[-1].number


def event(kind: str, data: dict[str, object]) -> str:
    """Return one event; JSON has no line ends in it."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


async def _within(seconds: float, news: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True

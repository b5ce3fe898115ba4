"""One thread that writes, many writes in one commit.

Whoever asks for a write gets a future that resolves after the commit that contains it. Writes that arrive while a
commit is on its way to the disk wait for the next one and share it: that is what makes many small deliveries cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from mailserver_sim.store.errors import StoreError
from mailserver_sim.store.values import Change, Written

MAX_WRITES_PER_COMMIT = 256

ResultT = TypeVar("ResultT")
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[sqlite3.Connection], Written[Any]]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    written: Written[Any] | None = None
    error: Exception | None = None


class GroupCommitWriter:
    """Own the writing connection. ``announce`` is called in the loop with what a commit changed, before its futures."""

    def __init__(self, connection: sqlite3.Connection, announce: Callable[[tuple[Change, ...]], None]) -> None:
        self._connection = connection
        self._announce = announce
        self._waiting: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail-store-writer")
        self.commits = 0
        """How many commits there were so far."""

    def write(self, work: Callable[[sqlite3.Connection], Written[ResultT]]) -> asyncio.Future[ResultT]:
        """Run ``work`` in the writer's thread; what it raises undoes its own changes only."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        self._waiting.append(_Job(work, loop, future))
        try:
            self._thread.submit(self._drain)
        except RuntimeError:
            self._waiting.pop()
            future.set_exception(StoreError("the mail store is closed"))
        return future

    def read(self, work: Callable[[sqlite3.Connection], ResultT]) -> asyncio.Future[ResultT]:
        """Run ``work`` between two commits: a store in memory has no other connection."""
        try:
            return asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)
        except RuntimeError as error:
            raise StoreError("the mail store is closed") from error

    def tidy(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        """Run ``work`` until it returns False, in between what others write; an end does not wait for it."""
        with contextlib.suppress(RuntimeError):  # closed, so the next who opens the file does it
            self._thread.submit(self._tidy, work)

    def close(self) -> None:
        """Finish what is waiting, then close the connection; waits for the thread."""
        self._thread.shutdown(wait=True)
        self._connection.close()

    def _drain(self) -> None:
        jobs: list[_Job] = []
        while self._waiting and len(jobs) < MAX_WRITES_PER_COMMIT:
            jobs.append(self._waiting.popleft())
        if not jobs:
            return
        try:
            self._commit(jobs)
        except sqlite3.Error as error:
            self._undo(jobs, error)
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it all who waited
            jobs[0].loop.call_soon_threadsafe(self._resolve, jobs)

    def _tidy(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            more = work(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            _log.warning("the mail store could not be tidied up, which is left for the next time: %s", error)
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            return
        if more:
            self.tidy(work)

    def _commit(self, jobs: list[_Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            self._run(job)
        self._connection.execute("COMMIT")
        self.commits += 1

    def _run(self, job: _Job) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            job.written = job.work(self._connection)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked for the work
            job.error = error
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")

    def _undo(self, jobs: list[_Job], error: sqlite3.Error) -> None:
        """Nothing was committed: tell everybody so (a full disk, for example)."""
        _log.error("the mail store could not commit: %s", error)
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        for job in jobs:
            job.written = None
            job.error = job.error or StoreError(f"the mail store could not commit: {error}")

    def _resolve(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if job.written is not None:
                self._announce(job.written.changes)
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            elif job.written is not None:
                job.future.set_result(job.written.result)

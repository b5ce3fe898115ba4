"""One process of a party, seen from its parent: requests, reports, and its end. The other end is ``attached``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from maco_wire.observation import Observation
from maco_wire.observation_fields import BadObservation, observation_from_fields

MAX_LINE_BYTES = 64 * 1024 * 1024
"""The answer to a poll names every mail that was fetched, some 200 bytes each."""

STOP_S = 0.6
"""How long a process may take to end by itself; "Ctrl-C ends everything within a second"."""

_T = TypeVar("_T")

Take: TypeAlias = Callable[[float, Observation], None]
Reply: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
Serve: TypeAlias = Callable[[Mapping[str, Any], Reply], Awaitable[None]]
"""Answers a question of the process; it is cancelled when that ends."""

_log = logging.getLogger(__name__)


class PartyGone(Exception):
    """The process ended before it answered."""


async def _unanswered(_: Mapping[str, Any], reply: Reply) -> None:
    """Answer nothing to a process that has nothing to ask."""
    await reply({})


class PartyProcess:
    """A running process. ``read`` must run for anything else to come to an end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take over a process whose standard input and output are pipes."""
        if process.stdin is None or process.stdout is None:
            raise AssertionError("started with pipes")
        self._process = process
        self._requests, self._reports = process.stdin, process.stdout
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._all_taken = asyncio.Event()

    @classmethod
    async def start(cls, arguments: Sequence[str]) -> PartyProcess:
        """Start ``python -m ARGUMENTS``, in a session of its own: Ctrl-C is its parent's business. Raises OSError."""
        # -P: nothing that lies in the current folder is taken for a module.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_listening(self) -> bool:
        """Whether it has said hello and not ended."""
        return self._hello.done() and not self._hello.cancelled() and self._process.returncode is None

    async def read(self, take: Take, serve: Serve = _unanswered) -> int:
        """Pass on what it reports until it has ended; return its exit code, negative for a signal.

        What it asks is given to ``serve``, each question in a task of its own.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                questions: set[asyncio.Task[None]] = set()
                while line := await self._reports.readline():
                    if question := self._take(line, take):
                        asked = tasks.create_task(self._answered(question, serve))
                        questions.add(asked)
                        asked.add_done_callback(questions.discard)
                for asked in questions:
                    asked.cancel()
            return await self._process.wait()
        finally:
            self._all_taken.set()
            self._hello.cancel()
            for answer in self._answers.values():
                answer.cancel()
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()

    async def ready(self) -> None:
        """Return once the process takes requests. Raises PartyGone."""
        await _unless_gone(asyncio.shield(self._hello), self._hello)

    async def sync(self, *, timeout_s: float) -> None:
        """Return once everything that it had reported before was taken. Raises TimeoutError.

        One that was told to end answers nothing any more, but may have reported something: its end is the answer.
        """
        if not self._hello.done():
            return
        async with asyncio.timeout(timeout_s):
            if self.is_listening:
                with contextlib.suppress(PartyGone):
                    await self.ask("sync", timeout_s=None)
                    return
            await self._all_taken.wait()

    async def ask(self, command: str, *, timeout_s: float | None, **arguments: Any) -> Mapping[str, Any]:
        """Ask, and return the answer. Raises PartyGone, TimeoutError."""
        number = next(self._numbers)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._send({"id": number, "command": command} | arguments)
                return await _unless_gone(answer, answer)
        finally:
            del self._answers[number]

    async def stop(self, *, within_s: float = STOP_S) -> None:
        """Tell the process to end by closing its standard input; one that does not is killed."""
        self._requests.close()
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self._process.returncode is not None or self._reports.at_eof():
            raise PartyGone
        try:
            self._requests.write(json.dumps(message).encode() + b"\n")
            await self._requests.drain()
        except (ConnectionError, RuntimeError) as error:
            raise PartyGone from error

    async def _answered(self, question: Mapping[str, Any], serve: Serve) -> None:
        async def reply(answer: Mapping[str, Any]) -> None:
            await self._send({"command": "answer", "ask": question["ask"], "answer": answer})

        with contextlib.suppress(PartyGone):
            await serve(question, reply)

    def _take(self, line: bytes, take: Take) -> Mapping[str, Any] | None:
        """Deal with one line, or return a question. The process is killed in the middle of one as easily as not."""
        try:
            match json.loads(line):
                case {"t": float(at), "observation": dict(fields)}:
                    take(at, observation_from_fields(fields))
                case {"answer": int(number)} as reply:
                    if (answer := self._answers.get(number)) and not answer.done():
                        answer.set_result(reply)
                case {"hello": int()}:
                    self._hello.set_result(None)
                case {"ask": int(), "question": str()} as question:
                    return dict(question)
        except (ValueError, BadObservation) as error:
            _log.warning("process %d: a report that cannot be read: %s", self.pid, error)
        return None


async def _unless_gone(awaited: asyncio.Future[_T], decided: asyncio.Future[_T]) -> _T:
    """Await; a future that was cancelled because the process has ended is PartyGone, our own cancellation is not."""
    try:
        return await awaited
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if decided.cancelled() and not (task and task.cancelling()):
            raise PartyGone from None
        raise


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"

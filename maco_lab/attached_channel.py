"""The two pipes between an attached party and its parent, from the party's end: see ``attached``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from maco_lab.runner import EXIT_CANNOT_START
from maco_wire.observation import Observation

MAX_LINE_BYTES = 64 * 1024 * 1024
LAST_RESORT_S = 2.0
"""How long a party may take to put itself away once its parent is gone; then it just ends."""


class Channel:
    """This process's end of the two pipes to its parent. ``record`` and ``send`` may be called from any thread."""

    _numbers = itertools.count(1)

    def __init__(self) -> None:
        """Take standard output for reports; what prints from now on prints to standard error."""
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._questions: dict[int, asyncio.Future[Mapping[str, Any]]] = {}

    def record(self, observation: Observation) -> None:
        """Report an observation with its time, taken under the lock: what is sent later was seen later."""
        with self._lock:
            self._write({"t": time.time(), "observation": observation.as_fields()})

    def send(self, message: Mapping[str, Any]) -> None:
        """Send anything else, behind everything that was reported before."""
        with self._lock:
            self._write(message)

    async def ask(self, question: str, **about: Any) -> Mapping[str, Any]:
        """Ask the parent and return its answer. It answers as long as it is there; without it this process ends."""
        number = next(self._numbers)
        self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            self.send({"ask": number, "question": question} | about)
            return await self._questions[number]
        finally:
            del self._questions[number]

    def take_answer(self, message: Mapping[str, Any]) -> None:
        """Take what the parent answers; whoever asked may have given up."""
        if (question := self._questions.get(message["ask"])) and not question.done():
            question.set_result(message["answer"])

    def _write(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):  # the parent is gone, and standard input has ended too
            while data:
                data = data[os.write(self._out, data) :]

    async def requests(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what the parent asks, until it closes its end or dies."""
        reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        stdin = os.fdopen(os.dup(0), "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), stdin
        )
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                yield json.loads(line)
        finally:
            transport.close()


class Orders:
    """The parent's requests: ``sync`` is answered at once, the others wait for the party."""

    def __init__(self, channel: Channel) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("asyncio runs every coroutine in a task")
        self._party = task
        self._channel = channel
        self._waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.ended = False

    async def listen(self) -> None:
        """Take requests; when there can be no more, cancel the party."""
        async for request in self._channel.requests():
            if request["command"] == "sync":
                self._channel.send({"answer": request["id"]})
            elif request["command"] == "answer":
                self._channel.take_answer(request)
            else:
                self._waiting.put_nowait(request)
        self.ended = True
        last_resort = threading.Timer(LAST_RESORT_S, os._exit, [EXIT_CANNOT_START])
        last_resort.daemon = True
        last_resort.start()
        self._party.cancel()

    async def next(self) -> Mapping[str, Any]:
        """Return the next request."""
        return await self._waiting.get()

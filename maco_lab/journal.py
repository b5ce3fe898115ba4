"""The journal: one ordered stream of what all parties observed.

The journal gives each observation its number and its time, under a lock, because parties report from several threads.
The command line, the demo and the tests read the journal and nothing else. On disk it is JSON lines; the schema is in
``docs/journal.md``.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

from maco_wire.observation import Handshake, Observation, TlsSession

MAX_ENTRIES = 20_000
"""How many entries are kept in memory."""

MAX_TEXT = 1_000
"""How many characters of a text are kept: peers write some of them, and what they write must not fill the memory."""

MAX_FILE_BYTES = 128 * 1024 * 1024
"""How large the file may get before it is put aside (``.1`` behind its name) and a new one begun."""

MAX_TUNNEL_HANDSHAKES = 1_000
"""How many handshakes of tunnels are kept beyond that: a tunnel that lives long is still carrying what is polled."""

SCHEMA_VERSION = 1

_O = TypeVar("_O", bound=Observation)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: ``number`` counts from 1 without gaps, ``time`` is seconds since 1970."""

    number: int
    time: float
    observation: Observation

    def as_data(self) -> dict[str, Any]:
        """Return the entry as plain data, with the keys of the file."""
        fields: dict[str, Any] = {"v": SCHEMA_VERSION, "n": self.number, "t": round(self.time, 6)}
        return fields | self.observation.as_fields()

    def as_json(self) -> str:
        """Return the line of the file, without its end."""
        return json.dumps(self.as_data(), ensure_ascii=False)


class Journal:
    """Append-only; safe to use from any thread."""

    def __init__(self, file: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Write to ``file`` too, from its start; the folder must exist."""
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._tunnels: collections.deque[Entry] = collections.deque(maxlen=MAX_TUNNEL_HANDSHAKES)
        self._last = 0
        self._path = file
        self._file: TextIO | None = open_private(file) if file else None
        self._written = 0
        self._listeners: list[Callable[[Entry], None]] = []

    def record(self, observation: Observation, *, at: float | None = None) -> None:
        """Take an observation from a party; ``at`` is when it was made, if that was in another process."""
        observation = _cut(observation)
        with self._lock:
            self._last += 1
            entry = Entry(self._last, self._clock() if at is None else at, observation)
            self._entries.append(entry)
            if isinstance(observation, Handshake) and observation.session is TlsSession.TUNNEL:
                self._tunnels.append(entry)
            if len(self._entries) > MAX_ENTRIES:
                del self._entries[: MAX_ENTRIES // 10]
            self._write(entry)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(entry)

    def _write(self, entry: Entry) -> None:
        """Append to the file. A full disk must not end the party that reports: the file ends, memory goes on."""
        if self._file is None:
            return
        line = entry.as_json() + "\n"
        try:
            if self._written > MAX_FILE_BYTES:
                self._begin_new_file()
            self._file.write(line)
            self._file.flush()
            self._written += len(line)
        except OSError as error:
            _log.error("%s: %s; the journal's file ends before entry %d", self._path, error.strerror, entry.number)
            self._close_file()

    def _begin_new_file(self) -> None:
        if self._file and self._path:
            self._file.close()
            self._path.replace(put_aside(self._path))
            self._file, self._written = open_private(self._path), 0

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):  # what could not be written cannot be written now either
                file.close()

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 if there is none."""
        return self._last

    def entries(self, *, after: int = 0) -> list[Entry]:
        """Return what was recorded behind entry number ``after``."""
        with self._lock:
            return self._behind(after)

    def view(self, *, after: int) -> list[Entry]:
        """Return the same, and before it the handshakes of tunnels that are older: what a poll can be seen with."""
        with self._lock:
            return [entry for entry in self._tunnels if entry.number <= after] + self._behind(after)

    def _behind(self, number: int) -> list[Entry]:
        """Numbers have no gaps, so an entry's place follows from its number."""
        first = self._entries[0].number if self._entries else 0
        return self._entries[max(0, number - first + 1) :]

    def of(self, kind: type[_O], *, after: int = 0) -> list[_O]:
        """Return the observations of one class, in order."""
        return [entry.observation for entry in self.entries(after=after) if isinstance(entry.observation, kind)]

    def listen(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call ``listener`` for each new entry, in the thread that records it; return how to stop that."""
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait_for(self, wanted: Callable[[Entry], bool], *, after: int = 0, timeout_s: float) -> Entry:
        """Return the first entry behind number ``after`` that is ``wanted``, now or as soon as it is recorded.

        Raises TimeoutError.
        """
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake(_: Entry) -> None:
            loop.call_soon_threadsafe(news.set)

        stop = self.listen(wake)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    news.clear()
                    for entry in self.entries(after=after):
                        if wanted(entry):
                            return entry
                        after = entry.number
                    await news.wait()
        finally:
            stop()

    def clear(self) -> None:
        """Forget everything and count from 1 again, in memory and in the file: for a lab that is used anew."""
        with self._lock:
            self._entries.clear()
            self._tunnels.clear()
            self._last = 0
            if self._file:
                self._file.seek(0)
                self._file.truncate()
                self._written = 0

    def close(self) -> None:
        """Close the file; what is recorded afterwards stays in memory."""
        with self._lock:
            self._close_file()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())


def put_aside(path: Path) -> Path:
    """Return where a journal's file goes when it is large enough and a new one is begun."""
    return path.with_name(path.name + ".1")


def open_private(path: Path) -> TextIO:
    """Open a new file that only its owner can read: user names and subjects are in it. A link there is not followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")


def _cut(observation: Observation) -> Observation:
    """Shorten texts that are longer than any party has a reason to write."""
    long: dict[str, Any] = {
        field.name: value[:MAX_TEXT] + "…"
        for field in dataclasses.fields(observation)
        if isinstance(value := getattr(observation, field.name), str) and len(value) > MAX_TEXT
    }
    return dataclasses.replace(observation, **long) if long else observation

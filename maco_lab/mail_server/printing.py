"""Print lines without ever waiting for whoever reads them.

A program that starts the server through a pipe often reads its first line and nothing more. When the pipe is full, the
server must go on: lines that nobody has room for are left out.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from types import TracebackType
from typing import Self

MAX_LINES = 1_000
"""How many lines wait to be read, beside what the pipe holds."""

END_S = 0.5
"""How long the last lines have at the end."""


class Printer:
    """Writes to a file descriptor from a thread of its own, while the block runs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_LINES)
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
            self._thread.join(END_S)

    def print(self, line: str) -> None:
        """Print a line, or leave it out when too many wait; from any thread."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def _run(self) -> None:
        # Not by sys.stdout: a thread that is held up in it would keep the interpreter from ending.
        with contextlib.suppress(OSError):  # the reader has gone (``| head``): nothing more is written
            while (line := self._lines.get()) is not None:
                rest = f"{line}\n".encode()
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]


class LogPrinter(logging.Handler):
    """Gives what is logged to a printer, so that no log waits for its reader either."""

    def __init__(self, printer: Printer) -> None:
        super().__init__()
        self._printer = printer

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, or leave it out when too many lines wait."""
        self._printer.print(self.format(record))

"""A mail on its way into the inbox: small ones stay in memory, large ones go to a nameless file beside the inbox.

The file has no name from the start (or loses it at once), so a killed process leaves nothing behind. All work on it is
done in the inbox's one writer thread.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import IO

MEMORY_BYTES = 1024 * 1024
HEAD_BYTES = 64 * 1024


class Spool:
    """Bytes of one mail, at most ``MEMORY_BYTES`` and one read of them in memory."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder = folder
        self._executor = executor
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self.head = b""
        """The beginning of the mail, for its header."""
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Append; raises OSError when the disk is full."""
        self.size += len(data)
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self._memory += data
        if len(self._memory) >= MEMORY_BYTES:
            full, self._memory = self._memory, bytearray()
            await asyncio.get_running_loop().run_in_executor(self._executor, self._write_out, full)

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole mail, piece by piece. Called in the writer thread."""
        if self._file is not None:
            self._file.seek(0)
            while piece := self._file.read(MEMORY_BYTES):
                yield piece
        yield bytes(self._memory)

    def close(self) -> None:
        """Throw the bytes away once the writer thread is through with them."""
        self._executor.submit(self._discard)

    def _write_out(self, data: bytearray) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, prefix="mail-")  # noqa: SIM115 - lives as long as self
        self._file.write(data)

    def _discard(self) -> None:
        self._memory.clear()
        if self._file is not None:
            self._file.close()

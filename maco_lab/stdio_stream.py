"""Standard input and output as one byte stream.

Both may be anything: pipes, a socket, files, a terminal. An event loop can wait for some of these only, and making
them non-blocking would change them for every process that shares them. So each direction blocks in a daemon thread
of its own, which does one read or one write when it is asked to, and never reads ahead. A thread that is blocked when
the process ends is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import select
import threading
from collections.abc import Callable
from typing import TypeAlias

from maco_net.errors import PeerReset
from maco_net.streams import CHUNK_BYTES
from maco_wire.observation import Address

_Job: TypeAlias = Callable[[], bytes]

_NOBODY_READS = select.POLLERR | select.POLLHUP


class StdioStream:
    """A program that speaks through our standard input and listens to our standard output.

    Once the other side has ended (``send_eof``), ``receive`` returns the end as well: nobody needs what would come.
    """

    can_send_eof = True
    local_address: Address = ("stdio", 0)
    peer_address: Address = ("stdio", 0)

    def __init__(self, input_fd: int = 0, output_fd: int = 1) -> None:
        loop = asyncio.get_running_loop()
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._reader = _BlockingThread("standard input")
        self._writer = _BlockingThread("standard output")
        self.received = 0
        """Bytes of input so far."""
        self._over: asyncio.Future[bytes] = loop.create_future()
        self.input_ended: asyncio.Future[bytes] = loop.create_future()
        """Done once all of the input was received."""
        self.unheard = _BlockingThread("standard output's end").do(self._wait_until_unheard)
        """Done once nobody can read the output any more (where the system tells: pipes, sockets, terminals)."""

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream; an input that cannot be read has ended."""
        if self._over.done() or self.input_ended.done():
            return b""
        reading = self._reader.do(lambda: _read(self._input_fd, max_bytes))
        await asyncio.wait((reading, self._over), return_when=asyncio.FIRST_COMPLETED)
        data = reading.result() if reading.done() else b""
        self.received += len(data)
        if not data:
            _set_done(self.input_ended)
        return data

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """See ByteStream; what nobody reads is dropped, for what the program had said before it went goes on."""
        if self.unheard.done():
            return
        try:
            await self._writer.do(lambda: _write(self._output_fd, bytes(data)))
        except (BrokenPipeError, ConnectionResetError):
            _set_done(self.unheard)
        except OSError as error:
            raise PeerReset(os.strerror(error.errno) if error.errno else str(error)) from error

    async def send_eof(self) -> None:
        """Say that nothing more will be sent. The program sees the end when this process ends."""
        _set_done(self._over)

    async def aclose(self) -> None:
        """See ByteStream."""
        _set_done(self._over)

    def abort(self) -> None:
        """See ByteStream."""
        _set_done(self._over)

    def _wait_until_unheard(self) -> bytes:
        watched = select.poll()
        watched.register(self._output_fd, 0)
        ((_, state),) = watched.poll()
        if not state & _NOBODY_READS:  # macOS cannot watch terminals, and says so at once
            threading.Event().wait()
        return b""


class _BlockingThread:
    """Does one job after the other that may block for ever."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[_Job, asyncio.Future[bytes]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, job: _Job) -> asyncio.Future[bytes]:
        """Return the future result of ``job``, which may raise OSError."""
        result: asyncio.Future[bytes] = self._loop.create_future()
        self._jobs.put((job, result))
        return result

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody wants the result
            while True:
                job, result = self._jobs.get()
                try:
                    data = job()
                except OSError as error:
                    self._loop.call_soon_threadsafe(_fail, result, error)
                else:
                    self._loop.call_soon_threadsafe(_set_done, result, data)


def _read(descriptor: int, max_bytes: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, max_bytes)
        except BlockingIOError:  # whoever shares it made it non-blocking
            select.select([descriptor], [], [])
        except OSError:  # closed, or a terminal that has gone
            return b""


def _write(descriptor: int, data: bytes) -> bytes:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
    return b""


def _set_done(future: asyncio.Future[bytes], data: bytes = b"") -> None:
    if not future.done():
        future.set_result(data)


def _fail(future: asyncio.Future[bytes], error: OSError) -> None:
    if not future.done():
        future.set_exception(error)

"""``maco-lab forward``: a local end of a virtual host, for programs that do not speak SOCKS5 with method 0x80.

Each connection is dialled exactly as MaCo dials; then bytes are copied both ways until both directions have ended. A
refusal is told on standard error, and the program sees a reset.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from connector_sim.passage import Watcher
from connector_sim.relay import Relay, RelaySettings
from connector_sim.relays import Relays
from maco_client.dialer import Dialled, dial_on_premise
from maco_client.failures import SocksRefused, StepFailed
from maco_client.settings import EmailServer
from maco_client.wording import SERVICE_BINDING_HINT, cause_of
from maco_lab.binding import Binding
from maco_lab.stdio_stream import StdioStream
from maco_lab.stream_side import StreamSide
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.socket_side import SocketSide
from maco_net.tcp import TcpStream
from maco_wire.observation import Party
from maco_wire.socks5 import Reply

LOCAL_HOST = "127.0.0.1"
HALF_CLOSED_S = 60.0
"""How long a connection with one ended direction may stand still; longer than the lab's Connectivity service waits."""

SCRATCH_BYTES = 256 * 1024
"""How much is received at a time; all connections share the buffer, because it is sent on at once or copied."""

LINGER_S = 1.0
"""How long more of a program's input, and then the mail server's end, are waited for once the program has gone."""

STALLED_S = 10.0
"""How long what a program had said before it went may stand still on its way to the mail server."""

LOOK_S = 0.02
"""How often it is looked whether that moves."""

Tell = Callable[[str], None]

_UNWATCHED = Watcher(Party.MACO, record=lambda _: None)
_RELAYING = RelaySettings(half_closed_s=HALF_CLOSED_S)
_OPTIONS = {Reply.NETWORK_UNREACHABLE: "; the Location ID of this command is its option --location-id"}


class LocalPortError(Exception):
    """The local port cannot be taken; the text says why and what to do."""


class _Gone(Exception):
    """Nobody reads our standard output any more."""


class Way:
    """The way to one virtual host and port; ``target`` says which, with location ID and time-out."""

    def __init__(self, target: EmailServer, binding: Binding) -> None:
        self.target = target
        self._proxy = binding.proxy
        self._tokens = binding.token_source()
        self._token_was_taken = False

    async def open(self) -> Dialled:
        """Dial; raises StepFailed. A token that was taken before and no longer is (a new lab) is renewed once."""
        try:
            dialled = await self._dial()
        except SocksRefused as refused:
            if not self._token_was_taken or refused.hint != SERVICE_BINDING_HINT:
                raise
            self._token_was_taken = False
            dialled = await self._dial()
        self._token_was_taken = True
        return dialled

    async def _dial(self) -> Dialled:
        return await dial_on_premise(self.target, self._proxy, self._tokens)

    def __str__(self) -> str:
        location = f"Location ID {self.target.location_id!r}" if self.target.location_id else "no Location ID"
        return f"{self.target.host}:{self.target.port} ({location})"

    def refusal(self, error: StepFailed) -> str:
        """Put into one line what was refused, and where to look."""
        reply = error.evidence.socks_reply
        option = _OPTIONS.get(Reply(reply), "") if reply in _OPTIONS else ""
        return f"{self}: {cause_of(error)}; look at: {error.hint}{option}"


def run_port(way: Way, port: int, *, say: Tell, complain: Tell) -> int:
    """Serve local ``port`` (0: a free one) until Ctrl-C or SIGTERM. Raises LocalPortError."""
    _run(serve_port(way, port, say, complain))
    return 0


def run_stdio(way: Way, *, complain: Tell) -> int:
    """Carry standard input and output until either end has ended; 1 if the way was refused or broke."""
    code = _run(serve_stdio(way, complain))
    return 128 + signal.SIGTERM if code is None else code


def _run(coroutine: Coroutine[Any, Any, int | None]) -> int | None:
    """Run to the end; None after a signal."""
    try:
        return asyncio.run(_until_signal(coroutine))
    except asyncio.CancelledError:
        return None


async def _until_signal(coroutine: Coroutine[Any, Any, int | None]) -> int | None:
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("asyncio runs every coroutine in a task")
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await coroutine


async def serve_port(way: Way, port: int, say: Tell, complain: Tell) -> None:
    """Dial for every connection to the local port, until cancelled. Raises LocalPortError."""
    try:
        listener = Listener(LOCAL_HOST, port)
    except OSError as error:
        next_step = "; choose another port, or 0 for a free one"
        hint = next_step if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        raise LocalPortError(f"{LOCAL_HOST}:{port}: {os.strerror(error.errno or 0)}{hint}") from error
    say(f"{LOCAL_HOST}:{listener.address[1]} leads to {way}; Ctrl-C ends it")

    async def serve(program: TcpStream) -> None:
        try:
            dialled = await way.open()
        except StepFailed as error:
            complain(way.refusal(error))
            program.abort()
            return
        way_side = SocketSide(dialled.stream, scratch)
        relay = Relay(SocketSide(program, scratch), way_side, _UNWATCHED, "", _RELAYING)
        program.is_kept = True
        relays.start(relay, early_to_maco=dialled.early)

    scratch = memoryview(bytearray(SCRATCH_BYTES))
    relays = Relays()
    try:
        await listener.serve(serve)
    finally:
        relays.cut()


async def serve_stdio(way: Way, complain: Tell, *, input_fd: int = 0, output_fd: int = 1) -> int:
    """Dial once and carry what is read and written; return the exit code."""
    try:
        dialled = await way.open()
    except StepFailed as error:
        complain(way.refusal(error))
        return 1
    program = StdioStream(input_fd, output_fd)
    ended_by = "end"
    try:
        side = StreamSide(program)
        way_side = SocketSide(dialled.stream, memoryview(bytearray(SCRATCH_BYTES)))
        on_its_way = partial(_on_its_way, side, dialled.stream)
        async with in_background(_until_gone(program, on_its_way), *side.jobs()):
            relay = Relay(side, way_side, _UNWATCHED, "", _RELAYING)
            ended_by = (await relay.run(early_to_maco=dialled.early)).ended_by
    except* _Gone:
        pass
    if ended_by == "end" or program.unheard.done():
        return 0
    complain(f"{way}: the connection broke ({ended_by})")
    return 1


async def _until_gone(program: StdioStream, on_its_way: Callable[[], int]) -> None:
    """Raise _Gone once the program has gone; what it had said before is still passed on."""
    await asyncio.wait([program.unheard])  # which, unlike a plain await, leaves the future alone when cancelled
    await _until_passed_on(program, on_its_way)
    await program.aclose()
    await asyncio.sleep(LINGER_S)
    raise _Gone


async def _until_passed_on(program: StdioStream, on_its_way: Callable[[], int]) -> None:
    """Wait for the end of the input and until all of it is passed on, as long as it moves."""
    seen, stood_s = (-1, -1), 0.0
    while not program.input_ended.done() or on_its_way():
        now = (program.received, on_its_way())
        stood_s = stood_s + LOOK_S if now == seen else 0.0
        if stood_s >= (STALLED_S if on_its_way() else LINGER_S):
            return
        seen = now
        await asyncio.sleep(LOOK_S)


def _on_its_way(side: StreamSide, stream: TcpStream) -> int:
    """Return how many bytes of the program the other end of ``stream`` has not acknowledged yet."""
    return side.in_flight + stream.unacknowledged

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connector_sim.passage import Watcher
from connector_sim.relay import Relay, RelayEnd, RelaySettings
from maco_net.errors import PeerReset, PeerTruncated
from maco_net.side import Inlet, Outlet
from maco_net.socket_side import SocketSide
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream
from maco_wire.observation import Observation, Party, Problem, StreamClosed
from tests.connector_sim.landscape import read_all
from tests.connector_sim.sides import ScriptedSide
from tests.maco_net.pairs import DEADLINE_S, tcp_pair, tls_pair

PATIENT = RelaySettings(half_closed_s=5.0)
IMPATIENT = RelaySettings(half_closed_s=0.05)


@dataclass
class Relayed:
    """The two far ends of a relay, and what it reported."""

    maco: TcpStream
    server: ByteStream
    seen: list[Observation]
    running: asyncio.Task[RelayEnd]

    def closed(self) -> StreamClosed:
        (found,) = [each for each in self.seen if isinstance(each, StreamClosed)]
        return found


def scratch() -> memoryview:
    return memoryview(bytearray(65_536))


@contextlib.asynccontextmanager
async def relayed(
    settings: RelaySettings = PATIENT, *, tls: bool = False, early_to_maco: bytes = b"", early_to_server: bytes = b""
) -> AsyncIterator[Relayed]:
    """Relay between a plain connection of MaCo and one of a mail server, which may be under TLS."""
    seen: list[Observation] = []
    back_end_pair = tls_pair() if tls else tcp_pair()
    async with tcp_pair() as (maco, maco_side), back_end_pair as (mail_side, server), asyncio.TaskGroup() as tasks:
        relay = Relay(
            SocketSide(maco_side, scratch()),
            SocketSide(mail_side, scratch()),
            Watcher(Party.CLOUD_CONNECTOR, seen.append),
            "trace",
            settings,
        )
        running = tasks.create_task(relay.run(early_to_maco=early_to_maco, early_to_mail_server=early_to_server))
        yield Relayed(maco, server, seen, running)
        running.cancel()


def _raw_end(stream: ByteStream) -> None:
    """End the TCP connection below a TLS session without close_notify."""
    assert isinstance(stream, TlsStream)
    with socket.socket(fileno=os.dup(stream._sock.fileno())) as wire:
        wire.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("tls", [False, True], ids=["TCP", "TLS"])
async def test_bytes_pass_both_ways(tls: bool) -> None:
    async with relayed(tls=tls) as ends:
        await ends.maco.send(b"a1 NOOP\r\n")
        assert await ends.server.receive() == b"a1 NOOP\r\n"
        await ends.server.send(b"a1 OK\r\n")
        assert await ends.maco.receive() == b"a1 OK\r\n"


async def test_early_bytes_come_first() -> None:
    async with relayed(early_to_maco=b"* OK ", early_to_server=b"a1 ") as ends:
        await ends.maco.send(b"NOOP\r\n")
        await ends.server.send(b"ready\r\n")
        await ends.maco.send_eof()
        await ends.server.send_eof()
        assert (await read_all(ends.maco), await read_all(ends.server)) == (b"* OK ready\r\n", b"a1 NOOP\r\n")


async def test_early_bytes_come_before_what_a_side_holds_already() -> None:
    maco, server = ScriptedSide(holds=b"NOOP"), ScriptedSide()
    _scripted(maco, server).start(_forget, early_to_mail_server=b"a1 ")
    assert server.sent == b"a1 NOOP"


def _scripted(maco: ScriptedSide, server: ScriptedSide, settings: RelaySettings = PATIENT) -> Relay:
    return Relay(maco, server, Watcher(Party.CLOUD_CONNECTOR, lambda _: None), "trace", settings)


def _forget(_: Relay, __: RelayEnd) -> None:
    """Take the end of a relay that nobody asks about."""


async def test_macos_end_is_passed_on_and_the_answer_still_arrives() -> None:
    async with relayed() as ends:
        await ends.maco.send(b"question")
        await ends.maco.send_eof()
        assert await read_all(ends.server) == b"question"
        await ends.server.send(b"answer")
        await ends.server.send_eof()
        assert await read_all(ends.maco) == b"answer"
        assert await ends.running == RelayEnd(8, 6, "end")


async def test_the_servers_end_is_passed_on_and_maco_may_still_speak() -> None:
    async with relayed() as ends:
        await ends.server.send(b"* BYE")
        await ends.server.send_eof()
        assert await read_all(ends.maco) == b"* BYE"
        await ends.maco.send(b"last words")
        await ends.maco.send_eof()
        assert await read_all(ends.server) == b"last words"
        assert (await ends.running).ended_by == "end"


async def test_an_orderly_connection_is_reported_with_its_bytes() -> None:
    async with relayed() as ends:
        await ends.maco.send(b"12345")
        await ends.maco.send_eof()
        await ends.server.send(b"123")
        await ends.server.send_eof()
        await ends.running
        assert ends.closed() == StreamClosed(Party.CLOUD_CONNECTOR, 5, 3, ended_by="end", trace_id="trace")


async def test_a_reset_of_maco_resets_the_server() -> None:
    async with relayed() as ends:
        ends.maco.abort()
        with pytest.raises(PeerReset):
            await ends.server.receive()
        assert (await ends.running).ended_by == "reset"


async def test_a_reset_of_the_server_resets_maco() -> None:
    async with relayed() as ends:
        ends.server.abort()
        with pytest.raises(PeerReset):
            await ends.maco.receive()
        assert ends.closed().ended_by == "reset"


class _TakesNoMore:
    """A mail server's side that refuses what it is sent, although it has said something before."""

    local_address = peer_address = ("127.0.0.1", 1)
    can_send_eof = True
    waiting = 0

    def __init__(self) -> None:
        self.refused = asyncio.Event()

    def begin(self, outlet: Outlet, inlet: Inlet) -> None:
        self.outlet, self._inlet = outlet, inlet

    def say(self, data: bytes) -> None:
        self.outlet.push(memoryview(data))

    def room(self) -> memoryview:
        return scratch()

    def commit(self, count: int) -> None:
        assert count
        self._inlet.send_failed(PeerReset("connection reset by peer"))
        self.refused.set()

    def write(self, data: memoryview) -> int:
        raise AssertionError(f"MaCo is read, it does not push {bytes(data)!r}")

    def consumed(self, count: int, waiting: int) -> None:
        pass

    def resume(self) -> None:
        pass

    stop = end = close = abort = resume


@pytest.mark.parametrize("then", ["a reset", "its end"])
async def test_what_a_server_said_before_it_took_no_more_still_reaches_maco(then: str) -> None:
    async with tcp_pair() as (maco, maco_side), asyncio.TaskGroup() as tasks:
        seen: list[Observation] = []
        server = _TakesNoMore()
        relay = Relay(SocketSide(maco_side), server, Watcher(Party.CLOUD_CONNECTOR, seen.append), "trace", PATIENT)
        running = tasks.create_task(relay.run())
        await maco.send(b"a1 NOOP\r\n")
        await server.refused.wait()
        assert not running.done()
        server.say(b"* BYE\r\n")
        assert await maco.receive() == b"* BYE\r\n"
        if then == "a reset":
            server.outlet.failed(PeerReset("connection reset by peer"))
        else:
            server.outlet.ended()
        assert (await running).ended_by == "reset"


async def test_macos_end_is_held_back_from_a_tls_server_so_that_its_answer_arrives() -> None:
    async with relayed(tls=True) as ends:
        await ends.maco.send(b"question")
        await ends.maco.send_eof()
        assert await ends.server.receive() == b"question"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await ends.server.receive()
        await ends.server.send(b"answer")
        await ends.server.aclose()
        assert await read_all(ends.maco) == b"answer"
        assert (await ends.running).ended_by == "end"


async def test_macos_end_ends_a_tls_server_where_told() -> None:
    async with relayed(RelaySettings(maco_end_to_tls="close"), tls=True) as ends:
        await ends.maco.send(b"question")
        await ends.maco.send_eof()
        assert await read_all(ends.server) == b"question"
        assert (await ends.running).ended_by == "end"


async def test_a_tls_server_that_ends_without_close_notify_is_a_reset_for_maco() -> None:
    async with relayed(tls=True) as ends:
        await ends.server.send(b"half an ans")
        assert await ends.maco.receive() == b"half an ans"
        _raw_end(ends.server)
        with pytest.raises(PeerReset):
            await ends.maco.receive()
        assert ends.closed().ended_by == "truncated"


async def test_a_tls_server_that_ends_without_close_notify_is_an_end_where_told() -> None:
    async with relayed(RelaySettings(truncated_as="end"), tls=True) as ends:
        await ends.server.send(b"half an ans")
        _raw_end(ends.server)
        assert await read_all(ends.maco) == b"half an ans"
        await ends.maco.send_eof()
        assert (await ends.running).ended_by == "truncated"


async def test_an_orderly_end_of_a_tls_server_is_an_end_for_maco() -> None:
    async with relayed(tls=True) as ends:
        await ends.server.aclose()
        assert await read_all(ends.maco) == b""


async def test_a_connection_that_one_side_has_ended_does_not_stand_still_for_ever() -> None:
    async with relayed(IMPATIENT) as ends:
        await ends.maco.send_eof()
        assert (await ends.running).ended_by == "timeout"
        with pytest.raises(PeerReset):
            await ends.maco.receive()


async def test_a_connection_that_nobody_has_ended_may_stand_still() -> None:
    async with relayed(RelaySettings(half_closed_s=0.01)) as ends:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ends.maco.receive()
        await ends.server.send(b"* 1 EXISTS\r\n")
        assert await ends.maco.receive() == b"* 1 EXISTS\r\n"


async def test_bytes_that_nobody_takes_do_not_keep_a_connection_whose_source_was_reset() -> None:
    maco, server = ScriptedSide(), ScriptedSide(takes=0)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_scripted(maco, server, IMPATIENT).run(early_to_mail_server=b"a1 NOOP"))
        await asyncio.sleep(0)
        assert maco.outlet is not None
        maco.outlet.failed(PeerReset("reset by peer"))
        assert (await running).ended_by == "timeout"


async def test_a_truncated_connection_that_stands_still_ends_by_a_reset_although_truncation_is_an_end() -> None:
    maco, server = ScriptedSide(takes=0), ScriptedSide()
    settings = RelaySettings(half_closed_s=0.01, truncated_as="end")
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_scripted(maco, server, settings).run())
        await asyncio.sleep(0)
        server.say(b"* BYE")
        assert server.outlet is not None
        assert maco.outlet is not None
        server.outlet.failed(PeerTruncated("without close_notify"))
        maco.outlet.ended()
        assert (await running).ended_by == "timeout"
    assert maco.told[-1] == "abort"


async def test_the_end_is_told_although_its_report_fails() -> None:
    def fail(_: Observation) -> None:
        raise KeyError("a defect")

    relay = Relay(ScriptedSide(), ScriptedSide(), Watcher(Party.CLOUD_CONNECTOR, fail), "trace")
    ends: list[RelayEnd] = []
    relay.start(lambda _, end: ends.append(end))
    with pytest.raises(KeyError):
        relay.cut()
    assert ends == [RelayEnd(0, 0, "shutdown")]


async def test_bytes_put_off_the_time_out_of_a_half_ended_connection() -> None:
    async with relayed(RelaySettings(half_closed_s=0.2)) as ends:
        await ends.maco.send_eof()
        for _ in range(6):
            await asyncio.wait([ends.running], timeout=0.05)
            await ends.server.send(b"x")
            assert await ends.maco.receive() == b"x"


async def test_a_cancelled_relay_resets_both_sides_and_says_shutdown() -> None:
    async with relayed() as ends:
        await ends.maco.send(b"x")
        assert await ends.server.receive() == b"x"
        ends.running.cancel()
        for side in (ends.maco, ends.server):
            with pytest.raises(PeerReset):
                await side.receive()
        assert ends.closed().ended_by == "shutdown"


async def test_a_megabyte_passes_each_way_at_once() -> None:
    up, down = os.urandom(1_000_000), os.urandom(1_000_000)
    async with relayed(tls=True) as ends, asyncio.TaskGroup() as tasks:
        tasks.create_task(ends.maco.send(up))
        tasks.create_task(ends.server.send(down))
        received_up = tasks.create_task(_read(ends.server, len(up)))
        received_down = tasks.create_task(_read(ends.maco, len(down)))
        assert (await received_up, await received_down) == (up, down)


async def _read(stream: ByteStream, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        received += await stream.receive()
    return bytes(received)


async def test_a_relay_that_never_began_ends_both_sides_and_is_reported() -> None:
    seen: list[Observation] = []
    async with tcp_pair() as (maco, maco_side), tcp_pair() as (mail_side, server):
        sides = SocketSide(maco_side, scratch()), SocketSide(mail_side, scratch())
        Relay(*sides, Watcher(Party.CLOUD_CONNECTOR, seen.append), "trace").cancel()
        for side in (maco, server):
            with pytest.raises(PeerReset):
                await side.receive()
        assert [type(each) for each in seen] == [StreamClosed]


async def test_an_orderly_connection_reports_no_problem() -> None:
    async with relayed(tls=True) as ends:
        await ends.server.aclose()
        await ends.maco.send_eof()
        await ends.running
        assert not [each for each in ends.seen if isinstance(each, Problem)]

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, cast

import pytest

from connector_sim.tunnel import outbox as outbox_module
from connector_sim.tunnel.outbox import BATCH_BYTES
from connector_sim.tunnel.session import ServeStream, SessionSettings, TunnelFull, TunnelSession
from connector_sim.tunnel.stream import TunnelStream
from maco_net.background import in_background
from maco_net.errors import PeerReset
from maco_net.side import Inlet, Outlet
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_wire import yamux
from tests.connector_sim.tunnel.tunnels import Handed, echo, tunnel
from tests.maco_net.pairs import DEADLINE_S, connected_sockets, read_all, tcp_pair

WINDOW = yamux.INITIAL_WINDOW


async def _read(stream: ByteStream, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        data = await stream.receive(count - len(received))
        assert data
        received += data
    return bytes(received)


@pytest.mark.parametrize("over_tls", [False, True], ids=["TCP", "TLS"])
async def test_a_stream_carries_bytes_both_ways_at_once(over_tls: bool) -> None:
    payload = os.urandom(1024 * 1024)
    async with tunnel(echo, over_tls=over_tls) as both, asyncio.TaskGroup() as tasks:
        stream = await both.cloud.open_stream()
        tasks.create_task(stream.send(payload))
        assert await _read(stream, len(payload)) == payload


async def test_many_streams_do_not_mix() -> None:
    async with tunnel(echo) as both, asyncio.TaskGroup() as tasks:

        async def exchange(number: int) -> None:
            payload = bytes([number]) * 40_000
            stream = await both.cloud.open_stream()
            await stream.send(payload)
            await stream.send_eof()
            received = bytearray()
            while data := await stream.receive():
                received += data
            assert received == payload
            await stream.aclose()

        for number in range(50):
            tasks.create_task(exchange(number))


async def test_an_end_in_one_direction_leaves_the_other_open() -> None:
    async def answer_at_the_end(stream: TunnelStream) -> None:
        received = bytearray()
        while data := await stream.receive():
            received += data
        await stream.send(bytes(received).upper())
        await stream.send_eof()

    async with tunnel(answer_at_the_end) as both:
        stream = await both.cloud.open_stream()
        await stream.send(b"question")
        await stream.send_eof()
        assert await _read(stream, 8) == b"QUESTION"
        assert await stream.receive() == b""


async def test_bytes_before_an_end_arrive_although_the_stream_is_closed_at_once() -> None:
    async def speak_and_leave(stream: TunnelStream) -> None:
        await stream.receive()
        assert await stream.receive() == b""
        await stream.send(b"x" * 100_000)
        await stream.send_eof()

    async with tunnel(speak_and_leave) as both:
        stream = await both.cloud.open_stream()
        await stream.send(b"?")
        await stream.send_eof()
        assert await _read(stream, 100_000) == b"x" * 100_000
        assert await stream.receive() == b""


async def test_a_reset_is_a_reset_at_the_other_end() -> None:
    handed = Handed()
    async with tunnel(handed) as both:
        stream = await both.cloud.open_stream()
        (await handed.take()).abort()
        with pytest.raises(PeerReset):
            await stream.receive()


async def test_a_stream_whose_server_fails_is_reset_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fail_on_demand(stream: TunnelStream) -> None:
        if await stream.receive() == b"fail":
            raise KeyError("a defect")
        await stream.send(b"fine")

    async with tunnel(fail_on_demand) as both:
        failing, good = await both.cloud.open_stream(), await both.cloud.open_stream()
        await failing.send(b"fail")
        with pytest.raises(PeerReset):
            await failing.receive()
        await good.send(b"work")
        assert await good.receive() == b"fine"
    assert "a stream failed through a defect" in caplog.text


async def test_a_stalled_reader_holds_back_its_own_sender_only() -> None:
    handed = Handed()
    async with tunnel(handed) as both, asyncio.TaskGroup() as tasks:
        stalled = await both.cloud.open_stream()
        unread = await handed.take()
        sending = tasks.create_task(stalled.send(b"x" * (4 * WINDOW)))
        other = await both.cloud.open_stream()
        other_end = await handed.take()
        for _ in range(4):
            tasks.create_task(other.send(b"y" * WINDOW))
            assert await _read(other_end, WINDOW) == b"y" * WINDOW
        assert not sending.done()
        assert await _read(unread, 4 * WINDOW) == b"x" * (4 * WINDOW)
        await sending


async def test_a_stalled_reader_costs_at_most_its_window() -> None:
    handed = Handed()
    async with tunnel(handed) as both:
        stalled = await both.cloud.open_stream()
        unread = await handed.take()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stalled.send(b"x" * (4 * WINDOW))
        assert sum(len(chunk) for chunk in unread._received or ()) == WINDOW


async def test_the_queue_to_a_slow_socket_is_bounded_however_many_streams_send() -> None:
    async with tcp_pair() as (cloud_end, _):  # nobody reads at the other end
        session = TunnelSession(cloud_end, "client", SessionSettings(go_away_s=0.01))

        async def send_for_ever() -> None:
            stream = await session.open_stream()
            await _send_for_ever(stream, b"x" * 65_536)

        async with _running(session), in_background(*(send_for_ever() for _ in range(80))):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asyncio.Event().wait()
            # Every sender would have a chunk of its own in the queue if all that were woken had been let in.
            assert 0 < session._outbox.waiting <= BATCH_BYTES


@contextlib.asynccontextmanager
async def _running(
    session: TunnelSession, serve: ServeStream | None = None, *, early: bytes = b""
) -> AsyncIterator[None]:
    """Run one end alone while the block runs."""
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await session.run(serve, early_bytes=early)

    async with asyncio.timeout(DEADLINE_S), in_background(run()):
        await begun.wait()
        yield


async def test_streams_that_are_opened_all_at_once_are_all_served() -> None:
    async with tunnel(echo) as both:
        streams = [await both.cloud.open_stream() for _ in range(1000)]
        for stream in streams:
            await stream.send(b"x")
        assert [await stream.receive() for stream in streams] == [b"x"] * 1000


async def test_a_stream_beyond_the_limit_is_not_opened() -> None:
    async with tunnel(Handed(), settings=SessionSettings(max_streams=1)) as both:
        await both.cloud.open_stream()
        with pytest.raises(TunnelFull):
            await both.cloud.open_stream()


async def test_streams_that_were_reset_count_while_they_are_still_served() -> None:
    handed = Handed()
    limits = SessionSettings(max_streams=2)
    async with tunnel(handed, settings=limits) as both:
        for _ in range(2):
            stream = await both.cloud.open_stream()
            await handed.take()
            stream.abort()
        third = await both.cloud.open_stream()
        with pytest.raises(PeerReset):
            await third.receive()


async def test_a_cloud_side_serves_no_stream_that_the_connector_opens() -> None:
    async with tunnel(echo) as both:
        stream = await both.on_premise.open_stream()
        with pytest.raises(PeerReset):
            await stream.receive()


@pytest.mark.slow
async def test_a_peer_that_asks_without_end_and_never_reads_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_LATE_BYTES", 64 * 1024)
    # spec.md, "Framing": version, type (2 ping), flags (1 SYN), stream 0, value
    pings = bytes.fromhex("00 02 00 01 00 00 00 00 00 00 00 07") * 2000
    with connected_sockets() as (cloud_sock, on_premise_sock):
        cloud_sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        on_premise_sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        cloud_end = TcpStream(cloud_sock)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(TunnelSession(TcpStream(on_premise_sock), "server").run(Handed()))
            with pytest.raises(PeerReset):
                await _send_for_ever(cloud_end, pings)
            assert await running == "the peer asks without end and reads no answer"
        await cloud_end.aclose()


async def _send_for_ever(stream: ByteStream, data: bytes) -> None:
    while True:
        await stream.send(data)


class _Renegotiates(TcpStream):
    """Refuses to send until it has received, as OpenSSL does in the middle of a renegotiation."""

    refuses = True

    def receive_into(self, room: memoryview) -> int | None:
        count = super().receive_into(room)
        self.refuses = self.refuses and count is None
        return count

    def send_some(self, data: bytes | memoryview) -> int:
        self.sends_when_readable = self.refuses
        return 0 if self.refuses else super().send_some(data)


async def test_what_waited_for_the_peer_is_sent_behind_the_reading_that_took_it() -> None:
    with connected_sockets() as (cloud_sock, on_premise_sock):
        cloud_end, session = TcpStream(cloud_sock), TunnelSession(_Renegotiates(on_premise_sock), "server")
        async with asyncio.timeout(DEADLINE_S), _running(session, Handed()):
            session._machine.ping(1)
            session._flush_soon()
            # spec.md, "Ping": the answer has the flag ACK and the same value
            await cloud_end.send(bytes.fromhex("00 02 00 02 00 00 00 00 00 00 00 01"))
            assert await _read(cloud_end, 12) == bytes.fromhex("00 02 00 01 00 00 00 00 00 00 00 01")
        await cloud_end.aclose()


class _HoldsMore(TcpStream):
    """Has received one answer to a ping after the other, and holds more."""

    has_more = True
    reads = 0

    def receive_into(self, room: memoryview) -> int | None:
        self.reads += 1
        room[:12] = bytes.fromhex("00 02 00 02 00 00 00 00 00 00 00 01")
        return 12


async def test_a_tunnel_that_always_holds_more_has_one_turn_of_the_loop_at_a_time() -> None:
    with connected_sockets() as (_, on_premise_sock):
        channel = _HoldsMore(on_premise_sock)
        session = TunnelSession(channel, "server")
        for _ in range(3):
            session._readable()
        before = channel.reads
        await asyncio.sleep(0)
        assert channel.reads == before + 1
        session.abort("the test is over")


class _Broken:
    """A relay with a defect, which notes that it was told of the end."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def push(self, data: memoryview) -> None:
        raise KeyError("a defect")

    def has_room(self) -> None:
        raise KeyError("a defect")

    def failed(self, error: Exception) -> None:
        self.told.append(str(error))


async def test_a_relay_that_fails_is_told_that_its_stream_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with tunnel(echo) as both:
        broken, other, relay = await both.cloud.open_stream(), await both.cloud.open_stream(), _Broken()
        await broken.send(b"x")
        broken.begin(cast("Outlet", relay), cast("Inlet", relay))
        await other.send(b"y")
        assert await other.receive() == b"y"
        assert relay.told == ["a defect of this program"]
    assert "a stream failed through a defect" in caplog.text


async def test_a_stream_that_fails_at_its_turn_takes_none_of_the_others_away(caplog: pytest.LogCaptureFixture) -> None:
    async with tunnel(echo) as both, asyncio.TaskGroup() as tasks:
        broken, other, relay = await both.cloud.open_stream(), await both.cloud.open_stream(), _Broken()
        broken.begin(cast("Outlet", relay), cast("Inlet", relay))
        waiting = tasks.create_task(other._wait())
        await asyncio.sleep(0)
        both.cloud._waiting.extend((broken, other))
        both.cloud._wake_waiting()
        await waiting
        assert (relay.told, both.cloud.open_streams) == (["a defect of this program"], 1)
    assert "a stream failed through a defect" in caplog.text


async def test_bytes_glued_behind_the_upgrade_are_read_first() -> None:
    async with tcp_pair() as (cloud_end, on_premise_end), asyncio.timeout(DEADLINE_S):
        machine = yamux.YamuxSession("client")
        stream_id = machine.open_stream()
        machine.send_data(stream_id, b"early")
        handed = Handed()
        session = TunnelSession(on_premise_end, "server")
        async with _running(session, handed, early=machine.data_to_send()):
            assert await (await handed.take()).receive() == b"early"
        assert cloud_end.local_address


async def test_an_orderly_end_tells_the_peer_by_a_go_away() -> None:
    async with tcp_pair() as (cloud_end, on_premise_end), asyncio.timeout(DEADLINE_S):
        session = TunnelSession(on_premise_end, "server")
        async with _running(session, Handed()):
            assert session.is_open
        # spec.md, "Framing" and "Session termination": type 3, stream 0, code 0 (normal)
        assert await read_all(cloud_end) == bytes.fromhex("00 03 00 00 00 00 00 00 00 00 00 00")


async def test_a_go_away_stops_new_streams() -> None:
    async with tunnel(echo) as both:
        both.cloud._heard.clear()
        assert await both.on_premise.drain(DEADLINE_S)
        await both.cloud._heard.wait()
        with pytest.raises(PeerReset):
            await both.cloud.open_stream()


async def test_a_peer_that_breaks_the_protocol_is_told_and_ended() -> None:
    async with tcp_pair() as (cloud_end, on_premise_end), asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(TunnelSession(on_premise_end, "server").run(Handed()))
        await cloud_end.send(b"\x07" + bytes(11))  # version 7
        # code 1: protocol error, once and nothing behind it
        assert await read_all(cloud_end) == bytes.fromhex("00 03 00 00 00 00 00 00 00 00 00 01")
        assert "version" in await running


async def test_a_silent_peer_is_taken_for_dead() -> None:
    async with tcp_pair() as (_, on_premise_end), asyncio.timeout(DEADLINE_S):
        settings = SessionSettings(ping_interval_s=0.01, ping_timeout_s=0.02)
        reason = await TunnelSession(on_premise_end, "server", settings).run(Handed())
        assert reason == "no answer to a ping within 0.02 s"


async def test_a_peer_that_answers_pings_stays() -> None:
    settings = SessionSettings(ping_interval_s=0.005, ping_timeout_s=5.0)
    async with tunnel(echo, settings=settings) as both:
        for _ in range(5):  # each round waits until something was heard behind the ping
            both.cloud._heard.clear()
            await both.cloud._heard.wait()
        assert both.cloud.is_open


async def test_a_lost_tunnel_ends_its_streams_at_both_ends() -> None:
    handed = Handed()
    async with tunnel(handed) as both:
        stream = await both.cloud.open_stream()
        other_end = await handed.take()
        both.cloud.abort("cut on purpose")
        for end in (stream, other_end):
            with pytest.raises(PeerReset):
                await end.receive()
        handed.release.set()
        await both.ended.wait()
        assert both.reasons["cloud"] == "cut on purpose"
        assert not both.on_premise.is_open


async def test_a_sender_that_waits_for_its_window_wakes_when_the_tunnel_is_lost() -> None:
    handed = Handed()
    async with tunnel(handed) as both, asyncio.TaskGroup() as tasks:
        stream = await both.cloud.open_stream()
        await handed.take()

        sending = tasks.create_task(_outcome(stream.send(b"x" * (3 * WINDOW))))
        await asyncio.wait([sending], timeout=0.05)
        assert not sending.done()
        both.cloud.abort("cut")
        assert isinstance(await sending, PeerReset)


async def _outcome(sending: Coroutine[Any, Any, None]) -> PeerReset | None:
    try:
        await sending
    except PeerReset as error:
        return error
    return None


async def test_a_finished_stream_is_forgotten_at_both_ends() -> None:
    async with tunnel(echo) as both:
        stream = await both.cloud.open_stream()
        await stream.send(b"x")
        await stream.send_eof()
        assert (await stream.receive(), await stream.receive()) == (b"x", b"")
        await stream.aclose()
        assert (both.cloud.open_streams, both.on_premise.open_streams) == (0, 0)


def _pieces(data: bytes) -> Iterator[bytes]:
    yield from (bytes([each]) for each in data)


async def test_frames_may_arrive_byte_by_byte() -> None:
    async with tcp_pair() as (cloud_end, on_premise_end), asyncio.timeout(DEADLINE_S):
        machine = yamux.YamuxSession("client")
        machine.send_data(machine.open_stream(), b"slow")
        handed = Handed()
        async with _running(TunnelSession(on_premise_end, "server"), handed):
            for piece in _pieces(machine.data_to_send()):
                await cloud_end.send(piece)
            assert await _read(await handed.take(), 4) == b"slow"

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Literal, TypeAlias, cast

import pytest

from maco_net import socket_side
from maco_net.errors import NetError, PeerReset
from maco_net.socket_side import SocketSide
from maco_net.tcp import TcpStream
from maco_wire.observation import Address
from tests.maco_net.pairs import DEADLINE_S, read_all, tcp_pair, tls_pair

RESET = PeerReset("reset by peer")
_Callback: TypeAlias = Callable[[], None] | None
_Arrival: TypeAlias = bytes | NetError | Literal["end", "nothing", "handshake", "wants to write"]
_Taking: TypeAlias = int | NetError | Literal["nothing", "wants to read"]


class _Readiness:
    """What the loop would be told to watch."""

    def __init__(self) -> None:
        self.readable: _Callback = None
        self.writable: _Callback = None

    def on_readable(self, callback: _Callback) -> None:
        self.readable = callback

    def on_writable(self, callback: _Callback) -> None:
        self.writable = callback


class _Channel:
    """A socket whose peer the test plays: each call meets the next of what is scripted."""

    can_send_eof = True
    local_address: Address = ("127.0.0.1", 1)
    peer_address: Address = ("127.0.0.1", 2)

    def __init__(self, arrives: tuple[_Arrival, ...] = (), takes: tuple[_Taking, ...] = ()) -> None:
        self.readiness = _Readiness()
        self.arrives, self.takes = collections.deque(arrives), collections.deque(takes)
        self.has_more = self.sends_when_readable = self.receives_when_writable = False
        self.sent = bytearray()
        self.told: list[str] = []
        self.closes_at_once = True

    def receive_into(self, room: memoryview) -> int | None:
        arrival = self.arrives.popleft() if self.arrives else "nothing"
        self.receives_when_writable = arrival == "wants to write"
        if arrival == "handshake":
            self.takes.clear()  # what sending waited for was received by this call
        if isinstance(arrival, NetError):
            raise arrival
        if isinstance(arrival, bytes):
            room[: len(arrival)] = arrival
            return len(arrival)
        return 0 if arrival == "end" else None

    def send_some(self, data: memoryview) -> int:
        taking = self.takes.popleft() if self.takes else len(data)
        self.sends_when_readable = taking == "wants to read"
        if isinstance(taking, NetError):
            raise taking
        count = min(taking, len(data)) if isinstance(taking, int) else 0
        self.sent += data[:count]
        return count

    def end_sending(self) -> None:
        self.told.append("FIN")

    def close_now(self) -> bool:
        self.told.append("close" if self.closes_at_once else "no room to close")
        return self.closes_at_once

    def abort(self) -> None:
        self.told.append("RST")


class _OtherSide:
    """What the side tells: outlet and inlet in one. ``room_left`` is how many bytes the other side takes now."""

    def __init__(self, room_left: int = 1_000_000) -> None:
        self.heard = bytearray()
        self.told: list[str] = []
        self.room_left = room_left
        self.at_room: _Callback = None
        self._room = memoryview(bytearray(100))

    def room(self) -> memoryview | None:
        return self._room[: self.room_left] if self.room_left else None

    def received(self, count: int) -> None:
        self.heard += self._room[:count]
        self.room_left -= count

    def push(self, data: memoryview) -> None:
        raise AssertionError(f"a socket is read, it does not push {bytes(data)!r}")

    def ended(self) -> None:
        self.told.append("ended")

    def failed(self, error: NetError) -> None:
        self.told.append(f"failed: {error}")

    def has_room(self) -> None:
        self.told.append("has room")
        if self.at_room is not None:
            self.at_room()

    def taken(self, count: int) -> None:
        self.told.append(f"{count} taken")

    def emptied(self) -> None:
        self.told.append("emptied")

    def send_failed(self, error: NetError) -> None:
        self.told.append(f"send failed: {error}")


class _Ends:
    """A side that has begun, between a scripted channel and the other side."""

    def __init__(
        self, *, arrives: tuple[_Arrival, ...] = (), takes: tuple[_Taking, ...] = (), room_left: int = 1_000_000
    ) -> None:
        self.channel, self.other = _Channel(arrives, takes), _OtherSide(room_left)
        self.side = SocketSide(cast("TcpStream", self.channel), memoryview(bytearray(100)))
        self.side.begin(self.other, self.other)

    @property
    def watches_reading(self) -> bool:
        return self.channel.readiness.readable is not None

    @property
    def watches_writing(self) -> bool:
        return self.channel.readiness.writable is not None

    def become_readable(self) -> None:
        assert self.channel.readiness.readable is not None
        self.channel.readiness.readable()

    def become_writable(self) -> None:
        assert self.channel.readiness.writable is not None
        self.channel.readiness.writable()

    def write(self, data: bytes) -> int:
        return self.side.write(memoryview(data))


# As a source


def test_what_arrives_is_received_once_for_each_event() -> None:
    ends = _Ends(arrives=(b"one", b"two"))
    ends.become_readable()
    assert ends.other.heard == b"one"


def test_a_source_whose_sink_has_no_room_is_not_watched() -> None:
    ends = _Ends(arrives=(b"one",), room_left=0)
    ends.become_readable()
    assert (ends.watches_reading, bytes(ends.other.heard)) == (False, b"")


def test_a_source_goes_on_at_once_when_there_is_room_again() -> None:
    ends = _Ends(arrives=(b"one",), room_left=0)
    ends.become_readable()
    ends.other.room_left = 10
    ends.side.resume()
    assert (ends.watches_reading, bytes(ends.other.heard)) == (True, b"one")


def test_a_source_that_filled_the_room_is_not_watched_again() -> None:
    ends = _Ends(arrives=(b"one", b"two"), room_left=0)
    ends.become_readable()
    ends.other.room_left = 3
    ends.side.resume()
    assert not ends.watches_reading


def test_an_end_is_told_once_and_nothing_more_is_received() -> None:
    ends = _Ends(arrives=("end",))
    ends.become_readable()
    assert (ends.other.told, ends.watches_reading) == (["ended"], False)


def test_a_reset_is_told_once_and_nothing_more_is_received() -> None:
    ends = _Ends(arrives=(RESET,))
    ends.become_readable()
    assert (ends.other.told, ends.watches_reading) == (["failed: reset by peer"], False)


def test_a_side_that_was_stopped_receives_nothing() -> None:
    ends = _Ends(arrives=(b"too late",))
    ends.side.stop()
    ends.side.resume()
    assert (ends.watches_reading, bytes(ends.other.heard)) == (False, b"")


async def test_what_the_channel_holds_already_is_received_without_an_event() -> None:
    channel, other = _Channel((b"held",)), _OtherSide()
    channel.has_more = True
    SocketSide(cast("TcpStream", channel)).begin(other, other)
    channel.has_more = False
    await asyncio.sleep(0)
    assert other.heard == b"held"


async def test_a_channel_that_always_holds_more_has_one_turn_of_the_loop_at_a_time() -> None:
    ends = _Ends(arrives=tuple(b"x" for _ in range(100)))
    ends.channel.has_more = True
    for _ in range(3):
        ends.become_readable()
    before = len(ends.other.heard)
    await asyncio.sleep(0)
    assert len(ends.other.heard) == before + 1


def test_a_connection_in_which_bytes_were_lost_by_a_defect_breaks(caplog: pytest.LogCaptureFixture) -> None:
    ends = _Ends(arrives=(b"lost", b"next"))
    ends.other.received = _fail  # type: ignore[method-assign, assignment]
    ends.become_readable()
    assert (ends.other.told, ends.watches_reading) == (["failed: a defect of this program"], False)
    assert "a connection failed through a defect" in caplog.text


def _fail(_: int) -> None:
    raise KeyError("a defect")


# As a sink


def test_what_the_socket_takes_is_sent_at_once() -> None:
    ends = _Ends()
    assert (ends.write(b"12345"), ends.side.waiting, ends.watches_writing) == (5, 0, False)


def test_what_the_socket_does_not_take_waits_for_it() -> None:
    ends = _Ends(takes=(3, "nothing"))
    assert (ends.write(b"12345"), ends.side.waiting, ends.watches_writing) == (3, 2, True)


def test_a_side_with_bytes_that_wait_has_no_room() -> None:
    ends = _Ends(takes=("nothing",))
    ends.write(b"12345")
    assert ends.side.room() is None


def test_bytes_stay_in_order_while_some_wait() -> None:
    ends = _Ends(takes=(1, "nothing", 1, "nothing"))
    ends.write(b"12")
    ends.become_writable()
    ends.write(b"345")
    ends.become_writable()
    assert ends.channel.sent == b"12345"


def test_what_has_gone_is_told_and_then_that_nothing_waits() -> None:
    ends = _Ends(takes=("nothing",))
    ends.write(b"12345")
    ends.become_writable()
    assert (ends.other.told, ends.watches_writing) == (["5 taken", "has room", "emptied"], False)


def test_a_sink_that_is_ended_by_the_news_that_it_has_room_stays_ended() -> None:
    ends = _Ends(takes=("nothing",))
    ends.other.at_room = ends.side.abort
    ends.write(b"12345")
    ends.become_writable()
    assert ends.channel.told == ["RST"]


def test_a_peer_that_takes_no_more_is_told_once() -> None:
    ends = _Ends(takes=(RESET,))
    ends.write(b"12345")
    assert (ends.other.told, ends.side.waiting) == (["send failed: reset by peer"], 0)


def test_a_peer_that_takes_no_more_of_what_waited_is_told() -> None:
    ends = _Ends(takes=("nothing", RESET))
    ends.write(b"12345")
    ends.become_writable()
    assert (ends.other.told, ends.watches_writing) == (["send failed: reset by peer"], False)


def test_a_connection_whose_bytes_cannot_be_accounted_for_breaks(caplog: pytest.LogCaptureFixture) -> None:
    ends = _Ends(takes=("nothing",))
    ends.other.taken = _fail  # type: ignore[method-assign, assignment]
    ends.write(b"12345")
    ends.become_writable()
    assert ends.other.told == ["failed: a defect of this program"]
    assert "a connection failed through a defect" in caplog.text


def test_an_end_is_sent_behind_the_bytes_that_wait() -> None:
    ends = _Ends(takes=("nothing",))
    ends.write(b"bye")
    ends.side.end()
    assert ends.channel.told == []
    ends.become_writable()
    assert (bytes(ends.channel.sent), ends.channel.told) == (b"bye", ["FIN"])


# What TLS may ask for in the middle of a session (TLS 1.2, a renegotiation)


def test_sending_that_waits_for_the_peer_is_tried_when_the_socket_is_readable() -> None:
    ends = _Ends(takes=("wants to read",))
    ends.write(b"12345")
    assert not ends.watches_writing
    ends.become_readable()
    assert ends.channel.sent == b"12345"


def test_sending_that_waits_for_the_peer_keeps_the_socket_watched_though_its_sink_has_no_room() -> None:
    ends = _Ends(takes=("wants to read",), room_left=0)
    ends.become_readable()
    ends.write(b"12345")
    assert ends.watches_reading
    ends.become_readable()
    assert ends.channel.sent == b"12345"


def test_sending_is_tried_behind_the_reading_that_takes_what_it_waited_for() -> None:
    ends = _Ends(takes=("wants to read", "wants to read"), arrives=("handshake",))
    ends.write(b"12345")
    ends.become_readable()
    assert ends.channel.sent == b"12345"


def test_sending_that_had_waited_for_the_peer_may_wait_for_the_socket_next() -> None:
    ends = _Ends(takes=("wants to read", 2, "nothing"))
    ends.write(b"12345")
    ends.become_readable()
    assert ends.watches_writing
    ends.become_writable()
    assert ends.channel.sent == b"12345"


def test_sending_that_had_waited_for_the_socket_may_wait_for_the_peer_next() -> None:
    ends = _Ends(takes=("nothing", "wants to read"))
    ends.write(b"12345")
    ends.become_writable()
    assert (ends.watches_writing, ends.watches_reading) == (False, True)
    ends.become_readable()
    assert ends.channel.sent == b"12345"


async def test_what_the_channel_holds_is_received_though_the_socket_is_watched_for_the_sake_of_sending() -> None:
    ends = _Ends(takes=("wants to read", "wants to read"), arrives=(b"held",), room_left=0)
    ends.write(b"12345")
    ends.become_readable()
    ends.other.room_left = 10
    ends.side.resume()
    await asyncio.sleep(0)
    assert ends.other.heard == b"held"


def test_receiving_that_waits_to_send_is_tried_when_the_socket_is_writable() -> None:
    ends = _Ends(arrives=("wants to write", b"then this"))
    ends.become_readable()
    assert (ends.watches_reading, ends.watches_writing) == (False, True)
    ends.become_writable()
    assert (bytes(ends.other.heard), ends.watches_reading) == (b"then this", True)


def test_receiving_that_waits_to_send_does_not_spin_while_the_sink_has_no_room() -> None:
    ends = _Ends(arrives=("wants to write", b"then this"))
    ends.become_readable()
    ends.other.room_left = 0
    ends.become_writable()
    assert not ends.watches_writing
    ends.other.room_left = 10
    ends.side.resume()
    assert ends.other.heard == b"then this"


# The end


def test_a_side_that_is_closed_watches_nothing_and_tells_nothing() -> None:
    ends = _Ends(takes=("nothing",))
    ends.write(b"12345")
    ends.side.close()
    ends.side.abort()
    assert (ends.channel.told, ends.watches_reading, ends.watches_writing) == (["close"], False, False)


async def test_a_close_that_finds_no_room_is_tried_again() -> None:
    ends = _Ends()
    ends.channel.closes_at_once = False
    ends.side.close()
    ends.channel.closes_at_once = True
    ends.become_writable()
    assert ends.channel.told == ["no room to close", "close"]


async def test_a_close_that_never_finds_room_ends_by_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_side, "CLOSE_NOTIFY_S", 0.001)
    ends = _Ends()
    ends.channel.closes_at_once = False
    reset = asyncio.Event()
    ends.channel.abort = reset.set  # type: ignore[method-assign]
    ends.side.close()
    async with asyncio.timeout(DEADLINE_S):
        await reset.wait()


async def test_a_close_that_found_room_leaves_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_side, "CLOSE_NOTIFY_S", 0.001)
    ends = _Ends()
    ends.channel.closes_at_once = False
    ends.side.close()
    ends.channel.closes_at_once = True
    ends.become_writable()
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.002, later.set)
    await later.wait()
    assert "RST" not in ends.channel.told


# Over real sockets


async def test_the_last_bytes_and_close_notify_in_one_packet_are_both_received() -> None:
    async with tls_pair() as (client, server), asyncio.timeout(DEADLINE_S):
        ended, other = asyncio.Event(), _OtherSide()
        other.ended = ended.set  # type: ignore[method-assign]
        server.cork(True)
        await server.send(b"* BYE")
        await server.aclose()
        side = SocketSide(client)
        side.begin(other, other)
        await ended.wait()
        assert other.heard == b"* BYE"
        side.close()


async def test_bytes_that_waited_for_a_slow_peer_all_arrive() -> None:
    payload = bytes(range(256)) * 64 * 1024
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        other, side = _OtherSide(), SocketSide(client)
        side.begin(other, other)
        assert side.write(memoryview(payload)) < len(payload)
        side.end()
        assert await tasks.create_task(read_all(server)) == payload
        side.close()

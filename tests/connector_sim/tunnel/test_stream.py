from __future__ import annotations

import asyncio
from typing import cast

import pytest

from connector_sim.tunnel.stream import TunnelStream
from maco_net.errors import NetError, PeerReset
from maco_net.side import Inlet, Outlet
from maco_wire import yamux
from maco_wire.observation import Address


class _Carrier:
    """A carrier that notes what it is told."""

    local_address: Address = ("127.0.0.1", 1)
    peer_address: Address = ("127.0.0.1", 2)

    def __init__(self, *windows: int) -> None:
        self.told: list[str] = []
        self.sent = bytearray()
        self._windows = list(windows)
        self._room = memoryview(b"")

    def room(self, stream: TunnelStream, limit: int) -> memoryview | None:
        window = min(limit, self._windows.pop(0)) if self._windows else 0
        if not window:
            self._windows.append(1000)
            asyncio.get_running_loop().call_soon(stream.open_window)
            return None
        self._room = memoryview(bytearray(window))
        return self._room

    def commit(self, flow: yamux.Stream, count: int) -> None:
        self.sent += self._room[:count]

    def consume(self, stream_id: int, count: int, waiting: int) -> None:
        self.told.append(f"consumed {count}")

    def end_stream(self, stream_id: int) -> None:
        self.told.append("FIN")

    def reset_stream(self, stream_id: int) -> None:
        self.told.append("RST")

    def forget(self, stream_id: int) -> None:
        self.told.append("forgotten")


def _stream(*windows: int) -> tuple[TunnelStream, _Carrier]:
    carrier = _Carrier(*windows)
    return TunnelStream(carrier, yamux.Stream(1, opened_by_peer=False)), carrier


async def test_bytes_are_given_back_to_the_window_as_they_are_read() -> None:
    stream, carrier = _stream()
    stream.feed(memoryview(b"abcdef"))
    assert (await stream.receive(2), await stream.receive(9)) == (b"ab", b"cdef")
    assert carrier.told == ["consumed 2", "consumed 4"]


async def test_an_end_comes_after_the_bytes_before_it() -> None:
    stream, _ = _stream()
    stream.feed(memoryview(b"bye"))
    stream.end_by_peer()
    assert (await stream.receive(), await stream.receive(), await stream.receive()) == (b"bye", b"", b"")


async def test_a_reset_comes_after_the_bytes_before_it() -> None:
    stream, _ = _stream()
    stream.feed(memoryview(b"* BYE too many errors\r\n"))
    stream.fail(PeerReset("reset"))
    assert await stream.receive() == b"* BYE too many errors\r\n"
    with pytest.raises(PeerReset):
        await stream.receive()


async def test_a_direction_that_has_ended_stays_so_when_the_tunnel_is_lost() -> None:
    stream, _ = _stream()
    stream.end_by_peer()
    stream.fail(PeerReset("the tunnel was lost"))
    assert await stream.receive() == b""


async def test_sending_goes_on_when_the_window_opens_again() -> None:
    stream, carrier = _stream(3, 0)
    await stream.send(b"abcdef")
    assert bytes(carrier.sent) == b"abcdef"


async def test_sending_on_a_reset_stream_fails() -> None:
    stream, _ = _stream(3)
    stream.fail(PeerReset("reset"))
    with pytest.raises(PeerReset):
        await stream.send(b"abc")


async def test_sending_behind_the_own_end_fails_instead_of_waiting() -> None:
    stream, _ = _stream(3)
    await stream.send_eof()
    with pytest.raises(PeerReset):
        await stream.send(b"abc")


async def test_an_end_is_sent_once() -> None:
    stream, carrier = _stream()
    await stream.send_eof()
    await stream.send_eof()
    assert carrier.told == ["FIN"]


async def test_closing_a_stream_whose_peer_has_ended_ends_it_in_order() -> None:
    stream, carrier = _stream()
    stream.end_by_peer()
    await stream.aclose()
    await stream.aclose()
    assert carrier.told == ["FIN", "forgotten"]


async def test_closing_a_stream_whose_peer_still_sends_resets_it() -> None:
    stream, carrier = _stream()
    await stream.aclose()
    assert carrier.told == ["RST"]


async def test_an_abort_is_sent_once_and_drops_what_was_not_read() -> None:
    stream, carrier = _stream()
    stream.feed(memoryview(b"unread"))
    stream.abort()
    stream.abort()
    assert carrier.told == ["RST"]
    with pytest.raises(PeerReset):
        await stream.receive()


async def test_nothing_is_sent_for_a_stream_that_its_peer_has_reset() -> None:
    stream, carrier = _stream()
    stream.fail(PeerReset("reset"))
    await stream.send_eof()
    await stream.aclose()
    assert carrier.told == []


class _Told:
    """A relay that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def ended(self) -> None:
        self.told.append("ended")

    def failed(self, error: NetError) -> None:
        self.told.append(f"failed: {error}")

    def send_failed(self, error: NetError) -> None:
        self.told.append(f"send failed: {error}")


async def test_a_relay_is_told_of_an_end_and_of_a_reset_behind_it_that_came_before_the_relay() -> None:
    stream, relay = _stream()[0], _Told()
    stream.end_by_peer()
    stream.fail(PeerReset("reset"))
    stream.begin(cast("Outlet", relay), cast("Inlet", relay))
    assert relay.told == ["ended", "send failed: reset"]


async def test_a_relay_is_told_of_a_reset_that_came_before_it() -> None:
    stream, relay = _stream()[0], _Told()
    stream.fail(PeerReset("reset"))
    stream.begin(cast("Outlet", relay), cast("Inlet", relay))
    assert relay.told == ["failed: reset"]

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import TypeAlias, cast

import pytest

from connector_sim.tunnel import outbox as outbox_module
from connector_sim.tunnel.outbox import ALONE_AFTER, BATCH_BYTES, BULK_BYTES, CONTROL_BYTES, LEAST_ROOM_BYTES, Outbox
from maco_net.errors import NetError, PeerReset
from maco_net.tcp import TcpStream
from maco_net.tls import MAX_RECORD_PAYLOAD
from maco_wire.yamux import HEADER_SIZE

_Callback: TypeAlias = Callable[[], None] | None
FRAME = b"control here"  # as long as a header: spec.md, "Framing"
REFUSED = 0


class _Channel:
    """A socket that takes as many bytes, call by call, as is scripted, and all when nothing is."""

    def __init__(self, *takes: int | NetError) -> None:
        self.takes = collections.deque(takes)
        self.sends_when_readable = False
        self.writes: list[bytes] = []
        self.offered: list[bytes] = []
        self.corked: list[bool] = []
        self.when_writable: _Callback = None

    @property
    def readiness(self) -> _Channel:
        return self

    def on_writable(self, callback: _Callback) -> None:
        self.when_writable = callback

    def cork(self, on: bool) -> None:
        self.corked.append(on)

    def send_some(self, data: memoryview) -> int:
        self.offered.append(bytes(data))
        taking = self.takes.popleft() if self.takes else len(data)
        if isinstance(taking, NetError):
            raise taking
        if taking:
            self.writes.append(bytes(data[:taking]))
        return min(taking, len(data))

    def become_writable(self) -> None:
        assert self.when_writable is not None
        self.when_writable()


class _Box:
    """An outbox on a scripted channel, and what it told."""

    def __init__(self, *takes: int | NetError) -> None:
        self.told: list[str] = []
        self.channel = _Channel(*takes)
        self.outbox = Outbox(
            cast("TcpStream", self.channel),
            on_room=lambda: self.told.append("room"),
            on_failure=lambda error: self.told.append(f"failed: {error}"),
        )

    @property
    def sent(self) -> bytes:
        return b"".join(self.channel.writes)

    def frame(self, payload: bytes) -> bytes:
        """Put a data frame into the room there is, as long as that, and return its bytes."""
        room = self.outbox.room(len(payload))
        assert room is not None
        payload = payload[: len(room)]
        room[:] = payload
        header = b"H" * HEADER_SIZE
        self.outbox.buffer[self.outbox.place : self.outbox.place + HEADER_SIZE] = header
        self.outbox.commit(len(payload))
        return header + payload


async def _end_of_turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


# When it is written


async def test_a_bulk_frame_is_written_at_once() -> None:
    box = _Box()
    frame = box.frame(b"x" * BULK_BYTES)
    assert (box.sent, box.outbox.waiting) == (frame, 0)


async def test_the_first_frame_of_a_turn_is_written_at_once() -> None:
    box = _Box()
    frame = box.frame(b"hello")
    assert box.sent == frame


async def test_small_frames_of_one_turn_are_written_together_once_there_were_several() -> None:
    box = _Box()
    for _ in range(2):
        box.frame(b"a")
    await _end_of_turn()
    box.channel.writes.clear()
    frames = box.frame(b"b") + box.frame(b"c")
    assert box.channel.writes == []
    await _end_of_turn()
    assert box.channel.writes == [frames]


async def test_a_lone_conversation_never_waits_for_the_end_of_a_turn() -> None:
    box = _Box()
    for _ in range(3 * ALONE_AFTER):
        box.frame(b"a")
        assert box.outbox.waiting == 0
        await _end_of_turn()


async def test_frames_without_payload_are_written_by_the_next_flush() -> None:
    box = _Box()
    box.outbox.put(FRAME)
    assert box.sent == b""
    box.outbox.flush()
    assert box.sent == FRAME


async def test_more_than_a_record_is_corked() -> None:
    box = _Box()
    box.frame(b"x" * BULK_BYTES)
    assert box.channel.corked == [True, False]


async def test_a_small_frame_is_not_corked() -> None:
    box = _Box()
    box.frame(b"x")
    assert box.channel.corked == []


# A socket that is behind


async def test_what_was_refused_is_offered_again_unchanged_and_first() -> None:
    box = _Box(REFUSED)
    frame = box.frame(b"x" * BULK_BYTES)
    box.outbox.put(FRAME)
    box.channel.become_writable()
    assert (box.channel.offered, box.sent) == ([frame, frame + FRAME], frame + FRAME)


async def test_a_socket_that_took_a_part_is_offered_the_rest() -> None:
    box = _Box(1000, REFUSED)
    frame = box.frame(b"x" * BULK_BYTES)
    box.channel.become_writable()
    assert box.sent == frame


async def test_there_is_no_room_while_the_socket_is_behind() -> None:
    box = _Box(REFUSED)
    box.frame(b"x" * BULK_BYTES)
    assert box.outbox.room(1000) is None


async def test_room_is_told_once_all_is_written() -> None:
    box = _Box(REFUSED, 1000, REFUSED)
    box.frame(b"x" * BULK_BYTES)
    box.channel.become_writable()
    assert (box.told, box.outbox.is_blocked) == ([], True)
    box.channel.become_writable()
    assert (box.told, box.outbox.is_blocked, box.channel.when_writable) == (["room"], False, None)


async def test_what_waits_for_the_peer_does_not_ask_the_loop_when_the_socket_is_writable() -> None:
    box = _Box(REFUSED, REFUSED)
    box.frame(b"x" * BULK_BYTES)
    box.channel.sends_when_readable = True
    box.channel.become_writable()
    assert box.channel.when_writable is None
    box.outbox.unblock()
    assert (box.told, box.outbox.waiting) == (["room"], 0)


# Frames without payload that find no place


async def test_late_frames_come_behind_those_before_them_and_in_order() -> None:
    box = _Box(REFUSED)
    frame = box.frame(b"x" * (BATCH_BYTES - HEADER_SIZE))
    late = b"".join(number.to_bytes(12, "big") for number in range(2 * CONTROL_BYTES // 12))
    for start in range(0, len(late), 12):
        box.outbox.put(late[start : start + 12])
    box.channel.become_writable()
    assert box.sent == frame + late


async def test_no_payload_overtakes_late_frames() -> None:
    box = _Box(REFUSED, BATCH_BYTES, REFUSED)
    box.frame(b"x" * (BATCH_BYTES - HEADER_SIZE))
    box.outbox.put(FRAME * (2 * CONTROL_BYTES // 12))
    box.channel.become_writable()
    assert box.outbox.room(1000) is None


async def test_more_frames_at_once_than_the_buffer_holds_are_written() -> None:
    box = _Box()
    frames = FRAME * (2 * BATCH_BYTES // len(FRAME))
    box.outbox.put(frames)
    box.outbox.flush()
    assert (box.sent, box.outbox.waiting) == (frames, 0)


async def test_a_turn_full_of_frames_without_payload_still_has_room_for_a_stream() -> None:
    box = _Box()
    box.outbox.put(FRAME * ((BATCH_BYTES - LEAST_ROOM_BYTES) // len(FRAME)))
    assert box.outbox.room(1000) is not None


async def test_a_peer_that_reads_no_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_LATE_BYTES", 1000)
    box = _Box(REFUSED)
    box.frame(b"x" * BULK_BYTES)
    while not box.outbox.is_over:
        box.outbox.put(FRAME)
    box.outbox.put(FRAME)
    assert box.told == ["failed: the peer asks without end and reads no answer"]
    assert box.outbox.waiting <= BATCH_BYTES + CONTROL_BYTES


# Room


async def test_room_is_at_most_what_is_asked_for() -> None:
    room = _Box().outbox.room(100)
    assert room is not None
    assert len(room) == 100


async def test_a_bulk_frame_fills_whole_records() -> None:
    room = _Box().outbox.room(100_000)
    assert room is not None
    assert (HEADER_SIZE + len(room)) % MAX_RECORD_PAYLOAD == 0


async def test_talk_is_noticed_until_enough_bulk_has_gone() -> None:
    box = _Box()
    talked = [box.outbox.is_talked_through]
    box.frame(b"a")
    talked.append(box.outbox.is_talked_through)
    for _ in range(outbox_module.TALK_ENDS_AFTER):
        box.frame(b"x" * BULK_BYTES)
    assert [*talked, box.outbox.is_talked_through] == [False, True, False]


# The end


async def test_a_peer_that_takes_no_more_is_told_once() -> None:
    box = _Box(PeerReset("reset by peer"))
    box.frame(b"x" * BULK_BYTES)
    box.outbox.flush()
    assert (box.told, box.outbox.room(1000)) == (["failed: reset by peer"], None)


async def test_nothing_is_written_after_the_end() -> None:
    box = _Box(REFUSED)
    box.frame(b"x" * BULK_BYTES)
    box.outbox.close()
    box.outbox.unblock()
    box.outbox.flush_soon()
    await _end_of_turn()
    assert (box.sent, box.channel.when_writable, box.told) == (b"", None, [])

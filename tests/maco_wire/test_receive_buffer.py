"""The buffer hands out whole messages only, and nothing twice."""

from __future__ import annotations

from maco_wire.receive_buffer import ReceiveBuffer


def filled(data: bytes) -> ReceiveBuffer:
    buffer = ReceiveBuffer()
    buffer.append(data)
    return buffer


def test_nothing_is_taken_before_all_of_it_has_arrived() -> None:
    buffer = filled(b"abc")
    assert buffer.take(4) is None
    buffer.append(b"de")
    assert buffer.take(4) == b"abcd"
    assert bytes(buffer) == b"e"


def test_looking_takes_nothing() -> None:
    buffer = filled(b"\x01\x02\x03")
    assert (buffer.byte(1), buffer.byte(3)) == (2, None)
    assert (buffer.number(1, 2), buffer.number(2, 2)) == (0x0203, None)
    assert len(buffer) == 3


def test_all_that_is_there_can_be_taken() -> None:
    buffer = filled(b"abc")
    assert buffer.take_all() == b"abc"
    assert len(buffer) == 0

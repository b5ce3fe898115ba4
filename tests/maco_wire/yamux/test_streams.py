"""A stream's windows follow spec.md, section "Flow Control"."""

from __future__ import annotations

import pytest

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.yamux.streams import Stream

WINDOW = 256 * 1024  # spec.md: "Both sides assume the initial 256KB window"


def new_stream() -> Stream:
    return Stream(1, opened_by_peer=False)


def test_both_windows_begin_with_256_kib() -> None:
    assert (new_stream().send_window, new_stream().receive_window) == (WINDOW, WINDOW)


def test_a_whole_window_may_be_received_and_not_a_byte_more() -> None:
    stream = new_stream()
    stream.receive_payload(WINDOW)
    with pytest.raises(RemoteProtocolError, match="at most 0 bytes"):
        stream.receive_payload(1)


def test_the_window_is_given_back_from_the_half_on() -> None:
    stream = new_stream()
    stream.receive_payload(WINDOW)
    assert stream.consume(WINDOW // 2 - 1) == 0
    assert stream.consume(1) == WINDOW // 2
    assert stream.receive_window == WINDOW // 2


def test_no_window_is_given_back_after_the_peers_fin() -> None:
    stream = new_stream()
    stream.receive_payload(WINDOW)
    stream.end_by_peer()
    assert stream.consume(WINDOW) == 0


def test_a_larger_window_is_given_back_in_halves_of_itself() -> None:
    stream = new_stream()
    stream.grow_receive_window(3 * WINDOW)
    stream.receive_payload(4 * WINDOW)
    assert stream.consume(2 * WINDOW - 1) == 0
    assert stream.consume(1) == 2 * WINDOW


def test_a_window_shrinks_by_what_is_withheld_and_not_below_the_initial_one() -> None:
    stream = new_stream()
    stream.grow_receive_window(WINDOW)
    stream.receive_payload(2 * WINDOW)
    assert stream.withhold(stream.consume(2 * WINDOW)) == WINDOW
    assert stream.receive_window == WINDOW
    assert stream.withhold(WINDOW) == 0


@pytest.mark.parametrize("count", [-1, 11])
def test_more_than_was_received_cannot_be_consumed(count: int) -> None:
    stream = new_stream()
    stream.receive_payload(10)
    with pytest.raises(LocalProtocolError, match="unconsumed"):
        stream.consume(count)


def test_what_was_consumed_cannot_be_consumed_again() -> None:
    stream = new_stream()
    stream.receive_payload(10)
    stream.consume(10)
    with pytest.raises(LocalProtocolError, match="unconsumed"):
        stream.consume(1)


def test_a_send_window_beyond_32_bits_is_an_error() -> None:
    stream = new_stream()
    stream.widen_send_window(0xFFFF_FFFF - WINDOW)
    with pytest.raises(RemoteProtocolError, match="window"):
        stream.widen_send_window(1)


def test_data_after_the_peers_fin_is_an_error() -> None:
    stream = new_stream()
    stream.end_by_peer()
    with pytest.raises(RemoteProtocolError, match="after its FIN"):
        stream.receive_payload(1)


def test_a_second_fin_is_an_error() -> None:
    stream = new_stream()
    stream.end_by_peer()
    with pytest.raises(RemoteProtocolError, match="second"):
        stream.end_by_peer()

"""Sessions exchange the frames of HashiCorp's spec.md; the section is named beside the bytes."""

from __future__ import annotations

import contextlib
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.yamux import (
    MAX_FRAME,
    DataReceived,
    Event,
    GoAwayCode,
    GoAwayReceived,
    PingAnswered,
    StreamEnded,
    StreamOpened,
    StreamReset,
    WindowOpened,
    YamuxSession,
)
from maco_wire.yamux.session import MAX_UNSENT_REPLIES
from maco_wire.yamux.streams import Stream
from tests.maco_wire.deliveries import Deliver, collect, either_way, in_pieces

WINDOW = 256 * 1024  # spec.md, "Flow Control"
SYN, ACK, FIN, RST = 1, 2, 4, 8  # spec.md, "Flag Field"
GO_AWAY_PROTOCOL_ERROR = bytes.fromhex("00 03 0000 00000000 00000001")  # spec.md, "Session termination"


def frame(kind: Literal["data", "window", "ping", "go_away"], flags: int, stream_id: int, length: int) -> bytes:
    number = ["data", "window", "ping", "go_away"].index(kind)  # spec.md, "Type Field"
    return (
        b"\x00" + bytes([number]) + flags.to_bytes(2, "big") + stream_id.to_bytes(4, "big") + length.to_bytes(4, "big")
    )


def data(stream_id: int, payload: bytes, flags: int = 0) -> bytes:
    return frame("data", flags, stream_id, len(payload)) + payload


def server_with_stream(**limits: int) -> YamuxSession:
    """Return a server that has accepted stream 1, with nothing left to send."""
    session = YamuxSession("server", **limits)
    session.receive_data(frame("window", SYN, 1, 0))
    session.accept_stream(1)
    session.data_to_send()
    return session


def client_with_stream() -> YamuxSession:
    """Return a client whose stream 1 was accepted, with nothing left to send."""
    session = YamuxSession("client")
    session.open_stream()
    session.receive_data(frame("window", ACK, 1, 0))
    session.data_to_send()
    return session


# Opening a stream


def test_a_client_opens_odd_streams_with_syn() -> None:
    session = YamuxSession("client")
    assert [session.open_stream(), session.open_stream()] == [1, 3]
    # spec.md, "Opening a stream": "an initial data or window update frame is sent with a new StreamID"
    assert session.data_to_send() == bytes.fromhex("00 01 0001 00000001 00000000  00 01 0001 00000003 00000000")
    assert not session.has_data_to_send


def test_a_server_opens_even_streams() -> None:
    session = YamuxSession("server")
    assert [session.open_stream(), session.open_stream()] == [2, 4]


@either_way
def test_a_peers_stream_is_reported_and_acknowledged_when_accepted(deliver: Deliver) -> None:
    session = YamuxSession("server")
    assert collect(session.receive_data, deliver(frame("window", SYN, 1, 0))) == [StreamOpened(1)]
    assert session.data_to_send() == b""
    session.accept_stream(1)
    assert session.data_to_send() == bytes.fromhex("00 01 0002 00000001 00000000")


@either_way
def test_data_may_come_with_the_opening_frame(deliver: Deliver) -> None:
    session = YamuxSession("server")
    events = collect(session.receive_data, deliver(data(1, b"x", SYN | FIN)))
    assert events == [StreamOpened(1), received(1, b"x"), StreamEnded(1)]


def test_data_may_be_sent_before_the_peer_has_accepted() -> None:
    session = YamuxSession("client")
    stream_id = session.open_stream()
    assert session.send_data(stream_id, b"hello") == 5
    assert session.data_to_send() == frame("window", SYN, 1, 0) + data(1, b"hello")


def test_a_stream_beyond_the_backlog_is_reset_and_the_session_goes_on() -> None:
    session = YamuxSession("server", accept_backlog=1)
    session.receive_data(frame("window", SYN, 1, 0))
    assert session.receive_data(frame("window", SYN, 3, 0)) == []
    assert session.data_to_send() == frame("window", RST, 3, 0)
    session.accept_stream(1)
    assert session.receive_data(frame("window", SYN, 5, 0)) == [StreamOpened(5)]


def test_a_stream_beyond_the_limit_is_reset_with_its_data_dropped() -> None:
    session = server_with_stream(max_streams=1)
    assert session.receive_data(data(3, b"dropped", SYN) + data(3, b"too") + data(1, b"kept")) == [received(1, b"kept")]
    assert session.data_to_send() == frame("window", RST, 3, 0)


def test_a_stream_rejected_before_it_was_accepted_frees_its_place_in_the_backlog() -> None:
    session = YamuxSession("server", accept_backlog=1)
    session.receive_data(frame("window", SYN, 1, 0))
    session.reset_stream(1)
    assert session.receive_data(frame("window", SYN, 3, 0)) == [StreamOpened(3)]


def test_a_stream_reset_by_its_opener_frees_its_place_in_the_backlog() -> None:
    session = YamuxSession("server", accept_backlog=1)
    session.receive_data(frame("window", SYN, 1, 0) + frame("window", RST, 1, 0))
    assert session.receive_data(frame("window", SYN, 3, 0)) == [StreamOpened(3)]


def test_no_stream_is_opened_beyond_the_limit() -> None:
    session = YamuxSession("client", max_streams=1)
    session.open_stream()
    assert not session.can_open_stream
    with pytest.raises(LocalProtocolError, match="limit"):
        session.open_stream()


# Data and flow control


@either_way
def test_data_is_passed_on_as_it_arrives(deliver: Deliver) -> None:
    session = server_with_stream()
    events = collect(session.receive_data, deliver(data(1, b"hello")))
    assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == b"hello"
    assert len(events) == len(list(deliver(b"hello")))


def test_no_frame_is_larger_than_64_kib() -> None:
    session = client_with_stream()
    assert session.send_data(1, bytes(WINDOW)) == WINDOW
    written, sizes = session.data_to_send(), []
    while written:
        size = 12 + int.from_bytes(written[8:12], "big")
        sizes.append(size)
        written = written[size:]
    assert max(sizes) == MAX_FRAME == 64 * 1024
    assert sum(sizes) - 12 * len(sizes) == WINDOW


def test_no_more_than_the_window_is_taken_and_the_rest_after_it_opens() -> None:
    session = client_with_stream()
    assert session.send_data(1, bytes(WINDOW + 10)) == WINDOW
    assert session.send_data(1, b"rest") == 0
    assert session.receive_data(frame("window", 0, 1, 3)) == [WindowOpened(1)]
    assert session.send_window(1) == 3
    assert session.send_data(1, b"rest") == 3


def test_an_empty_window_update_reports_nothing() -> None:
    assert client_with_stream().receive_data(frame("window", 0, 1, 0)) == []


def test_a_window_update_after_our_fin_reports_nothing() -> None:
    session = client_with_stream()
    session.end_stream(1)
    assert session.receive_data(frame("window", 0, 1, 3)) == []


def test_consumed_bytes_are_given_back_in_halves_of_the_window() -> None:
    session = server_with_stream()
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2 - 1)
    assert session.data_to_send() == b""
    session.consume(1, 1)
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2)


GROWING = {"max_window": 4 * WINDOW, "growth_budget": 16 * WINDOW}


def test_a_window_that_the_peer_used_up_doubles_when_half_of_it_is_consumed() -> None:
    session = server_with_stream(**GROWING)
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2)
    # spec.md, "Flow Control": an update adds to the window; here what was consumed, and as much again as it was large
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2 + WINDOW)


def test_a_window_that_was_not_used_up_stays() -> None:
    session = server_with_stream(**GROWING)
    session.receive_data(data(1, bytes(WINDOW // 2)))
    session.consume(1, WINDOW // 2)
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2)


def test_a_window_does_not_grow_beyond_its_limit() -> None:
    session = server_with_stream(max_window=WINDOW + 16, growth_budget=WINDOW)
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2)
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2 + 16)


def test_all_windows_together_do_not_grow_beyond_the_budget() -> None:
    session = server_with_stream(max_window=4 * WINDOW, growth_budget=WINDOW)
    session.receive_data(frame("window", SYN, 3, 0))
    session.accept_stream(3)
    session.data_to_send()
    for stream_id, grown in ((1, WINDOW), (3, 0)):
        session.receive_data(data(stream_id, bytes(WINDOW)))
        session.consume(stream_id, WINDOW // 2)
        assert session.data_to_send() == frame("window", 0, stream_id, WINDOW // 2 + grown)


def test_a_stream_that_is_over_gives_its_growth_back_to_the_others() -> None:
    session = server_with_stream(max_window=4 * WINDOW, growth_budget=WINDOW)
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2)
    session.receive_data(frame("window", RST, 1, 0) + frame("window", SYN, 3, 0) + data(3, bytes(WINDOW)))
    session.accept_stream(3)
    session.data_to_send()
    session.consume(3, WINDOW // 2)
    assert session.data_to_send() == frame("window", 0, 3, WINDOW // 2 + WINDOW)


def test_a_reader_that_falls_behind_loses_what_its_window_had_grown_by() -> None:
    session = server_with_stream(**GROWING)
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2)
    session.receive_data(data(1, bytes(WINDOW // 2 + WINDOW)))
    session.data_to_send()
    session.consume(1, WINDOW, waiting=WINDOW + 1)
    assert session.data_to_send() == b""  # half of the window, and all of it withheld
    session.consume(1, WINDOW // 2, waiting=WINDOW + 1)
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2)


def test_a_window_neither_grows_nor_shrinks_while_a_few_bytes_wait_for_the_reader() -> None:
    session = server_with_stream(**GROWING)
    session.receive_data(data(1, bytes(WINDOW)))
    session.consume(1, WINDOW // 2, waiting=1)
    assert session.data_to_send() == frame("window", 0, 1, WINDOW // 2)


def test_data_may_be_built_in_the_owners_buffer() -> None:
    session = server_with_stream()
    buffer = bytearray(b"--" + bytes(12) + b"hello")
    session.place_data(state(session, 1), buffer, 2, 5)
    assert bytes(buffer[2:]) == data(1, b"hello")
    assert session.send_window(1) == WINDOW - 5


@pytest.mark.parametrize("length", [0, WINDOW + 1])
def test_data_that_the_window_does_not_allow_is_not_built(length: int) -> None:
    session = server_with_stream()
    with pytest.raises(LocalProtocolError, match="takes no"):
        session.place_data(state(session, 1), bytearray(12), 0, length)


def test_a_stream_that_is_over_takes_no_data_in_place() -> None:
    session = server_with_stream()
    stream = state(session, 1)
    session.reset_stream(1)
    assert session.stream(1) is None
    with pytest.raises(LocalProtocolError, match="takes no"):
        session.place_data(stream, bytearray(13), 0, 1)


def test_data_beyond_the_window_is_an_error_before_it_arrives() -> None:
    session = server_with_stream()
    session.receive_data(data(1, bytes(WINDOW)))
    with pytest.raises(RemoteProtocolError, match="at most 0 bytes"):
        session.receive_data(frame("data", 0, 1, 1))


def test_a_stalled_stream_does_not_hold_up_another() -> None:
    session = server_with_stream()
    session.receive_data(data(1, bytes(WINDOW)) + frame("window", SYN, 3, 0))
    assert session.receive_data(data(3, b"ping")) == [received(3, b"ping")]


# Closing a stream


def test_half_close_lets_the_other_direction_run() -> None:
    session = client_with_stream()
    session.end_stream(1)
    assert session.data_to_send() == frame("window", FIN, 1, 0)
    assert session.receive_data(data(1, b"answer")) == [received(1, b"answer")]
    assert session.open_streams == 1


@either_way
@pytest.mark.parametrize("kind", ["data", "window"])
def test_fin_is_read_from_data_and_window_update(deliver: Deliver, kind: Literal["data", "window"]) -> None:
    session = server_with_stream()
    assert collect(session.receive_data, deliver(frame(kind, FIN, 1, 0))) == [StreamEnded(1)]


def test_fin_takes_effect_behind_the_data_of_its_frame() -> None:
    session = server_with_stream()
    written = data(1, b"bye", FIN)
    assert session.receive_data(written[:-1]) == [received(1, b"by")]
    assert session.receive_data(written[-1:]) == [received(1, b"e"), StreamEnded(1)]


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_stream_ended_by_both_sides_is_forgotten(ours_first: bool) -> None:
    session = server_with_stream()
    if ours_first:
        session.end_stream(1)
    session.receive_data(frame("window", FIN, 1, 0))
    if not ours_first:
        session.end_stream(1)
    assert session.open_streams == 0
    assert session.data_to_send() == frame("window", FIN, 1, 0)


@either_way
@pytest.mark.parametrize("kind", ["data", "window"])
def test_rst_ends_the_stream_both_ways(deliver: Deliver, kind: Literal["data", "window"]) -> None:
    session = server_with_stream()
    assert collect(session.receive_data, deliver(frame(kind, RST, 1, 0))) == [StreamReset(1)]
    assert session.open_streams == 0


def test_a_rejected_stream_is_reported_as_reset() -> None:
    session = YamuxSession("client")
    session.open_stream()
    # spec.md, "Opening a stream": "… or with the RST flag to reject the stream"
    assert session.receive_data(frame("window", RST, 1, 0)) == [StreamReset(1)]


def test_what_the_peer_sent_before_it_read_our_reset_is_dropped() -> None:
    session = server_with_stream()
    session.reset_stream(1)
    assert session.data_to_send() == frame("window", RST, 1, 0)
    late = data(1, b"late") + frame("window", 0, 1, 100) + data(1, b"", FIN) + frame("window", RST, 1, 0)
    assert session.receive_data(late + frame("window", SYN, 3, 0)) == [StreamOpened(3)]


def test_a_stream_reset_in_the_middle_of_a_frame_drops_the_rest_of_it() -> None:
    session = server_with_stream()
    written = data(1, b"hello", FIN)
    session.receive_data(written[:14])
    session.reset_stream(1)
    assert session.receive_data(written[14:] + frame("window", SYN, 3, 0)) == [StreamOpened(3)]


def test_calls_for_a_stream_that_was_reset_meanwhile_do_nothing() -> None:
    session = server_with_stream()
    session.receive_data(data(1, b"x") + frame("window", RST, 1, 0))
    assert session.send_data(1, b"answer") == 0
    assert session.send_window(1) == 0
    session.consume(1, 1)
    session.end_stream(1)
    session.reset_stream(1)
    session.accept_stream(1)
    assert session.data_to_send() == b""


def test_memory_does_not_grow_with_past_streams() -> None:
    client, server = YamuxSession("client"), YamuxSession("server")
    for _ in range(1000):
        stream_id = client.open_stream()
        client.end_stream(stream_id)
        server.receive_data(client.data_to_send())
        server.accept_stream(stream_id)
        server.end_stream(stream_id)
        client.receive_data(server.data_to_send())
    held = [value for session in (client, server) for value in vars(session).values() if hasattr(value, "__len__")]
    assert len(held) > 4
    assert max(len(value) for value in held if not isinstance(value, str | tuple)) == 0


# The session


@either_way
def test_a_ping_is_answered_with_its_value(deliver: Deliver) -> None:
    session = YamuxSession("server")
    assert collect(session.receive_data, deliver(frame("ping", SYN, 0, 0xDEADBEEF))) == []
    assert session.data_to_send() == bytes.fromhex("00 02 0002 00000000 deadbeef")  # spec.md, "Length Field"


def test_an_answered_ping_is_reported_once() -> None:
    session = YamuxSession("client")
    session.ping(7)
    assert session.data_to_send() == bytes.fromhex("00 02 0001 00000000 00000007")
    assert session.receive_data(frame("ping", ACK, 0, 7) * 2) == [PingAnswered(7)]


@pytest.mark.parametrize("code", list(GoAwayCode))
def test_a_go_away_is_reported_and_no_stream_is_opened_after_it(code: GoAwayCode) -> None:
    session = client_with_stream()
    assert session.receive_data(frame("go_away", 0, 0, code)) == [GoAwayReceived(code)]
    with pytest.raises(LocalProtocolError):
        session.open_stream()
    assert session.receive_data(data(1, b"still")) == [received(1, b"still")]


def test_after_our_go_away_new_streams_are_reset_and_old_ones_run() -> None:
    session = server_with_stream()
    session.go_away()
    assert session.data_to_send() == frame("go_away", 0, 0, 0)
    assert session.receive_data(frame("window", SYN, 3, 0) + data(1, b"x")) == [received(1, b"x")]
    assert session.data_to_send() == frame("window", RST, 3, 0)


BREACHES = {
    "version": b"\x01" + bytes(11),
    "type": b"\x00\x04" + bytes(10),
    "flags": frame("data", 16, 1, 0),
    "data for the session": data(0, b"x"),
    "window update for the session": frame("window", 0, 0, 1),
    "ID of the wrong side": frame("window", SYN, 2, 0),
    "ID used again": frame("window", SYN, 1, 0),
    "ID below the highest": frame("window", SYN, 5, 0) + frame("window", SYN, 3, 0),
    "SYN with ACK": frame("window", SYN | ACK, 3, 0),
    "SYN with RST": frame("window", SYN | RST, 3, 0),
    "ACK from the opener": frame("window", ACK, 1, 0),
    "stream never opened": data(3, b"x"),
    "stream this side never opened": frame("window", FIN, 2, 0),
    "data after FIN": frame("window", FIN, 1, 0) + data(1, b"x"),
    "two FINs": frame("window", FIN, 1, 0) * 2,
    "window above 32 bits": frame("window", 0, 1, 0xFFFFFFFF),
    "data above the window": frame("data", 0, 1, WINDOW + 1),
    "ping on a stream": frame("ping", SYN, 1, 0),
    "ping without flag": frame("ping", 0, 0, 0),
    "ping with both flags": frame("ping", SYN | ACK, 0, 0),
    "go-away on a stream": frame("go_away", 0, 1, 0),
    "go-away with a flag": frame("go_away", SYN, 0, 0),
    "go-away code": frame("go_away", 0, 0, 3),
}


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES.keys())
@either_way
def test_a_breach_ends_the_session_with_a_go_away(deliver: Deliver, breach: bytes) -> None:
    session = server_with_stream()
    with pytest.raises(RemoteProtocolError):
        collect(session.receive_data, deliver(breach))
    assert session.data_to_send() == GO_AWAY_PROTOCOL_ERROR
    assert session.open_streams == 0
    with pytest.raises(LocalProtocolError, match="failed"):
        session.receive_data(b"")


def test_data_on_a_stream_that_the_peer_has_not_acknowledged_is_an_error() -> None:
    session = YamuxSession("client")
    session.open_stream()
    # spec.md, "Opening a stream": "The receiver must then reply with … the ACK flag … or with the RST flag"
    with pytest.raises(RemoteProtocolError, match="ACK"):
        session.receive_data(data(1, b"x"))


def test_the_ack_may_come_with_data_and_twice() -> None:
    session = YamuxSession("client")
    session.open_stream()
    assert session.receive_data(data(1, b"x", ACK) + data(1, b"y", ACK)) == [
        received(1, b"x"),
        received(1, b"y"),
    ]


def test_a_peer_that_pings_without_end_is_stopped() -> None:
    session = YamuxSession("server")
    session.receive_data(frame("ping", SYN, 0, 1) * (MAX_UNSENT_REPLIES // 12))
    with pytest.raises(RemoteProtocolError, match="replies"):
        session.receive_data(frame("ping", SYN, 0, 1))


@pytest.mark.slow
def test_answers_that_were_sent_do_not_count() -> None:
    session = YamuxSession("server")
    for _ in range(3):
        session.receive_data(frame("ping", SYN, 0, 1) * (MAX_UNSENT_REPLIES // 12))
        session.data_to_send()


def test_the_end_of_data_between_frames_with_no_stream_open_is_in_order() -> None:
    assert YamuxSession("server").receive_eof() == []


def test_the_end_of_data_with_a_stream_open_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="1 open"):
        server_with_stream().receive_eof()


def test_the_end_of_data_inside_a_frame_is_an_error() -> None:
    session = YamuxSession("server")
    session.receive_data(b"\x00")
    with pytest.raises(RemoteProtocolError, match="end of data"):
        session.receive_eof()


# The caller's faults


def test_calls_for_a_stream_that_never_was_are_the_callers_fault() -> None:
    session = server_with_stream()
    for stream_id in (0, 2, 3, -1):
        with pytest.raises(LocalProtocolError, match="no stream"):
            session.send_data(stream_id, b"x")


def test_nothing_is_sent_on_a_stream_not_yet_accepted() -> None:
    session = YamuxSession("server")
    session.receive_data(data(1, b"x", SYN))
    with pytest.raises(LocalProtocolError, match="not accepted"):
        session.send_data(1, b"x")
    with pytest.raises(LocalProtocolError, match="not accepted"):
        session.end_stream(1)
    with pytest.raises(LocalProtocolError, match="not accepted"):
        session.consume(1, 1)


def test_a_stream_is_accepted_once_and_only_by_the_other_side() -> None:
    session = server_with_stream()
    own = session.open_stream()
    for stream_id in (1, own):
        with pytest.raises(LocalProtocolError, match="accepted"):
            session.accept_stream(stream_id)


def test_nothing_is_sent_after_our_fin() -> None:
    session = client_with_stream()
    session.end_stream(1)
    with pytest.raises(LocalProtocolError, match="ended"):
        session.send_data(1, b"x")
    with pytest.raises(LocalProtocolError, match="ended"):
        session.end_stream(1)


@pytest.mark.parametrize("window", [WINDOW - 1, 2**32])
def test_a_window_the_specification_does_not_allow_is_refused(window: int) -> None:
    with pytest.raises(LocalProtocolError, match="window"):
        YamuxSession("client", max_window=window)


def test_a_ping_value_and_a_go_away_code_must_fit() -> None:
    session = YamuxSession("client")
    with pytest.raises(LocalProtocolError, match="ping"):
        session.ping(2**32)
    with pytest.raises(LocalProtocolError, match="go-away"):
        session.go_away(3)


# Both together


def state(session: YamuxSession, stream_id: int) -> Stream:
    stream = session.stream(stream_id)
    assert stream is not None
    return stream


def received(stream_id: int, payload: bytes) -> DataReceived:
    return DataReceived(stream_id, memoryview(payload))


def joined(events: list[Event]) -> list[Event]:
    """Put pieces of data on the same stream together, so that deliveries can be compared."""
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, DataReceived) and isinstance(last, DataReceived) and last.stream_id == event.stream_id:
            result[-1] = received(last.stream_id, bytes(last.data) + bytes(event.data))
        else:
            result.append(event)
    return result


@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=300)), max_size=20),
    st.lists(st.integers(0, 9000), max_size=15),
)
def test_what_is_sent_on_each_stream_arrives_on_it(sends: list[tuple[int, bytes]], cuts: list[int]) -> None:
    client, server = YamuxSession("client"), YamuxSession("server")
    stream_ids = [client.open_stream() for _ in range(4)]
    for index, payload in sends:
        assert client.send_data(stream_ids[index], payload) == len(payload)
    for stream_id in stream_ids:
        client.end_stream(stream_id)
    events = collect(server.receive_data, in_pieces(client.data_to_send(), cuts))
    for index, stream_id in enumerate(stream_ids):
        expected = b"".join(payload for at, payload in sends if at == index)
        received = [event.data for event in events if isinstance(event, DataReceived) and event.stream_id == stream_id]
        assert b"".join(received) == expected
    assert joined(events)[:4] == [StreamOpened(stream_id) for stream_id in stream_ids]
    assert joined(events)[-4:] == [StreamEnded(stream_id) for stream_id in stream_ids]


@given(st.integers(1, 3 * WINDOW), st.integers(1000, WINDOW))
def test_a_transfer_of_any_size_runs_through_the_window(size: int, read: int) -> None:
    client, server = YamuxSession("client"), YamuxSession("server")
    stream_id, payload, received = client.open_stream(), memoryview(bytes(size)), 0
    sent = client.send_data(stream_id, payload)
    while received < size:
        arrived = server.receive_data(client.data_to_send())
        if StreamOpened(stream_id) in arrived:
            server.accept_stream(stream_id)
        count = sum(len(event.data) for event in arrived if isinstance(event, DataReceived))
        assert count, "the transfer has stalled"
        for taken in range(0, count, read):
            server.consume(stream_id, min(read, count - taken))
        received += count
        client.receive_data(server.data_to_send())
        sent += client.send_data(stream_id, payload[sent:])
    assert received == size


@given(st.sampled_from(["client", "server"]), st.lists(st.binary(max_size=60), max_size=6))
def test_random_bytes_never_raise_anything_but_a_protocol_error(
    role: Literal["client", "server"], pieces: list[bytes]
) -> None:
    session = YamuxSession(role)
    with contextlib.suppress(RemoteProtocolError):
        for piece in pieces:
            session.receive_data(piece)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["data", "window", "ping", "go_away"]),
            st.integers(0, 15),
            st.integers(0, 6),
            st.integers(0, 20),
        ),
        max_size=30,
    )
)
def test_random_frames_never_raise_anything_but_a_protocol_error(
    frames: list[tuple[Literal["data", "window", "ping", "go_away"], int, int, int]],
) -> None:
    session = YamuxSession("server", max_streams=3)
    session.open_stream()
    with contextlib.suppress(RemoteProtocolError):
        for kind, flags, stream_id, length in frames:
            payload = bytes(length) if kind == "data" else b""
            for event in session.receive_data(frame(kind, flags, stream_id, length) + payload):
                if isinstance(event, StreamOpened):
                    session.accept_stream(event.stream_id)
            assert session.open_streams <= 3

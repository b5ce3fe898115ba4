"""The session against HashiCorp's spec.md, section by section: what the other tests of this folder leave out.

All expected bytes are written by hand from the specification:
version (8 bits), type (8), flags (16), stream ID (32), length (32), network order.
"""

from __future__ import annotations

from typing import Literal

import pytest

from maco_wire.exceptions import RemoteProtocolError
from maco_wire.yamux import (
    DataReceived,
    Event,
    PingAnswered,
    StreamEnded,
    StreamOpened,
    StreamReset,
    WindowOpened,
    YamuxSession,
)

WINDOW = 256 * 1024  # "Flow Control": "starts each stream with a 256KB window size"
Role = Literal["client", "server"]
ROLES: tuple[tuple[Role, int, int], ...] = (("client", 1, 2), ("server", 2, 1))
"""The role, the first ID of its own streams, and of those of its peer ("StreamID Field")."""

both_roles = pytest.mark.parametrize(("role", "ours", "theirs"), ROLES, ids=["client", "server"])


def wire(text: str) -> bytes:
    return bytes.fromhex(text)


def opened(session: YamuxSession) -> int:
    """Open a stream and take its SYN away; the peer has not acknowledged it."""
    stream_id = session.open_stream()
    session.data_to_send()
    return stream_id


def acknowledged() -> YamuxSession:
    """Return a client with stream 1, acknowledged, and nothing left to send."""
    session = YamuxSession("client")
    opened(session)
    session.receive_data(wire("00 01 0002 00000001 00000000"))
    return session


def payload(events: list[Event]) -> bytes:
    return b"".join(bytes(event.data) for event in events if isinstance(event, DataReceived))


def taken(session: YamuxSession, text: str) -> tuple[list[Event], bytes]:
    """Feed a frame; return what is no payload, and the payload."""
    events = session.receive_data(wire(text))
    return [event for event in events if not isinstance(event, DataReceived)], payload(events)


def given_back(written: bytes) -> int:
    """Return the delta of one window update on stream 1, which may also enlarge the window."""
    assert (written[:8], len(written)) == (wire("00 01 0000 00000001"), 12)
    return int.from_bytes(written[8:], "big")


# Framing, "Length Field": what is sent


def test_data_carries_the_length_of_what_follows() -> None:
    session = acknowledged()
    assert session.send_data(1, b"hello") == 5
    assert session.data_to_send() == wire("00 00 0000 00000001 00000005 68 65 6c 6c 6f")


def test_a_reset_is_one_header() -> None:
    session = acknowledged()
    session.reset_stream(1)
    # "May be sent with a data or window update message": either is in order, without payload
    assert session.data_to_send() in (wire("00 01 0008 00000001 00000000"), wire("00 00 0008 00000001 00000000"))


def test_an_end_is_one_header() -> None:
    session = acknowledged()
    session.end_stream(1)
    assert session.data_to_send() in (wire("00 01 0004 00000001 00000000"), wire("00 00 0004 00000001 00000000"))


@pytest.mark.parametrize(
    ("code", "written"),
    [(0, "00 03 0000 00000000 00000000"), (1, "00 03 0000 00000000 00000001"), (2, "00 03 0000 00000000 00000002")],
    ids=["normal termination", "protocol error", "internal error"],
)
@both_roles
def test_a_go_away_carries_its_code_on_stream_0(role: Role, ours: int, theirs: int, code: int, written: str) -> None:
    session = YamuxSession(role)
    session.go_away(code)
    assert session.data_to_send() == wire(written)


@pytest.mark.parametrize("value", ["00000000", "00000001", "7fffffff", "80000000", "ffffffff"])
@both_roles
def test_a_ping_is_sent_with_syn_and_echoed_with_ack(role: Role, ours: int, theirs: int, value: str) -> None:
    session = YamuxSession(role)
    session.ping(int(value, 16))
    assert session.data_to_send() == wire(f"00 02 0001 00000000 {value}")
    assert session.receive_data(wire(f"00 02 0002 00000000 {value}")) == [PingAnswered(int(value, 16))]
    assert session.receive_data(wire(f"00 02 0001 00000000 {value}")) == []
    assert session.data_to_send() == wire(f"00 02 0002 00000000 {value}")


# "Type Field" and "Flag Field": what is taken


@pytest.mark.parametrize("kind", ["00", "01"], ids=["data", "window update"])
@both_roles
def test_syn_opens_a_stream_with_either_type(role: Role, ours: int, theirs: int, kind: str) -> None:
    assert YamuxSession(role).receive_data(wire(f"00 {kind} 0001 {theirs:08x} 00000000")) == [StreamOpened(theirs)]


@pytest.mark.parametrize("kind", ["00", "01"], ids=["data", "window update"])
@both_roles
def test_ack_accepts_a_stream_with_either_type(role: Role, ours: int, theirs: int, kind: str) -> None:
    session = YamuxSession(role)
    stream_id = opened(session)
    assert session.receive_data(wire(f"00 {kind} 0002 {stream_id:08x} 00000000")) == []
    assert taken(session, f"00 00 0000 {stream_id:08x} 00000001 78") == ([], b"x")


def test_data_of_no_length_and_no_flag_says_nothing() -> None:
    # "May transmit zero length payloads depending on the flags"
    session = acknowledged()
    assert session.receive_data(wire("00 00 0000 00000001 00000000")) == []
    assert session.open_streams == 1


@pytest.mark.parametrize("kind", ["00", "01"], ids=["data", "window update"])
def test_a_stream_may_be_accepted_and_ended_by_one_frame(kind: str) -> None:
    session = YamuxSession("client")
    opened(session)
    assert session.receive_data(wire(f"00 {kind} 0006 00000001 00000000")) == [StreamEnded(1)]
    assert session.send_data(1, b"x") == 1


def test_a_whole_answer_may_come_in_one_frame() -> None:
    session = YamuxSession("client")
    opened(session)
    assert taken(session, "00 00 0006 00000001 00000002 68 69") == ([StreamEnded(1)], b"hi")


@pytest.mark.parametrize(
    "written",
    [
        "00 02 0004 00000000 00000001",
        "00 02 0008 00000000 00000001",
        "00 02 0005 00000000 00000001",
        "00 02 000a 00000000 00000001",
        "00 03 0002 00000000 00000000",
        "00 03 0004 00000000 00000000",
        "00 03 0008 00000000 00000000",
    ],
    ids=["ping FIN", "ping RST", "ping SYN FIN", "ping ACK RST", "go-away ACK", "go-away FIN", "go-away RST"],
)
def test_a_flag_on_a_type_that_does_not_take_it_is_a_protocol_error(written: str) -> None:
    session = YamuxSession("server")
    with pytest.raises(RemoteProtocolError):
        session.receive_data(wire(written))
    assert session.data_to_send() == wire("00 03 0000 00000000 00000001")


# "StreamID Field"


@both_roles
def test_a_peer_that_opens_a_stream_with_an_id_of_this_side_is_in_error(role: Role, ours: int, theirs: int) -> None:
    # "The client side should use odd ID's, and the server even"
    with pytest.raises(RemoteProtocolError):
        YamuxSession(role).receive_data(wire(f"00 01 0001 {ours:08x} 00000000"))


@both_roles
def test_own_ids_go_up_by_two(role: Role, ours: int, theirs: int) -> None:
    session = YamuxSession(role)
    assert [session.open_stream() for _ in range(3)] == [ours, ours + 2, ours + 4]


@both_roles
def test_streams_of_both_sides_stand_side_by_side(role: Role, ours: int, theirs: int) -> None:
    session = YamuxSession(role)
    assert opened(session) == ours
    session.receive_data(wire(f"00 01 0002 {ours:08x} 00000000  00 01 0001 {theirs:08x} 00000000"))
    session.accept_stream(theirs)
    assert session.open_streams == 2
    assert taken(session, f"00 00 0000 {ours:08x} 00000001 61") == ([], b"a")
    assert taken(session, f"00 00 0000 {theirs:08x} 00000001 62") == ([], b"b")


def test_the_largest_id_can_be_opened() -> None:
    assert YamuxSession("server").receive_data(wire("00 01 0001 ffffffff 00000000")) == [StreamOpened(0xFFFFFFFF)]


# "Opening a stream"


def test_a_stream_may_be_rejected_after_data_was_sent_on_it() -> None:
    # "This does introduce the possibility of a connection being rejected after data has been sent already."
    session = YamuxSession("client")
    opened(session)
    assert session.send_data(1, b"request") == 7
    assert session.receive_data(wire("00 01 0008 00000001 00000000")) == [StreamReset(1)]
    assert session.open_streams == 0


def test_a_whole_window_may_be_sent_before_the_acknowledgement() -> None:
    # "The corresponding ACK does not need to be received."
    session = YamuxSession("client")
    stream_id = session.open_stream()
    assert session.send_data(stream_id, bytes(WINDOW)) == WINDOW


# "Closing a stream"


def test_what_was_sent_before_an_end_comes_before_it() -> None:
    session = acknowledged()
    session.send_data(1, b"bye")
    session.end_stream(1)
    written = session.data_to_send()
    assert written.startswith((wire("00 00 0000 00000001 00000003 62 79 65"), wire("00 00 0004 00000001 00000003")))
    assert written[2:4] == wire("0004") or written[17:19] == wire("0004")


def test_a_half_closed_stream_is_given_windows_for_what_it_still_receives() -> None:
    session = acknowledged()
    session.end_stream(1)
    session.data_to_send()
    session.receive_data(wire("00 00 0000 00000001 00040000") + bytes(WINDOW))
    session.consume(1, WINDOW)
    assert given_back(session.data_to_send()) >= WINDOW


# "Flow Control"


@both_roles
def test_each_stream_begins_with_256_kib(role: Role, ours: int, theirs: int) -> None:
    session = YamuxSession(role)
    session.receive_data(wire(f"00 01 0001 {theirs:08x} 00000000"))
    session.accept_stream(theirs)
    assert [session.send_window(opened(session)), session.send_window(theirs)] == [WINDOW, WINDOW]


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_window_that_comes_with_syn_or_ack_is_added(role: Role) -> None:
    # "can immediately send a window update as part of the SYN/ACK indicating a larger window"
    session = YamuxSession(role)
    if role == "client":
        opened(session)
        session.receive_data(wire("00 01 0002 00000001 00001000"))
    else:
        session.receive_data(wire("00 01 0001 00000001 00001000"))
        session.accept_stream(1)
    assert session.send_window(1) == WINDOW + 0x1000


def test_updates_are_deltas_and_add_up() -> None:
    # "Window update - provides a delta update to the window size"
    session = acknowledged()
    session.send_data(1, bytes(WINDOW))
    assert session.receive_data(wire("00 01 0000 00000001 00000064")) == [WindowOpened(1)]
    session.receive_data(wire("00 01 0000 00000001 00000032"))
    assert session.send_window(1) == 150
    assert session.send_data(1, bytes(1000)) == 150


def test_only_data_frames_count() -> None:
    # "Both sides should track the number of bytes sent in Data frames only"
    session = acknowledged()
    session.ping(1)
    session.receive_data(wire("00 02 0001 00000000 00000001  00 00 0000 00000001 00000003 61 62 63"))
    session.consume(1, 3)
    assert session.send_window(1) == WINDOW
    session.send_data(1, b"12345")
    assert session.send_window(1) == WINDOW - 5


def test_there_is_no_window_for_the_session() -> None:
    # "There is no window size for the session."
    session = YamuxSession("server")
    for stream_id in range(1, 21, 2):
        session.receive_data(wire(f"00 01 0001 {stream_id:08x} 00000000"))
        session.accept_stream(stream_id)
        arrived = session.receive_data(wire(f"00 00 0000 {stream_id:08x} 00040000") + bytes(WINDOW))
        assert len(payload(arrived)) == WINDOW
    assert session.open_streams == 10


@pytest.mark.parametrize("over", [1, 2**31, 0xFFFFFFFF - WINDOW])
def test_a_frame_beyond_the_window_is_a_protocol_error_by_its_header_alone(over: int) -> None:
    session = acknowledged()
    with pytest.raises(RemoteProtocolError):
        session.receive_data(wire(f"00 00 0000 00000001 {WINDOW + over:08x}"))
    assert session.data_to_send() == wire("00 03 0000 00000000 00000001")


def test_what_was_given_back_may_be_sent_again_and_no_more() -> None:
    session = acknowledged()
    session.receive_data(wire("00 00 0000 00000001 00040000") + bytes(WINDOW))
    session.consume(1, WINDOW)
    delta = given_back(session.data_to_send())
    assert len(payload(session.receive_data(wire(f"00 00 0000 00000001 {delta:08x}") + bytes(delta)))) == delta
    with pytest.raises(RemoteProtocolError):
        session.receive_data(wire("00 00 0000 00000001 00000001"))


# "Session termination"


@pytest.mark.parametrize("code", ["00000003", "ffffffff"])
def test_a_go_away_with_a_code_of_no_meaning_is_a_protocol_error(code: str) -> None:
    with pytest.raises(RemoteProtocolError):
        YamuxSession("client").receive_data(wire(f"00 03 0000 00000000 {code}"))


def test_streams_that_run_may_finish_behind_a_go_away_in_both_directions() -> None:
    session = acknowledged()
    session.receive_data(wire("00 03 0000 00000000 00000000"))
    assert not session.can_open_stream
    assert session.send_data(1, b"rest") == 4
    assert taken(session, "00 00 0004 00000001 00000001 78") == ([StreamEnded(1)], b"x")

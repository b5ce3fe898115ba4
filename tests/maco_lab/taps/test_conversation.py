"""What stands around the payload is taken off by the protocols' own rules."""

from __future__ import annotations

import pytest

from maco_lab.taps.chunk import TapChunk, TappedConnection
from maco_lab.taps.conversation import Conversation, behind_socks, conversation, stream_of
from maco_wire.socks5 import Authenticated, ConnectRequested, MethodAccepted, Socks5Client, Socks5Server
from maco_wire.tunnel_messages import OpenAccepted, OpenRequest, encode_answer, encode_open_request
from maco_wire.yamux.frames import ACK, SYN, FrameType, encode_header

ONE = TappedConnection(1, "customer LAN", ("127.0.0.1", 1), ("127.0.0.1", 2), 0.0)
OTHER = TappedConnection(2, "customer LAN", ("127.0.0.1", 1), ("127.0.0.1", 2), 0.0)


def test_chunks_of_one_connection_are_put_together_by_direction() -> None:
    chunks = [
        TapChunk(ONE, True, 0.0, b"a"),
        TapChunk(OTHER, True, 0.0, b"x"),
        TapChunk(ONE, False, 0.0, b"1"),
        TapChunk(ONE, True, 0.0, b"b"),
    ]

    assert conversation(chunks, ONE) == Conversation(b"ab", b"1")


def shaken(bound_host: str, *, refused: bool = False) -> Conversation:
    """Return a SOCKS5 handshake as the two machines speak it."""
    client, server = Socks5Client(token="e.y.J", location_id="WERK1", host="mail.example", port=143), Socks5Server()
    said, answered = b"", b""
    for _ in range(3):
        data = client.data_to_send()
        said += data
        for event in server.receive_data(data):
            if isinstance(event, ConnectRequested) and refused:
                server.refuse(4)
            elif isinstance(event, ConnectRequested):
                server.accept(bound_host)
            else:
                server.accept_authentication()
        data = server.data_to_send()
        answered += data
        events = client.receive_data(data)
        assert refused or isinstance(events[0], MethodAccepted | Authenticated) or server.data_to_send() == b""
    return Conversation(said, answered)


@pytest.mark.parametrize("bound_host", ["0.0.0.0", "a.host.name.example"])
def test_payload_follows_the_socks5_handshake(bound_host: str) -> None:
    head = shaken(bound_host)

    assert behind_socks(head) == Conversation()
    whole = Conversation(head.from_client + b"a1 LOGIN", head.to_client + b"* OK")
    assert behind_socks(whole) == Conversation(b"a1 LOGIN", b"* OK")


def test_a_refused_request_has_no_payload() -> None:
    assert behind_socks(shaken("0.0.0.0", refused=True)) == Conversation()


def test_a_handshake_that_is_not_complete_has_no_payload_to_be_counted() -> None:
    head = shaken("0.0.0.0")

    for size in range(len(head.from_client)):
        assert behind_socks(Conversation(head.from_client[:size], head.to_client)) is None
    for size in range(len(head.to_client)):
        assert behind_socks(Conversation(head.from_client, head.to_client[:size])) is None


def data_frame(stream_id: int, data: bytes, flags: int = 0) -> bytes:
    return encode_header(FrameType.DATA, flags, stream_id, len(data)) + data


def test_a_stream_is_found_by_its_trace_id_among_others() -> None:
    opens = {
        1: encode_open_request(OpenRequest("a.example", 1, "t1")),
        3: encode_open_request(OpenRequest("b", 2, "t2")),
    }
    by_cloud = b"HTTP/1.1 101 Switching\r\n\r\n" + b"".join(
        data_frame(number, opened, SYN) for number, opened in opens.items()
    )
    by_cloud += data_frame(1, b"other") + data_frame(3, b"a1 LO") + encode_header(FrameType.PING, SYN, 0, 7)
    by_cloud += data_frame(3, b"GIN")
    accepted = encode_answer(OpenAccepted())
    by_connector = b"GET /tunnel HTTP/1.1\r\n\r\n" + data_frame(3, accepted + b"* OK", ACK) + data_frame(1, accepted)

    found = stream_of(Conversation(by_connector, by_cloud), "t2")

    assert found is not None
    assert found.payload == Conversation(b"a1 LOGIN", b"* OK")
    assert found.whole == Conversation(opens[3] + b"a1 LOGIN", accepted + b"* OK")
    assert stream_of(Conversation(by_connector, by_cloud), "t3") is None


def test_what_is_no_tunnel_has_no_stream() -> None:
    assert stream_of(Conversation(b"\r\n\r\n" + b"\xff" * 20, b"\r\n\r\n" + b"\xff" * 20), "t") is None

"""Headers have the layout of HashiCorp's spec.md, section "Framing"."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.exceptions import RemoteProtocolError
from maco_wire.yamux.frames import ACK, FIN, RST, SYN, FrameReader, FrameType, Header, decode_header, encode_header
from tests.maco_wire.deliveries import Deliver, either_way, in_pieces

headers = st.builds(
    Header, st.sampled_from(FrameType), st.integers(0, 15), st.integers(0, 0xFFFF_FFFF), st.integers(0, 0xFFFF_FFFF)
)

# spec.md, "Framing": version (8 bits), type (8), flags (16), stream ID (32), length (32), all big endian
LAYOUT = [
    (Header(FrameType.DATA, 0, 1, 5), "00 00 0000 00000001 00000005"),
    (Header(FrameType.WINDOW_UPDATE, SYN, 3, 0), "00 01 0001 00000003 00000000"),
    (Header(FrameType.WINDOW_UPDATE, ACK, 3, 0x00040000), "00 01 0002 00000003 00040000"),
    (Header(FrameType.DATA, FIN, 2, 0), "00 00 0004 00000002 00000000"),
    (Header(FrameType.WINDOW_UPDATE, RST, 0xFFFFFFFF, 0), "00 01 0008 ffffffff 00000000"),
    (Header(FrameType.PING, SYN, 0, 0xDEADBEEF), "00 02 0001 00000000 deadbeef"),
    (Header(FrameType.GO_AWAY, 0, 0, 1), "00 03 0000 00000000 00000001"),
]


def read(reader: FrameReader, data: bytes) -> list[Header | bytes]:
    return [part if isinstance(part, Header) else bytes(part) for part in reader.receive_data(data)]


@pytest.mark.parametrize(("header", "layout"), LAYOUT)
def test_a_header_has_the_published_layout(header: Header, layout: str) -> None:
    assert encode_header(*header) == bytes.fromhex(layout)
    assert decode_header(bytes.fromhex(layout)) == header


@either_way
@pytest.mark.parametrize(("header", "layout"), [case for case in LAYOUT if case[0].frame_type is not FrameType.DATA])
def test_a_header_is_read_when_its_last_byte_arrives(deliver: Deliver, header: Header, layout: str) -> None:
    reader = FrameReader()
    *earlier, last = [read(reader, piece) for piece in deliver(bytes.fromhex(layout))]
    assert not any(earlier)
    assert last == [header]
    assert not reader.inside_a_frame


def test_payload_is_handed_on_as_it_arrives() -> None:
    reader = FrameReader()
    header = Header(FrameType.DATA, 0, 1, 5)
    assert read(reader, encode_header(*header) + b"he") == [header, b"he"]
    assert reader.payload_remaining == 3
    assert read(reader, b"llo" + encode_header(*header)[:4]) == [b"llo"]
    assert reader.inside_a_frame


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("01 00 0000 00000001 00000000", "version"),
        ("00 04 0000 00000001 00000000", "frame type"),
        ("00 ff 0000 00000001 00000000", "frame type"),
        ("00 00 0010 00000001 00000000", "flags"),
        ("00 00 8000 00000001 00000000", "flags"),
    ],
)
@either_way
def test_a_header_outside_the_specification_is_an_error(deliver: Deliver, layout: str, expected: str) -> None:
    reader = FrameReader()
    pieces = list(deliver(bytes.fromhex(layout)))
    for piece in pieces[:-1]:
        assert read(reader, piece) == []
    with pytest.raises(RemoteProtocolError, match=expected):
        read(reader, pieces[-1])


@given(headers)
def test_a_header_survives_the_wire(header: Header) -> None:
    assert decode_header(encode_header(*header)) == header


@given(
    st.lists(st.tuples(st.integers(1, 9), st.binary(max_size=50)), max_size=8),
    st.lists(st.integers(0, 600), max_size=9),
)
def test_frames_survive_any_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    written = b"".join(encode_header(FrameType.DATA, 0, number, len(data)) + data for number, data in frames)
    reader = FrameReader()
    parts = [part for piece in in_pieces(written, cuts) for part in read(reader, piece)]
    assert [part.stream_id for part in parts if isinstance(part, Header)] == [number for number, _ in frames]
    assert b"".join(part for part in parts if isinstance(part, bytes)) == b"".join(data for _, data in frames)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_random_bytes_never_raise_anything_but_a_protocol_error(pieces: list[bytes]) -> None:
    reader = FrameReader()
    with contextlib.suppress(RemoteProtocolError):
        for piece in pieces:
            read(reader, piece)
